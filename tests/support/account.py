"""Fixtures and helpers that call the sandbox's queue service through the SDK that the app sends with."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from azure.storage.queue import QueueServiceClient

from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from azure.core.exceptions import HttpResponseError
    from azure.storage.queue import QueueClient


NOON = 1_790_000_000.0


class Clock:
    """A clock, in epoch seconds, that stands still until a test changes `now`."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        """Return the time that the clock shows."""
        return self.now


@contextmanager
def served(path: Path | str, clock: Clock) -> Iterator[QueueServiceClient]:
    """Serve the queues stored in *path* from a thread, and yield a client of them that never retries."""
    with closing(QueueService(path, clock=clock)) as queues, listening() as sock:
        server = uvicorn.Server(uvicorn.Config(queues, lifespan="off", ws="none", log_level="error"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])))
        thread.start()
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        try:
            with QueueServiceClient.from_connection_string(
                connection_string(address), retry_total=0
            ) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Return the clock of the module's queue service; it starts at NOON and is not reset between tests."""
    return Clock()


@pytest.fixture(scope="module")
def account(clock: Clock) -> Iterator[QueueServiceClient]:
    """Serve a queue service in memory, one for all tests of a module, and yield a client of it."""
    with served(":memory:", clock) as client:
        yield client


@pytest.fixture
def service(account: QueueServiceClient) -> QueueServiceClient:
    """Delete all queues of the account, and return its client."""
    for queue in account.list_queues():
        account.delete_queue(queue)
    return account


@pytest.fixture
def queue(service: QueueServiceClient) -> QueueClient:
    """Create the empty queue `runs` in an account without other queues, and return a client of it."""
    return service.create_queue("runs")


def code(refused: pytest.ExceptionInfo[HttpResponseError]) -> object:
    """Return the queue service's error code for the call that it refused."""
    return refused.value.error_code


def texts(queue: QueueClient) -> list[str]:
    """Receive all visible messages, at most 32, and return their texts; they stay hidden for 10 minutes."""
    return [message.content for message in queue.receive_messages(max_messages=32, visibility_timeout=600)]
