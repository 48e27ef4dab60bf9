"""
Run the tests on mutants, each in a process of its own that is forked from this one.

Here, the libraries that the tests need are imported already, and nothing of the project is; so a mutant's process
starts at once, and gets the changed file in place of the one on the disk, which nothing ever writes. The project is
that of the current folder, and files are named as they are from there.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import deque
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from coverage import CoverageData

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType, ModuleType

    from .sources import Mutant

QUIET = ("-q", "-p", "no:cacheprovider", "--hypothesis-seed=0")

#: How many tests may fail by chance.
_FLAWS = 5

#: Seconds to import and collect the tests, and those that each gets beyond five times its own: what several share is set up
#: by whichever is first, and telemetry takes a while.
_START, _LEEWAY = 120.0, 60.0

Verdict = Literal["killed", "timed out", "survived", "left"]


class Tests(NamedTuple):
    """What a run of the tests on unchanged files has shown."""

    #: By test that can be used, its seconds; the fastest first.
    seconds: dict[str, float]
    #: By test that cannot, why not.
    unused: dict[str, str]
    #: By file and line, the tests that run it; '' stands for what runs it before there is a test.
    reached: dict[str, dict[int, list[str]]]

    def of(self, mutant: Mutant) -> dict[str, float]:
        """
        Return the tests that may notice a mutant, the fastest first, each with its seconds.

        What runs before there is a test, as a table does, whoever comes by its folder may notice.
        """
        lines = self.reached.get(mutant.file, {})
        names = {name for line in mutant.lines for name in lines.get(line, ())}
        if mutant.imported or "" in names:
            names |= self._beside(mutant.file)
        return {name: seconds for name, seconds in self.seconds.items() if name in names}

    def _beside(self, file: str) -> set[str]:
        folder = Path(file).parent
        lines = (each for other, each in self.reached.items() if Path(other).parent == folder)
        return {name for each in lines for names in each.values() for name in names}


class Job(NamedTuple):
    """Tests to run, each with its usual seconds, on a mutant or, for None, on the files as they are."""

    mutant: Mutant | None
    tests: dict[str, float]


def measure(
    folder: Path, tests: Sequence[str], places: Sequence[str], *, cores: int, slowest: float
) -> Tests:
    """
    Run *tests* once on the files as they are, and see what each runs of the files and folders *places*.

    A test that takes more than *slowest* seconds is not used, nor one that fails, as those that measure time do on a
    busy machine. Raises SystemExit with pytest's words if more than five fail, or if they cannot be run.
    """
    measured = {place if Path(place).is_dir() else str(Path(place).parent) for place in places}
    command = [
        sys.executable, "-m", "pytest", *QUIET, "-p", "tests.mutants.recording", "--record-to", str(folder),
        "-n", str(cores), "--dist", "loadfile", "-m", "not browser and not node", "--cov-context=test", "--cov-report=",
        *(f"--cov={place}" for place in measured), *tests,
    ]  # fmt: skip
    environment = os.environ | {"COVERAGE_FILE": str(folder / "coverage")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    failed = {name for each in _recorded(folder, "failed") for name in each}
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or len(failed) > _FLAWS:
        raise SystemExit(
            f"the tests fail on the files as they are:\n{done.stdout[-5000:]}{done.stderr[-2000:]}"
        )
    times: dict[str, float] = {}
    for each in _recorded(folder, "times"):
        # The process that hands out the tests reports all of them; each of the others, a part.
        times |= {name: max(seconds, times.get(name, 0)) for name, seconds in each.items()}
    unused = {name: f"takes {seconds:.0f} s" for name, seconds in times.items() if seconds > slowest}
    unused |= dict.fromkeys(failed, "fails on the files as they are")
    data = CoverageData(str(folder / "coverage"))
    data.read()
    reached: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        by_line = data.contexts_by_lineno(file)
        reached[Path(file).relative_to(Path.cwd()).as_posix()] = {
            line: [context.rpartition("|")[0] for context in contexts] for line, contexts in by_line.items()
        }
    usable = sorted((seconds, name) for name, seconds in times.items() if name not in unused)
    return Tests({name: seconds for seconds, name in usable}, unused, reached)


def preload(folder: Path) -> None:
    """Import what the tests import of others' modules, as `measure` has recorded it in *folder*."""
    # In the order in which the tests came by them: `_asyncio` before `asyncio` would be set up twice.
    names = dict.fromkeys(name for each in _recorded(folder, "modules") for name in each)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            # Some are made by a program, not by a file, and cannot be imported by name.
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _recorded(folder: Path, kind: str) -> list[Any]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob(f"{kind}-*.json")]


