"""The check of a host, as a person runs it: on the sandbox's host, and on some that are broken."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.host_check.processes import HostProcess, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SANDBOX = "python -m sandbox host"
LIMIT = 240  # seconds, for a machine under load
#: Seconds that a broken host is given to start.
PATIENCE = "10"


def check(folder: Path, command: str, *options: str) -> subprocess.Popen[str]:
    """Start the check of the host that *command* starts, with its temporary files in *folder*."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.host_check", *options, command],
        cwd=ROOT,
        # A settings of the developer's own must not reach the app.
        env={**os.environ, "TMPDIR": str(folder), "WATCH_SCHEDULE": "0 0 0 1 1 *", "MAX_ROWS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def checked(folder: Path, command: str, *options: str) -> tuple[int, str]:
    """Run the check to its end, and return its exit code and what it printed."""
    with check(folder, command, *options) as process:
        try:
            printed, _ = process.communicate(timeout=LIMIT)
        finally:
            process.terminate()
    return process.returncode, printed


def left(folder: Path) -> list[str]:
    """Return what is left of a check: the commands of processes, and the names of temporary files."""
    processes = [one.command for one in running().values() if str(folder) in _environment(one.pid)]
    return [*processes, *(path.name for path in folder.iterdir())]


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def broken(folder: Path, file: str, old: str, new: str) -> Path:
    """Return a project like ours, in whose *file* the text *old* is *new*."""
    project = folder / "project"
    shutil.copytree(ROOT / "shared", project / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "functions", project / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("function_app.py", "host.json", "requirements.txt", ".funcignore"):
        shutil.copy(ROOT / name, project / name)
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    return project


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder for a check's temporary files, of which nothing is left at the end, nor any process."""
    found = tmp_path / "tmp"
    found.mkdir()
    yield found
    assert [] == left(found)


def test_the_sandboxes_host_passes_every_check(folder: Path) -> None:
    """Each check prints one line, `ok`, with what was seen; the last line counts them."""
    code, printed = checked(folder, SANDBOX)
    names = re.findall(r"^ok {6}(\S.*?)  +\S", printed, re.MULTILINE)

    assert 0 == code, printed
    assert "FAILED" not in printed
    assert names == [
        *("start", "routes", "unknown path", "chunked body", "flow", "watch's timer", "sweeps' timer"),
        *("worker's death", "comments", "stop", "wrong settings", "nothing else", "stop"),
    ]
    assert re.search(r"^ok +flow +incident 4102 was commented once, [\d.]+ s after", printed, re.MULTILINE)
    assert re.search(r"^All 13 checks are ok, in \d+ s\.$", printed, re.MULTILINE)


def test_a_command_that_ends_fails_with_what_it_said(folder: Path) -> None:
    """A host that does not start is told at once, with its exit code, its log, and what could not be checked."""
    code, printed = checked(folder, "sh -c 'echo There is no such app.; exit 3'")

    assert 1 == code
    assert re.search(r"^FAILED  start +expected: GET /api/health to answer 200", printed, re.MULTILINE)
    assert re.search(r"^ +seen: +the command ended by itself, with exit code 3$", printed, re.MULTILINE)
    assert "        | There is no such app.\n" in printed
    assert "Not checked, for lack of a host: routes, " in printed
    assert printed.endswith(" s: start, wrong settings.\n")


def test_an_app_that_is_not_healthy_fails_with_its_answer(folder: Path, tmp_path: Path) -> None:
    """A host whose health is 500 is told with that answer, and with the app's own error from its log."""
    project = broken(tmp_path, "functions/health.py", "catalog = app.hunts()", "catalog = app.no_hunts()")
    code, printed = checked(folder, SANDBOX, "--patience", PATIENCE, "--app", str(project))

    assert 1 == code
    assert re.search(r"^ +seen: +500, .*InternalError", printed, re.MULTILINE)
    assert "has no attribute 'no_hunts'" in printed
    # With wrong settings this app answers as it should.
    assert printed.endswith(" s: start.\n")


def test_a_program_that_is_not_there_is_an_error_of_use(folder: Path) -> None:
    """It ends with exit code 2 and one line."""
    assert (2, "host-check: there is no program 'no-such-program start'\n") == checked(
        folder, "no-such-program start"
    )


def test_a_storage_that_cannot_be_used_is_an_error_of_use(folder: Path) -> None:
    """It ends with exit code 2 and one line, and no host is started."""
    code, printed = checked(folder, SANDBOX, "--storage", "none")

    assert 2 == code
    assert printed.splitlines()[1:] == [
        "host-check: the storage cannot be used: Connection string is either blank or malformed."
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_check_and_all_that_it_started(number: int, code: int, folder: Path) -> None:
    """Host, worker and files are gone after Ctrl+C in the middle of a check."""
    with check(folder, SANDBOX) as process:
        assert process.stdout
        try:
            for line in iter(process.stdout.readline, ""):
                if line.startswith("ok      flow"):
                    break
            process.send_signal(number)
            process.communicate(timeout=30)
        finally:
            process.kill()

    assert code == process.returncode


@contextmanager
def host(folder: Path, script: str) -> Iterator[HostProcess]:
    """Start a host that is a shell *script*, and yield it once it has started what it starts."""
    found = HostProcess(["sh", "-c", script], folder, dict(os.environ), folder / "log")
    try:
        deadline = time.monotonic() + 20
        while not found.workers():
            assert time.monotonic() < deadline, found.tail(20)
            time.sleep(0.05)
        yield found
    finally:
        found.end()


WORKER = f"'{sys.executable}' -c 'import time; time.sleep(60)'"


def test_the_worker_is_found_below_a_host_behind_a_wrapper(tmp_path: Path) -> None:
    """The host is its parent, which is asked to stop, since the wrapper passes no signal on; the worker ends, too."""
    script = f"""sh -c 'trap "kill \\$!" TERM; {WORKER.replace("'", '"')} & wait' & wait"""
    with host(tmp_path, script) as found:
        (worker,) = found.workers()
        remains = found.stop(10)

    assert "time.sleep(60)" in worker.command
    assert [] == remains


def test_a_worker_that_outlives_its_host_is_told(tmp_path: Path) -> None:
    """What still runs after a stop is returned, also where its parent has ended, and ended by `end`."""
    with host(tmp_path, f"{WORKER} & wait") as found:
        (worker,) = found.workers()
        remains = found.stop(1)

    assert [worker.pid] == [one.pid for one in remains]
    assert worker.pid not in running()
