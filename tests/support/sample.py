"""Run the app in `tests/support/sample_app` on the sandbox's Functions host."""

from __future__ import annotations

import asyncio
import subprocess
from base64 import b64encode
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest_asyncio

from sandbox.host.host_file import read_host_file
from sandbox.host.instance import Host
from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string, listening, serving, storage
from sandbox.host.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.queue import QueueServiceClient


APP = Path(__file__).with_name("sample_app")
SETTINGS = read_host_file(APP)
SCHEDULE = {"TICK_SCHEDULE": "0 */5 * * * *", "HOURLY_SCHEDULE": "0 0 * * * *"}


def parent(pid: int) -> int | None:
    """Return the process below which *pid* runs; None if it does not run, or is only not yet reaped."""
    shown = subprocess.run(["ps", "-o", "ppid=,stat=", "-p", str(pid)], stdout=subprocess.PIPE, check=False)
    above, state = shown.stdout.decode().split() or ("", "Z")
    return None if state.startswith("Z") else int(above)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[Worker]:
    """Yield the worker of the sample app, one for all tests of a module, which share its event loop."""
    worker = Worker(APP)
    yield worker
    await worker.close()


class Instance:
    """
    One host of the sample app, with a client of its HTTP functions and one of its queues.

    A test moves the clock of the host and of the queues by changing `now` (epoch seconds).
    """

    def __init__(self, http: httpx.AsyncClient, queues: QueueServiceClient) -> None:
        self.now = 1_790_000_000.0
        self.http = http
        self.queues = queues
        self.host: Host

    async def send(self, queue: str, *texts: str) -> None:
        """Send *texts* to *queue*, one message each, encoded in base64 as the trigger expects."""
        for text in texts:
            await self.send_raw(queue, b64encode(text.encode()).decode())

    async def send_raw(self, queue: str, content: str) -> None:
        """Send *content* to *queue* without encoding it."""
        await asyncio.to_thread(self.queues.get_queue_client(queue).send_message, content)

    async def count(self, queue: str) -> int:
        """Return how many messages *queue* has, hidden ones included."""
        properties = await asyncio.to_thread(self.queues.get_queue_client(queue).get_queue_properties)
        return properties.approximate_message_count or 0

    async def drain(self) -> list[tuple[str, int, str]]:
        """
        Deliver visible messages until none is left.

        Returns each delivery, in order, as (function, number of times the message was delivered, outcome).
        """
        return [(d.function, d.dequeue_count, d.outcome) for d in await self.host.drain()]

    async def seen(self) -> list[dict[str, Any]]:
        """Return what the worker's process has seen since the test began, or since the process did."""
        return (await self.http.get("/api/seen")).json()["seen"]

    async def until_seen(self, count: int, what: str = "text") -> list[dict[str, Any]]:
        """Return what was seen, once *count* entries have *what*. Raises AssertionError after 10 seconds."""
        for _ in range(200):
            seen = [entry for entry in await self.seen() if what in entry]
            if len(seen) >= count:
                return seen
            await asyncio.sleep(0.05)
        raise AssertionError(seen)

    async def pid(self) -> int:
        """Return the id of the process that calls the functions."""
        return (await self.http.get("/api/seen")).json()["pid"]


@asynccontextmanager
async def started(
    worker: Worker, environ: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Instance]:
    """
    Yield an instance of the sample app with queues of its own, and stop its host at the end.

    Queues and timers do nothing until the test drains or fires them, or calls `host.start`. *environ* are the
    app's settings, by default SCHEDULE; *options* are those of `Host`. The worker is started if it is dead.
    """
    await worker.start()
    with listening() as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = {"AzureWebJobsStorage": connection_string(address)}
        async with httpx.AsyncClient(base_url=address, timeout=20) as http:
            with storage(settings) as client:
                instance = Instance(http, client)
                environ = SCHEDULE if environ is None else environ
                options = {"settings": SETTINGS, "environ": environ, "clock": lambda: instance.now, **options}
                instance.host = Host(worker, client, **options)
                with closing(QueueService(clock=lambda: instance.now)) as queues:
                    async with serving(instance.host, queues, sock):
                        await instance.host.create_queues()
                        await http.delete("/api/seen")
                        yield instance
                        await instance.host.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def app(worker: Worker) -> AsyncIterator[Instance]:
    """Yield an instance of the sample app that asks for no keys, as under `func start`."""
    async with started(worker) as instance:
        yield instance
