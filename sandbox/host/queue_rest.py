"""The format of the queue service's calls: its error codes, its parameters, its XML."""

from __future__ import annotations

import sqlite3
from email.utils import formatdate
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LARGEST = 64 * 1024  # bytes of a message's text

ERRORS = {
    "InvalidQueryParameterValue": (400, "A query parameter has a value that is not a number."),
    "InvalidResourceName": (400, "The specified resource name contains invalid characters."),
    "InvalidXmlDocument": (400, "The specified XML is not syntactically valid."),
    "MessageNotFound": (404, "The specified message does not exist."),
    "MissingRequiredQueryParameter": (400, "A required query parameter was not specified for this request."),
    "NoAuthenticationInformation": (401, "Server failed to authenticate the request."),
    "OutOfRangeQueryParameterValue": (400, "A query parameter is outside the permissible range."),
    "PopReceiptMismatch": (400, "The pop receipt did not match that of the dequeued message."),
    "QueueAlreadyExists": (409, "The specified queue already exists."),
    "QueueNotFound": (404, "The specified queue does not exist."),
    "RequestBodyTooLarge": (413, "The request body is too large and exceeds the maximum permissible limit."),
    "UnsupportedHttpVerb": (405, "The sandbox does not emulate this operation."),
}


class StorageError(Exception):
    """The call is answered with an error of the Queue service's; `code` is one of ERRORS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def number(query: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    """
    Read the query parameter *name* as a whole number, *default* if there is none.

    Raises StorageError if it is not a number, or out of range.
    """
    try:
        value = int(query.get(name, default))
    except ValueError:
        raise StorageError("InvalidQueryParameterValue") from None
    if not lowest <= value <= highest:
        raise StorageError("OutOfRangeQueryParameterValue")
    return value


def message_text(body: bytes) -> str:
    """Read the text of a sent message. Raises StorageError if there is none, or more than 64 KiB of it."""
    try:
        text = ElementTree.fromstring(body).findtext("MessageText")  # noqa: S314  (own SDK, over loopback)
    except ElementTree.ParseError:
        raise StorageError("InvalidXmlDocument") from None
    if text is None:
        raise StorageError("InvalidXmlDocument")
    if len(text.encode()) > _LARGEST:
        raise StorageError("RequestBodyTooLarge")
    return text


def metadata(headers: Mapping[str, str]) -> str:
    """Return a queue's metadata from its headers, sorted, one `name=value` per line."""
    return "\n".join(sorted(f"{k}={v}" for k, v in headers.items() if k.startswith("x-ms-meta-")))


def messages(rows: Iterable[sqlite3.Row], elements: str, status: int = 200) -> Response:
    """Return the response that lists messages, each with the *elements* named, separated by spaces."""

    def shown(row: sqlite3.Row) -> str:
        every = {
            "MessageId": row["id"],
            "InsertionTime": formatdate(row["inserted"], usegmt=True),
            "ExpirationTime": formatdate(row["expires"], usegmt=True),
            "PopReceipt": row["receipt"],
            "TimeNextVisible": formatdate(row["visible"], usegmt=True),
            "DequeueCount": str(row["dequeued"]),
            "MessageText": escape(row["body"]),
        }
        return "".join(f"<{name}>{every[name]}</{name}>" for name in elements.split())

    shown_rows = "".join(f"<QueueMessage>{shown(row)}</QueueMessage>" for row in rows)
    return xml(f"<QueueMessagesList>{shown_rows}</QueueMessagesList>", status)


def xml(text: str, status: int = 200) -> Response:
    """Return a response with *text* as an XML document."""
    return Response('<?xml version="1.0" encoding="utf-8"?>' + text, status, media_type="application/xml")
