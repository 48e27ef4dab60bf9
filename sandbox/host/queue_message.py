"""A queue's message: what of it reaches the function, and how its delivery ended."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Literal

import msgspec

from .frames import Json, Text

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

Outcome = Literal["succeeded", "failed", "died", "poisoned", "ignored"]


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of one message to a function, the `dequeue_count`-th, and how it ended."""

    function: str
    queue: str
    message_id: str
    dequeue_count: int
    outcome: Outcome


def content_of(message: QueueMessage, encoding: str) -> bytes | None:
    """Return what a message says; None if it is not in base64, and *encoding* is `base64`."""
    content: str = message.content
    if encoding == "none":
        return content.encode()
    try:
        return b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None


def metadata_of(message: QueueMessage) -> dict[str, Text | Json]:
    """Return what the host passes on of a message besides its text."""
    # The host sends text as text and anything else, numbers and times among them, as JSON.
    values = {
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": message.expires_on,
        "InsertionTime": message.inserted_on,
        "NextVisibleTime": message.next_visible_on,
    }
    encoded = {name: Json(msgspec.json.encode(value).decode()) for name, value in values.items()}
    return {**encoded, "Id": Text(message.id), "PopReceipt": Text(message.pop_receipt or "")}