def run_all(jobs: Iterable[Job], folder: Path, *, cores: int, until: float) -> list[tuple[Job, Verdict]]:
    """Run *jobs*, as many at once as there are *cores*; those not done at *until* (monotonic) are `left`."""
    waiting = deque(enumerate(jobs))
    ended: dict[int, tuple[Job, Verdict]] = {}
    running: dict[int, tuple[int, Job]] = {}
    while (waiting or running) and time.monotonic() < until:
        while waiting and len(running) < cores:
            number, job = waiting.popleft()
            running[_start(job, folder / f"{number:03d}")] = number, job
        for pid, (number, job) in list(running.items()):
            over, status = os.waitpid(pid, os.WNOHANG)
            if over:
                _end(pid)
                late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
                ended[number] = job, "timed out" if late else "killed" if status else "survived"
                del running[pid]
        time.sleep(0.01)
    for pid, (number, job) in running.items():
        _end(pid)
        os.waitpid(pid, 0)
        ended[number] = job, "left"
    ended |= {number: (job, "left") for number, job in waiting}
    return [ended[number] for number in sorted(ended)]


def _end(pid: int) -> None:
    """End a job's process, if it has not ended, and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _start(job: Job, folder: Path) -> int:
    """Fork a process that runs a job's tests until one fails, and return its id; it ends with 0 if none does."""
    folder.mkdir()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            status = _work(job, folder)
        finally:
            os._exit(status)
    # Both sides do it, since either may be first.
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    return pid


def _work(job: Job, folder: Path) -> int:
    signal.setitimer(signal.ITIMER_REAL, _START)
    with (folder / "log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if job.mutant:
        name = job.mutant.file.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, Changed(name, job.mutant.compiled()))
        importlib.import_module(name)
    files = sorted({name.partition("::")[0] for name in job.tests})
    ignored = "ignore::pytest.PytestAssertRewriteWarning"  # of plugins, which are imported already
    options = [*QUIET, "-x", "-W", ignored, f"--basetemp={folder / 'tmp'}"]
    return pytest.main([*options, *files], plugins=[Only(job.tests)])


class Only:
    """
    A pytest plugin that runs *tests* alone, and in this order.

    The process ends by SIGALRM if one takes much longer than its usual seconds, as in a loop that never ends.
    """

    def __init__(self, tests: dict[str, float]) -> None:
        self._tests = tests
        self._order = {name: n for n, name in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the other tests out."""
        items[:] = [item for item in items if item.nodeid in self._order]
        items.sort(key=lambda item: self._order[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Start the clock."""
        signal.setitimer(signal.ITIMER_REAL, _LEEWAY + 5 * self._tests[nodeid])

    def pytest_sessionfinish(self) -> None:
        """Stop the clock: what is torn down at the end is no test's."""
        signal.setitimer(signal.ITIMER_REAL, 0)


class Changed(SourceFileLoader):
    """Finds and loads one module, with *code* in place of its own."""

    def __init__(self, name: str, code: CodeType) -> None:
        super().__init__(name, str(Path(code.co_filename).absolute()))
        self._code = code

    def find_spec(
        self, name: str, _path: object = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is; None for any other."""
        return (
            importlib.util.spec_from_file_location(name, self.path, loader=self)
            if name == self.name
            else None
        )

    def get_code(self, _fullname: str) -> CodeType:
        """Return the changed code."""
        return self._code
