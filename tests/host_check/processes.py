"""The processes of a host: the command that was given, what it started below itself, and how all of it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STEP = 0.1  # seconds between two looks
_GONE = 10.0  # seconds until the system has ended what was killed


class Process(NamedTuple):
    """A process that runs: its id, its parent's, and its command line."""

    pid: int
    parent: int
    command: str

    @property
    def is_python(self) -> bool:
        """Whether its program is Python."""
        return Path(self.command.split(maxsplit=1)[0]).name.lower().startswith("python")


class HostProcess:
    """
    A host, started with *command* in the folder *app*, which logs to *log*.

    The command may be a wrapper that starts the host below itself, as npm's `func` does.
    """

    def __init__(self, command: Sequence[str], app: Path, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._known: dict[int, Process] = {}
        self.started = time.monotonic()
        with log.open("wb") as output:
            self._root = subprocess.Popen(
                command,
                cwd=app,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C reaches the check alone, which ends the host
            )

    @property
    def code(self) -> int | None:
        """The exit code of the command; None while it runs."""
        return self._root.poll()

    def tail(self, lines: int) -> list[str]:
        """Return the last lines of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]

    def workers(self) -> list[Process]:
        """
        Return the Python workers that run.

        A worker is a Python process below the command, with no other Python process below itself. How deep it lies
        depends on the host, and its arguments do, too (`worker.py` or `proxy_worker` with Core Tools); but each host
        runs an app in a Python process, and the app starts none. The sandbox's own host is Python, above its worker.
        """
        family = self._family()
        parents = {process.parent for process in family if process.is_python}
        return [
            one for one in family if one.is_python and one.pid not in parents and one.pid != self._root.pid
        ]

    def kill_workers(self) -> list[int]:
        """Kill the workers, as the platform may at any time; return their ids."""
        found = [worker.pid for worker in self.workers()]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return found

    def stop(self, limit: float) -> list[Process]:
        """
        Ask the host to stop, wait for at most *limit* seconds, and return the processes that still run.

        Who started a worker is the host: asked is the worker's parent, since not every wrapper passes a signal on.
        """
        workers = self.workers()
        os.kill(workers[0].parent if workers else self._root.pid, signal.SIGTERM)
        deadline = time.monotonic() + limit
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(_STEP)
        return left

    def end(self) -> None:
        """Kill whatever still runs of the host, and wait until it is gone."""
        for process in self._left():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        # What lost its parent before it was seen is still in the command's group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._root.pid, signal.SIGKILL)
        self._root.wait()
        deadline = time.monotonic() + _GONE
        while self._left() and time.monotonic() < deadline:
            time.sleep(_STEP)

    def _left(self) -> list[Process]:
        """Return what still runs of the host, also below a parent that has ended."""
        self._root.poll()  # reaps it
        self._family()
        now = running()
        # An id may have been given to another process since.
        return [one for pid, one in self._known.items() if pid in now and now[pid].command == one.command]

    def _family(self) -> list[Process]:
        every, found = running(), [self._root.pid]
        for pid in found:
            found += [process.pid for process in every.values() if process.parent == pid]
        family = [every[pid] for pid in found if pid in every]
        self._known |= {process.pid: process for process in family}
        return family


def running() -> dict[int, Process]:
    """Return every process that runs, by its id, without those that have ended and are not yet reaped."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    shown = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=10)
    rows = (line.split(maxsplit=3) for line in shown.stdout.decode(errors="replace").splitlines())
    found = [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and row[2][0] != "Z"]
    return {process.pid: process for process in found}
