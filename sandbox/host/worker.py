"""
The host's side of the Python worker: it starts the process, sends it calls, and starts another when it dies.

One process runs all calls, so its death ends every one of them (RpcWorkerChannel and
RpcFunctionInvocationDispatcher of Azure/azure-functions-host). The real one leaves time between two starts
(`ProcessRestartInterval`), this one does not. `worker_process` is the other side.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from . import frames
from .app_settings import AppSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .frames import Function, HttpAnswer, HttpCall, Json, Text

_SOURCES = Path(__file__).parents[2]
_STDERR = 2
#: Python's own arguments, before the worker's (RpcWorkerConfigFactory.AddArgumentsFromAppSettings).
_ARGUMENTS = "languageWorkers__python__arguments"
_MOST = 3  # deaths
_SPAN = 1800  # seconds
_PAUSE = 1  # seconds
_LOG = logging.getLogger("sandbox.host")


class StartupError(Exception):
    """The worker could not load the app; the message is its exception and stack, as Azure logs them."""


class FunctionFailed(Exception):
    """The function raised; the message is the exception's `repr`."""


class WorkerDied(Exception):
    """The worker died during a call, or has died and is not started again; the message says how."""


class Deaths:
    """The worker's own deaths, which the host counts (RpcFunctionInvocationDispatcher, ErrorEventsThreshold)."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def too_many(self, now: float) -> bool:
        """Count a death at *now* (seconds); whether it is the third, each within 30 minutes of the one before."""
        if self._times and now - self._times[-1] > _SPAN:
            self._times.clear()
        self._times.append(now)
        return len(self._times) >= _MOST


class Worker:
    """
    The worker of the app in *app_dir*: one process at a time, below this one.

    Its environment is *environ*, by default this process's own as it is at each start. *on_death* is called
    at each death that was not asked for, with whether it was the process's own (not by `functionTimeout`),
    and says whether another process is started; by default it is. Everything but `pid` and `kill` belongs to
    the event loop that called `start`.
    """

    def __init__(self, app_dir: Path, environ: Mapping[str, str] | None = None) -> None:
        self.functions: tuple[Function, ...] = ()
        self.on_death: Callable[[bool], bool] = lambda _own: True
        self._app_dir = app_dir
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._cause = ""
        self._closing = False
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[HttpAnswer | None]] = {}

    @property
    def pid(self) -> int:
        """The process id of the worker, or of the last one that died."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """
        Start the process and have it load the app, unless one is there; `functions` then has what it found.

        Raises StartupError if Azure would not start the app.
        """
        if self._watching is None or self._watching.done():
            self._closing = False
            self._ready = asyncio.Event()
            self._watching = asyncio.create_task(self._watch(await self._spawn()))

    async def restart(self) -> None:
        """Start the process again, as often as it takes: one may be killed while it starts."""
        while True:
            try:
                return await self.start()
            except StartupError as error:
                _LOG.error("The worker could not start the app: %s", error)
                await asyncio.sleep(_PAUSE)

    async def call(
        self,
        function: Function,
        data: HttpCall | Text | Json,
        metadata: Mapping[str, Text | Json] | None = None,
        *,
        limit: float | None,
    ) -> HttpAnswer | None:
        """
        Call *function* with its trigger's *data*, once a worker is there, and return what it returns to HTTP.

        *limit* is `functionTimeout` in seconds, if any: who exceeds it, the host kills with all the worker's
        calls. Raises FunctionFailed if the function raised, and WorkerDied if the worker died.
        """
        while not self._ready.is_set():  # it may have died again before this call's turn
            await self._ready.wait()
        if self._writer is None:
            raise WorkerDied("no worker is running")
        number = next(self._numbers)
        answer: asyncio.Future[HttpAnswer | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            frames.write(self._writer, frames.Call(number, function.id, data, dict(metadata or {})))
            await asyncio.wait({answer}, timeout=limit)
            if not answer.done():
                self._cause = f"Timeout value of {limit} s was exceeded by function {function.name}"
                self.kill()
            return await answer
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """Kill the process, as the platform may at any time: every call in it ends with WorkerDied."""
        if self._process is not None:
            self._process.kill()

    async def close(self) -> None:
        """End the process, and start no other."""
        self._closing = True
        self.kill()
        if self._watching is not None:
            await self._watching

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        """Hand out answers until the process dies, then start the next, and so on."""
        while True:
            self._ready.set()
            while answer := await frames.read(reader, frames.ANSWERS):
                if isinstance(answer, frames.Answer):
                    self._settle(answer)
            self._ready.clear()
            await self._bury()
            following = await self._follow()
            if following is None:
                self._ready.set()
                return
            reader = following

    def _settle(self, answer: frames.Answer) -> None:
        waiting = self._waiting.get(answer.number)
        if waiting is None or waiting.done():
            return
        if answer.error:
            waiting.set_exception(FunctionFailed(answer.error))
        else:
            waiting.set_result(answer.returned)

    async def _follow(self) -> asyncio.StreamReader | None:
        """Start the next process, if there is to be one."""
        own = not self._cause
        self._cause = ""
        while not self._closing and self.on_death(own):
            try:
                return await self._spawn()
            except StartupError as error:
                _LOG.error("The worker could not start the app: %s", error)
                own = True
        return None

    async def _bury(self) -> None:
        """Reap the process and end all of its calls."""
        assert self._process is not None  # noqa: S101  (only what was started dies)
        assert self._writer is not None  # noqa: S101  (as above)
        writer, self._writer = self._writer, None
        writer.close()
        self._process.kill()  # it may have closed its socket alone
        code = await asyncio.to_thread(_reap, self._process)
        cause = self._cause or f"python exited with code {code}"
        if not self._closing:
            _LOG.error("The worker (process %d) died: %s", self._process.pid, cause)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(WorkerDied(cause))

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._popen(theirs)
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=frames.LIMIT)
        said = await frames.read(reader, frames.ANSWERS)
        if isinstance(said, frames.Loaded):
            self.functions = said.functions
            return reader
        writer, self._writer = self._writer, None
        writer.close()
        self._process.kill()
        code = await asyncio.to_thread(_reap, self._process)
        raise StartupError(
            said.reason if isinstance(said, frames.Refused) else f"python exited with code {code}"
        )

    def _popen(self, sock: socket.socket) -> subprocess.Popen[bytes]:
        environ = dict(os.environ if self._environ is None else self._environ)
        paths = [str(_SOURCES), environ.get("PYTHONPATH", "")]
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        program = "-m", "sandbox.host.worker_process", str(sock.fileno()), str(self._app_dir.absolute())
        arguments = AppSettings(environ).get(_ARGUMENTS).split()
        return subprocess.Popen(  # noqa: S603  (this program)
            [sys.executable, *arguments, *program],
            env=environ,
            stdin=subprocess.PIPE,  # never written to: its end tells the worker that the host died
            stdout=_STDERR,  # what the app prints goes to the log, as on Azure
            pass_fds=[sock.fileno()],
            start_new_session=True,  # Ctrl+C reaches the host alone, which ends the worker in order
        )


def _reap(process: subprocess.Popen[bytes]) -> int:
    with process:
        return process.wait()
