"""The sandbox's queue service: messages, their delays, locks, receipts, lives and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.support.account import Clock, code, texts

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient


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
