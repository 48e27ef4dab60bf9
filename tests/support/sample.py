"""Run the app in `tests/support/sample_app` on the sandbox's Functions host."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.host.instance import Host, read_host_file
from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string, listening, serving, storage
from sandbox.host.worker import Function, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from azure.storage.queue import QueueServiceClient


APP = Path(__file__).with_name("sample_app")
SETTINGS = read_host_file(APP)
SCHEDULE = {"TICK_SCHEDULE": "0 */5 * * * *"}

Loaded = tuple[tuple[Function, ...], ModuleType]


@contextmanager
def only_app() -> Iterator[None]:
    """Set aside a `function_app` that is already imported; restore it, and `sys.path`, at the end."""
    before, path = sys.modules.pop("function_app", None), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.pop("function_app", None)
        if before is not None:
            sys.modules["function_app"] = before


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    """Return the functions and the module of the sample app, which is loaded once per process."""
    with only_app():
        return asyncio.run(load(APP)), sys.modules["function_app"]


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


@asynccontextmanager
async def started(
    loaded: Loaded, environ: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Instance]:
    """
    Yield an instance of the sample app with queues of its own, and stop its host at the end.

    Queues and timers do nothing until the test drains or fires them, or calls `host.start`. *environ* are the
    app's settings, by default SCHEDULE; *options* are those of `Host`.
    """
    functions, module = loaded
    module.seen.clear()
    with listening() as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = {"AzureWebJobsStorage": connection_string(address)}
        async with httpx.AsyncClient(base_url=address) as http:
            with storage(settings) as client:
                instance = Instance(http, client)
                environ = SCHEDULE if environ is None else environ
                options = {"settings": SETTINGS, "environ": environ, "clock": lambda: instance.now, **options}
                instance.host = Host(functions, client, **options)
                with closing(QueueService(clock=lambda: instance.now)) as queues:
                    async with serving(instance.host, queues, sock):
                        await instance.host.create_queues()
                        yield instance
                        await instance.host.stop()


@pytest.fixture
async def app(loaded: Loaded) -> AsyncIterator[Instance]:
    """Yield an instance of the sample app that asks for no keys, as under `func start`."""
    async with started(loaded) as instance:
        yield instance
