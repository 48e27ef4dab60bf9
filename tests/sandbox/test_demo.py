"""`python -m sandbox demo`, as a person runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sandbox", "demo", "--devices", "40", "--days", "1"]
LIMIT = 120  # seconds, for a machine under load
OUTCOME = re.compile(
    r"^ +([a-z0-9-]+)  +((?:found|context), (?:more than )?[\d,]+ rows?(?:, [\d,]+ hits?)?|(?:no telemetry|NOT RUN): .+)$",
    re.MULTILINE,
)
SWEPT = re.compile(r"^Done in [\d.]+ s: sweep of \d+ hunts: .*; coverage 100 %$", re.MULTILINE)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let the demo receive Ctrl+C, which it would ignore if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def environment(folder: Path) -> dict[str, str]:
    """
    Return this process's environment, with *folder* for temporary files, which marks the demo's processes.
    """
    # A few hunts show what all of them do, in a fraction of the time.
    return {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "MAX_HUNTS": "10"}


def running(folder: Path) -> dict[int, str]:
    """Return the processes that have *folder* for temporary files: their ids and commands."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
    return found


def left(folder: Path) -> list[str]:
    """Return what is left of a demo: the commands of processes, and names of temporary files."""
    return [*running(folder).values(), *(path.name for path in folder.iterdir())]


