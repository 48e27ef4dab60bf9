"""The sandbox's queue service: messages, their delays, locks, receipts, lifetimes and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.support.account import Clock, code, texts

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient


def test_texts_come_back_as_they_were_sent(queue: QueueClient) -> None:
    """They come in the order sent, and may be empty or contain markup and any character."""
    sent = ["<run id='1'>&amp;\n\t</run>", "", "Ünïcödé 🛰"]
    for text in sent:
        queue.send_message(text)

    assert sent == texts(queue)


def test_a_delayed_message_stays_hidden_until_its_time(queue: QueueClient, clock: Clock) -> None:
    """It is invisible for exactly as long as the sender said."""
    queue.send_message("later", visibility_timeout=900)

    clock.now += 899
    early = texts(queue)
    clock.now += 1

    assert ([], ["later"]) == (early, texts(queue))


def test_a_received_message_is_hidden_and_counted(queue: QueueClient, clock: Clock) -> None:
    """When its lock ends it can be received again, with another receipt."""
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
    assert start == second.inserted_on.timestamp()
    assert start + 7 * 86_400 == second.expires_on.timestamp()
    assert start + 1200 == second.next_visible_on.timestamp()


def test_an_outdated_receipt_cannot_delete_a_message(queue: QueueClient, clock: Clock) -> None:
    """A receiver that held it too long is refused; the one that holds it now can delete it."""
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


def test_a_message_cannot_be_deleted_twice(queue: QueueClient) -> None:
    """The second attempt is answered with MessageNotFound."""
    message = queue.send_message("x")
    queue.delete_message(message)

    with pytest.raises(ResourceNotFoundError) as refused:
        queue.delete_message(message)

    assert "MessageNotFound" == code(refused)


def test_an_update_hides_a_message_and_replaces_its_text(queue: QueueClient, clock: Clock) -> None:
    """It is hidden for as long as the update says, and gets another receipt."""
    sent = queue.send_message("x")
    updated = queue.update_message(sent, content="y", visibility_timeout=30)
    at_once = texts(queue)
    clock.now += 30

    assert updated.pop_receipt != sent.pop_receipt
    assert ([], ["y"]) == (at_once, texts(queue))


def test_peeking_neither_hides_nor_counts_a_message(queue: QueueClient) -> None:
    """The approximate number of messages includes hidden ones."""
    queue.send_message("x")
    queue.send_message("later", visibility_timeout=60)

    assert [("x", 0)] == [(m.content, m.dequeue_count) for m in queue.peek_messages(32)]
    assert ["x"] == texts(queue)
    assert 2 == queue.get_queue_properties().approximate_message_count


def test_a_message_expires_after_its_time_to_live(queue: QueueClient, clock: Clock) -> None:
    """That is the time given, seven days by default, or never."""
    queue.send_message("hour", time_to_live=3600)
    queue.send_message("week")
    queue.send_message("ever", time_to_live=-1)

    clock.now += 3601
    left = [message.content for message in queue.peek_messages(32)]
    clock.now += 7 * 86_400

    assert (["week", "ever"], ["ever"]) == (left, texts(queue))


def test_clearing_a_queue_deletes_its_messages(queue: QueueClient) -> None:
    """The queue itself is still there, and empty."""
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
def test_delays_and_texts_beyond_the_limits_are_refused(
    queue: QueueClient, options: dict[str, object], expected: str
) -> None:
    """A delay ends within seven days and before the message expires; a text has at most 64 KiB."""
    with pytest.raises(HttpResponseError) as refused:
        queue.send_message(**{"content": "x", **options})

    assert expected == code(refused)
