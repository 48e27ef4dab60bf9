"""The sandbox's Functions host, running the app in `tests/support/sample_app`."""

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
    """Let another `function_app` of this process be neither found nor replaced."""
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
    """Load the sample app, once for the process."""
    with only_app():
        return asyncio.run(load(APP)), sys.modules["function_app"]


class Instance:
    """A running host, a clock to move, and a client of its queues."""

    def __init__(self, http: httpx.AsyncClient, queues: QueueServiceClient) -> None:
        self.now = 1_790_000_000.0
        self.http = http
        self.queues = queues
        self.host: Host

    async def send(self, queue: str, *texts: str) -> None:
        """Send texts as the trigger expects them."""
        for text in texts:
            await self.send_raw(queue, b64encode(text.encode()).decode())

    async def send_raw(self, queue: str, content: str) -> None:
        """Send a text as it is."""
        await asyncio.to_thread(self.queues.get_queue_client(queue).send_message, content)

    async def count(self, queue: str) -> int:
        """Count a queue's messages, hidden ones too."""
        properties = await asyncio.to_thread(self.queues.get_queue_client(queue).get_queue_properties)
        return properties.approximate_message_count or 0

    async def drain(self) -> list[tuple[str, int, str]]:
        """Deliver what is visible: function, delivery, outcome."""
        return [(d.function, d.dequeue_count, d.outcome) for d in await self.host.drain()]


@asynccontextmanager
async def started(
    loaded: Loaded, environ: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Instance]:
    """Start an instance of the sample app with queues of its own."""
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
    """Start the sample app as `func start` does: no keys."""
    async with started(loaded) as instance:
        yield instance
