"""Outrider on the sandbox's host, in processes that are killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from sandbox.host.serve import listening

from .answering import Tenant
from .deployed import ROOT, SECRET, served

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: What runs on a machine: a hunt file that is added makes its runs neither longer nor others.
HUNTS = ("archive-then-upload", "linux-desktop-egress-baseline", "linux-server-egress-baseline")


class Machine:
    """
    One machine with the app on the sandbox's host, whose state and queues below *folder* outlive the host.

    *app* is the app's folder. *environment* adds to its settings. What the host logs is in `log`.
    """

    def __init__(self, folder: Path, tenant: str, *, app: Path = ROOT, **environment: str) -> None:
        with listening() as sock:
            self._port = sock.getsockname()[1]
        self._app = app
        self.log = folder / "host.log"
        self._queues = folder / "queues.db"
        state = folder / "state"
        state.mkdir()
        self._environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "STATE_URL": state.as_uri(),
            "GRAPH_URL": tenant,
            "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
            "IDENTITY_HEADER": SECRET,
            "HTTP_AUTH": "key",
            "COMMENTS": "on",
            "HUNTS_PER_MINUTE": "1000000",
            "HUNT_CONCURRENCY": "64",
            "AzureWebJobs.SweepFleet.Disabled": "true",
            **environment,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=30, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the host, and wait until it answers. Raises AssertionError, with its log, if it does not in 30 seconds."""
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "host",
            "--port",
            str(self._port),
            "--app",
            str(self._app),
            "--state",
            str(self._queues),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(300):
            try:
                if self.http.get("/api/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def enrich(self, number: int) -> str:
        """Start a run of an incident, as often as it takes until the host answers; return the run's id."""
        for _ in range(600):
            try:
                answer = self.http.post(
                    "/api/enrich",
                    json={"incidentId": str(number), "hunts": HUNTS},
                    headers={"Idempotency-Key": str(number)},
                )
                if answer.status_code == 202:
                    run: str = answer.json()["runId"]
                    return run
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"incident {number} could not be handed over")

    def kill_worker(self) -> bool:
        """Kill the worker that is there now; return whether there was one."""
        return self.doom()()

    def doom(self) -> Callable[[], bool]:
        """Return what kills the worker that is there now, found below the host's process; it returns whether it could."""
        assert self.process
        below = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            workers = [int(child) for child in below.read_text().split()]
        except OSError:
            workers = []

        def kill() -> bool:
            """Kill these processes, as far as they are still there."""
            for worker in workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            return bool(workers)

        return kill

    def kill(self) -> None:
        """Kill the host, as a machine does that is lost."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop the host in order, as a deployment does."""
        assert self.process
        self.process.terminate()
        self.process.wait(30)

    def close(self) -> None:
        """End whatever runs."""
        if self.process and self.process.poll() is None:
            self.stop()
        self.http.close()


def until(tenant: Tenant, numbers: Collection[int], seconds: float) -> float:
    """Wait until all *numbers* are commented, at most *seconds*; return how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and not set(numbers) <= tenant.comments.keys():
        time.sleep(0.1)
    return time.monotonic() - began


def weather(
    folder: Path, numbers: Collection[int], *, most: float, **deaths: float
) -> tuple[Tenant, float, int]:
    """
    Enrich the incidents *numbers*, whose hunts take half a second, through a `storm` of *deaths*.

    At most *most* seconds later, all have to be commented. Returns the tenant, how many seconds after the last death
    its last comment came, and how many incidents were commented by then. Raises AssertionError unless each incident
    has one comment.
    """
    tenant = Tenant(delay=0.5)
    with served(tenant) as address:
        machine = Machine(folder, address)
        try:
            machine.start()
            for number in numbers:
                machine.enrich(number)
            last = storm(machine, **deaths)
            before = len(tenant.comments)
            until(tenant, numbers, most)
        finally:
            machine.close()
    comments = {each: len(texts) for each, texts in sorted(tenant.comments.items())}

    assert dict.fromkeys(numbers, 1) == comments, comments
    return tenant, max(tenant.times.values()) - last, before


def storm(machine: Machine, *, seconds: float, worker: float, host: float, stop: float) -> float:
    """
    For some *seconds*, kill the worker every *worker* seconds and the host every *host*, and stop it once after *stop*.

    A host that was killed or stopped is started again at once. Returns when the last death was (monotonic).
    """
    began = last = time.monotonic()
    due = {machine.kill_worker: began + worker, machine.kill: began + host, machine.stop: began + stop}
    every = {machine.kill_worker: worker, machine.kill: host, machine.stop: seconds}
    while time.monotonic() < began + seconds:
        for death in [each for each, at in due.items() if at <= time.monotonic()]:
            due[death] += every[death]
            if death() is not False:
                last = time.monotonic()
            if death != machine.kill_worker:
                machine.start()
        time.sleep(0.05)
    return last