def end(folder: Path) -> None:
    """Kill what is left of a demo."""
    for process in running(folder):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def run(folder: Path, root: Path = ROOT, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo of the project in *root* until it ends, and return its output and exit code."""
    return subprocess.run(
        [*COMMAND, *options],
        cwd=root,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@contextmanager
def kept(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the demo with --keep until it waits, and yield it and its output; all of it ends with the block."""
    with subprocess.Popen(
        [*COMMAND, "--keep"], cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        stuck = threading.Timer(LIMIT, process.kill)
        stuck.start()
        try:
            lines = []
            for line in iter(process.stdout.readline, ""):
                lines.append(line)
                if "Ctrl+C" in line:
                    break
            yield process, "".join(lines)
        finally:
            stuck.cancel()
            end(folder)


def copy(folder: Path) -> Path:
    """Return a folder with a project like ours, whose code and hunts can be changed."""
    root = folder / "project"
    shutil.copytree(ROOT / "shared", root / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("sandbox", "functions", "function_app.py", "host.json", "local.settings.sample.json"):
        (root / name).symlink_to(ROOT / name)
    return root


def test_the_demo_shows_everything_and_leaves_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """
    It shows an incident, the outcome of each hunt, the comment and a sweep; no process or file remains.

    With --hunt, a hunt of somebody's own follows, with its case's row in the comment of an incident on a device that it
    applies to.
    """
    tmp_path, own = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("own")
    main(["hunts", "new", "zz-mine", "--for", "device", "--os", "Windows", "--folder", str(own)])
    done = run(tmp_path, ROOT, "--hunt", str(own / "zz-mine.yaml"))
    enriched, _, rest = done.stdout.partition("A Logic App")
    rest, _, shown = rest.partition(
        "zz-mine: 1 row of its first case was put onto pc-006; see it in incident 4108's comment below"
    )
    outcomes = dict(OUTCOME.findall(enriched))

    assert 0 == done.returncode, done.stderr
    assert re.search(
        r"^Incident \d+: Archive of /srv/finance uploaded from srv-7$", done.stdout, re.MULTILINE
    )
    assert "found, 1 row, 1 hit" == outcomes["archive-then-upload"]
    assert re.fullmatch(r"context, \d+ rows, 2 hits", outcomes["linux-server-egress-baseline"])
    assert re.search(r"^ +\d+ hunts nothing found so far$", enriched, re.MULTILINE)
    assert re.search(r"^ +\d+ hunts not applicable$", enriched, re.MULTILINE)
    assert "; 0.0 s of these" not in enriched
    assert re.search(r"^ +Outrider [0-9a-f]{32} [0-9a-f]{32}$", done.stdout, re.MULTILINE)
    assert "\nIncident 4108: Hands-on-keyboard attack on pc-006 and win-2\n" in rest
    assert "The comment, as incident 4108 now holds it:" in rest
    assert SWEPT.search(rest)
    assert "FOUND (medium): zz-mine: " in shown
    assert re.search(r"• .* pc-006\[\.\]contoso.* AccountName: ada .* powershell\.exe -enc SQBFAFgA", shown)
    assert "" == done.stderr
    assert [] == left(tmp_path)


@pytest.mark.azurite
def test_the_demo_on_azurite_shows_the_same_and_leaves_nothing(tmp_path: Path) -> None:
    """It says where the state is; what it shows is as without, and Azurite ends with it."""
    done = run(tmp_path, ROOT, "--storage", "azurite")

    assert (0, "") == (done.returncode, done.stderr)
    assert re.search(
        r"^The app's state is on Azurite, .*: https://devstoreaccount1\.blob\.localhost:\d+/state$",
        done.stdout,
        re.MULTILINE,
    )
    enriched = done.stdout.partition("A Logic App")[0]
    assert "found, 1 row, 1 hit" == dict(OUTCOME.findall(enriched))["archive-then-upload"]
    assert SWEPT.search(done.stdout)
    assert [] == left(tmp_path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_keep_runs_everything_until_a_signal(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """With --keep, tenant and app answer, the incident has the comment shown, and a signal ends all of it."""
    with kept(tmp_path) as (process, output):
        tenant, app = (
            httpx.get(address, trust_env=False)
            for address in re.findall(r"^[^{\n]*:  +(http://127\.0\.0\.1:\d+\S*)$", output, re.MULTILINE)[:2]
        )
        incidents = httpx.get(tenant.url.join("/sandbox/incidents"), trust_env=False).json()["value"]
        commands = running(tmp_path)
        process.send_signal(number)
        ended = process.wait(LIMIT)
        remains = left(tmp_path)

    comments = [each["comment"] for one in incidents for each in one["comments"]]
    shown, *written = ("\n".join(line.strip() for line in text.splitlines()) for text in (output, *comments))

    assert (200, 200) == (tenant.status_code, app.status_code)
    assert "healthy" == app.json()["status"]
    assert any(f"\n{comment}\n" in shown for comment in written)
    assert {"demo", "tenant", "host"} <= {command.split()[3] for command in commands.values()}
    assert code == ended
    assert [] == remains


def test_a_signal_during_the_start_ends_everything(tmp_path: Path) -> None:
    """Tenant and app, which are still starting, end as well."""
    with subprocess.Popen(COMMAND, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + LIMIT
            while not any(" host " in command for command in running(tmp_path).values()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            code = process.wait(LIMIT)
            remains = left(tmp_path)
        finally:
            end(tmp_path)

    assert 143 == code
    assert [] == remains


def test_a_failing_tenant_fails_the_demo_with_its_reason(tmp_path: Path) -> None:
    """If the tenant cannot start, the demo prints the tenant's own message and no traceback."""
    done = run(tmp_path, ROOT, "--devices", "5")

    assert 1 == done.returncode
    assert "The demo failed: the tenant did not start" in done.stderr
    assert "a fleet is at least 40 devices and a day" in done.stderr
    assert "Traceback" not in done.stderr
    assert [] == left(tmp_path)


def test_a_failing_app_fails_the_demo_with_its_error(tmp_path: Path) -> None:
    """If the app cannot start, the demo prints the app's own error."""
    root, folder = copy(tmp_path), tmp_path / "tmp"
    folder.mkdir()
    (root / "shared" / "settings.py").write_text("import no_such_module\n", encoding="utf-8")
    done = run(folder, root)

    assert 1 == done.returncode
    assert "The demo failed: the app did not start" in done.stderr
    assert "No module named 'no_such_module'" in done.stderr
    assert [] == left(folder)


def test_the_demo_fails_if_a_hunt_file_cannot_be_used(tmp_path: Path) -> None:
    """It says what is wrong with the files, since no comment does."""
    root, folder = copy(tmp_path), tmp_path / "tmp"
    folder.mkdir()
    for file in (root / "shared" / "hunts").rglob("*.yaml"):
        file.write_text("name: Broken\n", encoding="utf-8")
    done = run(folder, root)

    assert 1 == done.returncode
    assert re.search(
        r"^The demo failed: hunt files cannot be used: .*\barchive-then-upload\.yaml:1:1: ",
        done.stderr,
        re.MULTILINE,
    )
    assert [] == left(folder)
