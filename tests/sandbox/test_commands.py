"""The sandbox's command line, as a person types it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import httpx
import pytest

from sandbox.__main__ import main
from sandbox.host.serve import listening
from sandbox.progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ROOT = Path(__file__).parents[2]


@contextmanager
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """
    Yield a stream that writes to a terminal, and a function that returns what it showed since the last call.
    """
    ours, theirs = pty.openpty()
    try:
        with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123  (a descriptor)
            os.set_blocking(ours, False)

            def shown() -> str:
                try:
                    return os.read(ours, 65_536).decode()
                except BlockingIOError:
                    return ""

            yield stream, shown
    finally:
        os.close(ours)


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """Run a command as a process, and yield it and the lines that it prints; it is killed after the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process, iter(process.stdout.readline, "")
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["host", "--role", "Admin"], "argument --role: invalid choice: 'Admin'"),
        (["demo", "--devices", "many"], "argument --devices: invalid int value: 'many'"),
        (
            ["hunts", "render", "device-card", "--lookback", "a day"],
            "'a day' is no ISO 8601 duration such as P1D",
        ),
    ],
)
def test_a_wrong_call_is_explained_with_the_usage(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 2, and the message says what is wrong with the arguments."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    err = capsys.readouterr().err

    assert 2 == ended.value.code
    assert err.startswith("usage: python -m sandbox")
    assert expected in err


def test_a_fleet_that_is_too_small_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the smallest fleet that the planted intrusions fit into."""
    code = main(["tenant", "--port", "0", "--devices", "5"])

    assert (2, "sandbox: a fleet is at least 40 devices and a day\n") == (code, capsys.readouterr().err)


def test_a_port_in_use_is_reported_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says that the address is already in use, and the exit code is 2."""
    with listening() as sock:
        code = main(["tenant", "--port", str(sock.getsockname()[1])])

    assert 2 == code
    assert re.fullmatch(r"sandbox: .*[Aa]ddress already in use.*\n", capsys.readouterr().err)


def test_the_tenant_command_starts_a_tenant() -> None:
    """It prints its address, asks for its secret, opens no incident with --closed, and ends on SIGTERM."""
    arguments = ("tenant", "--port", "0", "--devices", "40", "--days", "1", "--closed")
    with started(*arguments, IDENTITY_HEADER="secret") as (process, lines):
        address = next(lines).removeprefix("Tenant: ").strip()
        with httpx.Client(base_url=address, trust_env=False) as tenant:
            incidents = tenant.get("/sandbox/incidents").json()
            token = tenant.get("/msi/token", params={"resource": "https://graph.microsoft.com"})
        process.send_signal(signal.SIGTERM)
        process.wait(15)

    assert [] == incidents["value"]
    assert "exfiltration" in incidents["pending"]
    assert 401 == token.status_code


def test_the_host_with_auth_asks_for_its_key() -> None:
    """It prints a long key, answers 401 to calls without it, and ends cleanly on SIGINT."""
    app = str(ROOT / "tests" / "support" / "sample_app")
    with started("host", "--port", "0", "--app", app, "--auth", TICK_SCHEDULE="0 */5 * * * *") as (
        process,
        lines,
    ):
        key = next(lines).removeprefix("Key: ").strip()
        address = next(line.split("] ")[1].split("{")[0] for line in lines if "Echo: [POST]" in line)
        answers = [httpx.post(f"{address}me{query}", trust_env=False) for query in ("", f"?code={key}")]
        process.send_signal(signal.SIGINT)
        code = process.wait(15)

    assert 0 == code
    assert len(key) >= 32
    assert [401, 202] == [answer.status_code for answer in answers]


def test_long_work_draws_a_progress_bar() -> None:
    """Work that will take more than two seconds draws it on a terminal, and at the end it is full."""
    with terminal() as (stream, shown), redirect_stderr(stream):
        progress = bar("Packing")
        time.sleep(0.05)
        progress(1, 40)
        first = shown()
        time.sleep(2)
        progress(20, 40)
        half = shown()
        progress(40, 40)
        full = shown()

    assert f"\rPacking [{'.' * 30}] 1 of 40" == first
    assert f"\rPacking [{'#' * 15}{'.' * 15}] 20 of 40" == half
    assert f"\rPacking [{'#' * 30}] 40 of 40\r\n" == full


def test_short_work_draws_no_progress_bar() -> None:
    """Work that is done at once writes nothing to the terminal."""
    with terminal() as (stream, shown), redirect_stderr(stream):
        progress = bar("Packing")
        progress(1, 2)
        progress(2, 2)

        assert not shown()


def test_a_log_contains_no_progress_bar() -> None:
    """The bar is for terminals alone, however long the work takes."""
    log = StringIO()
    with redirect_stderr(log):
        progress = bar("Packing")
        time.sleep(0.02)
        progress(1, 1_000)

    assert not log.getvalue()
