"""The sandbox's queue service, through the SDK that the app sends with."""

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
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@contextmanager
def served(path: Path | str, clock: Clock) -> Iterator[QueueServiceClient]:
    """Serve the queues of *path* on a thread of their own, and give a client of them."""
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
    """Start at noon."""
    return Clock()


@pytest.fixture(scope="module")
def account(clock: Clock) -> Iterator[QueueServiceClient]:
    """Serve an account."""
    with served(":memory:", clock) as client:
        yield client


@pytest.fixture
def service(account: QueueServiceClient) -> QueueServiceClient:
    """Give the account with no queue in it."""
    for queue in account.list_queues():
        account.delete_queue(queue)
    return account


@pytest.fixture
def queue(service: QueueServiceClient) -> QueueClient:
    """Give an empty queue."""
    return service.create_queue("runs")


def code(refused: pytest.ExceptionInfo[HttpResponseError]) -> object:
    """Give the service's own error code."""
    return refused.value.error_code


def texts(queue: QueueClient) -> list[str]:
    """Receive everything that is visible."""
    return [message.content for message in queue.receive_messages(max_messages=32, visibility_timeout=600)]
