"""
Check the app on a host: `make host-check`, or

    python -m tests.host_check [--storage CONNECTION] [--app PROJECT] [--patience SECONDS] COMMAND

COMMAND starts the host, as `python -m sandbox host` and Core Tools' `func start` do: it is given `--port N`, runs in the
folder of the app, a copy of what is deployed, and finds the settings there, in local.settings.json. It is started with
right settings and with wrong ones, in a tenant of the sandbox's, and what it should do is printed line by line as `ok`
or `FAILED`. All of it listens on 127.0.0.1 as far as it is ours, and none is left when this ends, with exit code 0, or
1 if a check failed.

Two things differ between the hosts. Queues: the sandbox's host has its own; Core Tools needs Azurite, whose connection
string is CONNECTION (`UseDevelopmentStorage=true`, where it has its default ports), and the queues are made in it. Time:
Core Tools loads its extensions at the first start, for which PATIENCE is.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import httpx
from azure.core.exceptions import AzureError

from sandbox.host.serve import listening
from sandbox.tenant.app import build_app
from sandbox.tenant.state import Limits
from tests.support.deployed import served

from .answers import WRONG_SETTINGS
from .checks import RIGHT, WRONG
from .deployment import LOCAL_STORAGE, ROOT, SECRET, copy, create_queues, environment, write_settings
from .processes import HostProcess
from .scene import CheckFailed, Scene
from .work import RIGHT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .checks import Check

_WIDTH = max(len(name) for name, _ in (*RIGHT, *WRONG))
_TAIL = 20  # lines of the host's log that are shown after a failure
_LINE = 300  # characters of one of them
_CALL = 30.0  # seconds


class Run:
    """A run of the checks: the *command* that starts a host, the *app* in the *folder*, and what was printed."""

    def __init__(
        self, command: Sequence[str], folder: Path, app: Path, storage: str, patience: float
    ) -> None:
        self.failed: list[str] = []
        self.made = 0
        self._command = command
        self._folder = folder
        self._app = app
        self._storage = storage
        self._patience = patience

    def on_a_host(self, title: str, settings: Mapping[str, str], checks: Sequence[Check]) -> None:
        """Start a host with these *settings*, make the *checks* on it, and end it."""
        print(f"\n{title}", flush=True)
        with ExitStack() as stack:
            cloud = build_app(40, 1, opened=False, secret=SECRET, limits=Limits(calls_per_minute=None))
            tenant = stack.enter_context(served(cloud))
            with listening() as sock:
                port = sock.getsockname()[1]
            state = Path(tempfile.mkdtemp(prefix="state-", dir=self._folder))
            write_settings(self._app, tenant, self._storage, state, settings)
            # Calls within this machine must not go through a proxy.
            http = stack.enter_context(
                httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_CALL, trust_env=False)
            )
            command, log = [*self._command, "--port", str(port)], self._folder / "host.log"
            host = HostProcess(command, self._app, environment(self._folder), log)
            stack.callback(host.end)
            self._make(checks, Scene(host, http, cloud.state.tenant, state, self._patience))

    def _make(self, checks: Sequence[Check], scene: Scene) -> None:
        for number, (name, check) in enumerate(checks):
            self.made += 1
            try:
                seen = check(scene)
            except Exception as error:  # noqa: BLE001  (an answer that no check knows is a failure, too)
                self.failed.append(name)
                self._explain(name, error, scene.host)
                if number == 0 or scene.host.code is not None:
                    rest = [other for other, _ in checks[number + 1 :]]
                    print(
                        f"        Not checked, for lack of a host: {', '.join(rest)}." if rest else "",
                        flush=True,
                    )
                    return
            else:
                print(f"ok      {name:<{_WIDTH}}  {seen}", flush=True)

    def _explain(self, name: str, error: Exception, host: HostProcess) -> None:
        if isinstance(error, CheckFailed):
            expected, seen = error.expected, error.seen
        else:
            expected, seen = "an answer that can be read", f"{type(error).__name__}: {error}"
        print(f"FAILED  {name:<{_WIDTH}}  expected: {expected}\n{'':<8}{'':<{_WIDTH}}  seen:     {seen}")
        print("        The host's log, its last lines:")
        print(*(f"        | {line[:_LINE]}" for line in host.tail(_TAIL)), sep="\n", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the app on the host that *arguments* name; return the process's exit code."""
    options = _parser().parse_args(arguments)
    command = shlex.split(options.command)
    if not command or not (program := shutil.which(command[0], path=environment(ROOT)["PATH"])):
        print(f"host-check: there is no program {options.command!r}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    began = time.monotonic()
    print(f"The host: {options.command}")
    try:
        if options.storage and (problem := _unusable(options.storage)):
            print(f"host-check: the storage cannot be used: {problem}", file=sys.stderr)
            return 2
        with tempfile.TemporaryDirectory(prefix="outrider-host-") as name:
            folder = Path(name).resolve()
            # The program is absolute, not resolved: a link may be all that makes it a virtual environment's.
            run = Run(
                [str(Path(program).absolute()), *command[1:]],
                folder,
                copy(options.app, folder),
                options.storage or LOCAL_STORAGE,
                options.patience,
            )
            run.on_a_host("With the right settings:", RIGHT_SETTINGS, RIGHT)
            wrong = ", ".join(f"{setting}={value}" for setting, value in WRONG_SETTINGS.items())
            run.on_a_host(f"With wrong settings ({wrong}):", WRONG_SETTINGS, WRONG)
    except KeyboardInterrupt:
        return 130
    passed = f"{time.monotonic() - began:.0f} s"
    if run.failed:
        print(f"\n{len(run.failed)} of {run.made} checks FAILED, in {passed}: {', '.join(run.failed)}.")
        return 1
    print(f"\nAll {run.made} checks are ok, in {passed}.")
    return 0


def _unusable(storage: str) -> str:
    """Make the queues in the storage; return why that is not possible, '' if it is."""
    try:
        create_queues(storage)
    except (AzureError, ValueError) as error:
        return str(error).splitlines()[0]
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.host_check", description="Check the app on a host.")
    parser.add_argument("command", help="starts a host; `--port N` is added to it")
    parser.add_argument(
        "--storage", default="", metavar="CONNECTION", help="a storage account; else the host's own"
    )
    parser.add_argument("--app", type=Path, default=ROOT, metavar="PROJECT", help="whose app is checked")
    parser.add_argument("--patience", type=float, default=120, metavar="SECONDS", help="for a host to start")
    return parser


def _stop(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
