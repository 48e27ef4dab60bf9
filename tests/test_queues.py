"""
The sandbox's queue service, through the SDK that the app sends with.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

from sandbox.queues import QueueService
from sandbox.serve import connection_string, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    return refused.value.error_code  # type: ignore[attr-defined]


def texts(queue: QueueClient) -> list[str]:
    """Receive everything that is visible."""
    return [message.content for message in queue.receive_messages(max_messages=32, visibility_timeout=600)]


def test_create_twice(service: QueueServiceClient) -> None:
    """
    A queue that exists is said to exist, and both times it is there.
    """
    service.create_queue("runs")

    with pytest.raises(ResourceExistsError):
        service.create_queue("runs")

    assert ["runs"] == [queue.name for queue in service.list_queues()]


def test_create_with_other_metadata(service: QueueServiceClient) -> None:
    """
    A queue is not created again with other metadata.
    """
    service.create_queue("runs", metadata={"owner": "a"})

    with pytest.raises(ResourceExistsError) as refused:
        service.create_queue("runs", metadata={"owner": "b"})

    assert 409 == refused.value.status_code
    assert {"owner": "a"} == service.get_queue_client("runs").get_queue_properties().metadata


def test_name(service: QueueServiceClient) -> None:
    """
    A name that Azure refuses is refused here.
    """
    with pytest.raises(HttpResponseError) as refused:
        service.get_queue_client("Runs").create_queue()

    assert "InvalidResourceName" == code(refused)


def test_list_by_prefix(service: QueueServiceClient) -> None:
    """
    Queues are listed by name, and by the start of it.
    """
    for name in ("urgent", "runs-poison", "runs"):
        service.create_queue(name)

    assert ["runs", "runs-poison"] == [queue.name for queue in service.list_queues(name_starts_with="runs")]


def test_missing_queue(service: QueueServiceClient) -> None:
    """
    Sending to a queue that is not there is an error that names it so.
    """
    with pytest.raises(ResourceNotFoundError) as refused:
        service.get_queue_client("nowhere").send_message("x")

    assert "QueueNotFound" == code(refused)


def test_delete_queue(service: QueueServiceClient, queue: QueueClient) -> None:
    """
    A deleted queue takes its messages with it.
    """
    queue.send_message("x")
    service.delete_queue("runs")

    queue.create_queue()

    assert [] == texts(queue)


def test_round_trip(queue: QueueClient) -> None:
    """
    Text comes back as it was sent, in the order sent.
    """
    sent = ["<run id='1'>&amp;\n\t</run>", "", "Ünïcödé 🛰"]
    for text in sent:
        queue.send_message(text)

    assert sent == texts(queue)


def test_delay(queue: QueueClient, clock: Clock) -> None:
    """
    A message sent with a delay is invisible for just so long.
    """
    queue.send_message("later", visibility_timeout=900)

    clock.now += 899
    early = texts(queue)
    clock.now += 1

    assert ([], ["later"]) == (early, texts(queue))


def test_received(queue: QueueClient, clock: Clock) -> None:
    """
    A received message is hidden, counted, and comes back with another receipt.
    """
    start = clock.now
    queue.send_message("x")
    first = queue.receive_message(visibility_timeout=600)
    hidden = queue.receive_message()
    clock.now += 600
    second = queue.receive_message(visibility_timeout=600)

    assert first is not None
    assert second is not None
    assert hidden is None
    assert (1, 2) == (first.dequeue_count, second.dequeue_count)
    assert first.id == second.id
    assert first.pop_receipt != second.pop_receipt
    assert start == second.inserted_on.timestamp()  # type: ignore[union-attr]
    assert start + 7 * 86_400 == second.expires_on.timestamp()  # type: ignore[union-attr]
    assert start + 1200 == second.next_visible_on.timestamp()  # type: ignore[union-attr]


def test_stale_receipt(queue: QueueClient, clock: Clock) -> None:
    """
    Who held a message too long can no longer delete it.
    """
    queue.send_message("x")
    first = queue.receive_message(visibility_timeout=1)
    clock.now += 2
    second = queue.receive_message(visibility_timeout=600)

    assert first is not None
    assert second is not None
    with pytest.raises(HttpResponseError) as refused:
        queue.delete_message(first)
    queue.delete_message(second)

    assert "PopReceiptMismatch" == code(refused)
    assert 0 == queue.get_queue_properties().approximate_message_count


def test_deleted_twice(queue: QueueClient) -> None:
    """
    A message that is gone is not found.
    """
    message = queue.send_message("x")
    queue.delete_message(message)

    with pytest.raises(ResourceNotFoundError) as refused:
        queue.delete_message(message)

    assert "MessageNotFound" == code(refused)


def test_update(queue: QueueClient, clock: Clock) -> None:
    """
    An update hides a message for as long as it says, and may replace its text.
    """
    sent = queue.send_message("x")
    updated = queue.update_message(sent, content="y", visibility_timeout=30)
    at_once = texts(queue)
    clock.now += 30

    assert updated.pop_receipt != sent.pop_receipt
    assert ([], ["y"]) == (at_once, texts(queue))


def test_peek_and_count(queue: QueueClient) -> None:
    """
    Peeking neither hides nor counts; the approximate count holds what is hidden.
    """
    queue.send_message("x")
    queue.send_message("later", visibility_timeout=60)

    assert [("x", 0)] == [(m.content, m.dequeue_count) for m in queue.peek_messages(32)]
    assert ["x"] == texts(queue)
    assert 2 == queue.get_queue_properties().approximate_message_count


def test_time_to_live(queue: QueueClient, clock: Clock) -> None:
    """
    A message expires when its time is up, after seven days, or never.
    """
    queue.send_message("hour", time_to_live=3600)
    queue.send_message("week")
    queue.send_message("ever", time_to_live=-1)

    clock.now += 3601
    left = [message.content for message in queue.peek_messages(32)]
    clock.now += 7 * 86_400

    assert (["week", "ever"], ["ever"]) == (left, texts(queue))


def test_clear(queue: QueueClient) -> None:
    """
    Clearing leaves an empty queue.
    """
    queue.send_message("x")
    queue.clear_messages()

    assert 0 == queue.get_queue_properties().approximate_message_count


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"visibility_timeout": 7 * 86_400 + 1, "time_to_live": -1}, "OutOfRangeQueryParameterValue"),
        ({"visibility_timeout": 60, "time_to_live": 60}, "OutOfRangeQueryParameterValue"),
        ({"content": "x" * 65_537}, "RequestBodyTooLarge"),
    ],
)
def test_limits(queue: QueueClient, options: dict[str, object], expected: str) -> None:
    """
    A delay beyond seven days or beyond the message's life is refused, as is a text above 64 KiB.
    """
    with pytest.raises(HttpResponseError) as refused:
        queue.send_message(**{"content": "x", **options})  # type: ignore[arg-type]

    assert expected == code(refused)


def test_bearer(service: QueueServiceClient) -> None:
    """
    A bearer token opens the queues, and nothing opens nothing.
    """
    url = f"{service.url}runs"
    named = {"Authorization": "Bearer token", "x-ms-version": "2026-04-06"}

    assert 201 == httpx.put(url, headers=named).status_code
    assert 401 == httpx.put(url).status_code


def test_error_body(service: QueueServiceClient) -> None:
    """
    An error has the service's XML body, and its code in a header too.
    """
    answer = httpx.get(f"{service.url}nowhere/messages", headers={"Authorization": "Bearer token"})

    assert "QueueNotFound" == answer.headers["x-ms-error-code"]
    assert answer.text.startswith('<?xml version="1.0" encoding="utf-8"?><Error><Code>QueueNotFound</Code>')


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "runs", b"", 405),
        ("POST", "runs/messages", b"<QueueMessage>", 400),
        ("POST", "runs/messages", b"<QueueMessage/>", 400),
        ("GET", "runs/messages?numofmessages=33", b"", 400),
        ("GET", "runs/messages?numofmessages=many", b"", 400),
    ],
)
def test_refused(
    service: QueueServiceClient, queue: QueueClient, method: str, path: str, body: bytes, status: int
) -> None:
    """
    What the service does not understand is refused, and changes nothing.
    """
    answer = httpx.request(
        method, service.url + path, content=body, headers={"Authorization": "Bearer token"}
    )

    assert status == answer.status_code
    assert 0 == queue.get_queue_properties().approximate_message_count


def test_restart(tmp_path: Path, clock: Clock) -> None:
    """
    Messages, their locks and their counts outlive the process that served them.
    """
    with served(tmp_path / "queues.db", clock) as service:
        queue = service.create_queue("runs")
        queue.send_message("held")
        queue.receive_message(visibility_timeout=600)
        queue.send_message("waiting")

    with served(tmp_path / "queues.db", clock) as service:
        queue = service.get_queue_client("runs")
        waiting = texts(queue)
        clock.now += 600
        again = queue.receive_message()

    assert ["waiting"] == waiting
    assert again is not None
    assert ("held", 2) == (again.content, again.dequeue_count)
