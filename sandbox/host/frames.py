"""
What the host and its worker say to each other, over a socket: frames of MessagePack.

Each frame begins with its length, eight bytes. The worker speaks first, with Loaded or Refused; then the host
sends a Call for each invocation, and the worker one Answer for each, in any order.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TypeVar

import msgspec

LIMIT = 1 << 24
"""Bytes that a reader buffers before it stops the sender for a while; frames may be longer."""

_LENGTH = struct.Struct(">Q")

T = TypeVar("T")


class Binding(msgspec.Struct, frozen=True, rename="camel"):
    """One binding of a function, as the worker reports it; fields of other types of binding are empty."""

    type: str
    name: str
    direction: str | int = ""
    connection: str = ""
    route: str | None = None
    methods: tuple[str, ...] = ()
    auth_level: str = "FUNCTION"
    schedule: str = ""
    run_on_startup: bool = False
    queue_name: str = ""


class Function(msgspec.Struct, frozen=True):
    """An indexed function: its name, the worker's id for it, and its bindings, the trigger first."""

    name: str
    id: str
    bindings: tuple[Binding, ...]

    @property
    def trigger(self) -> Binding:
        """The binding that starts the function."""
        return self.bindings[0]


class HttpCall(msgspec.Struct, frozen=True, tag="http"):
    """An HTTP request, as its function is to see it; *params* are the route's."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    params: dict[str, str]
    body: bytes


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A value that the function gets as text."""

    value: str


class Json(msgspec.Struct, frozen=True, tag="json"):
    """A value that the function gets decoded from JSON."""

    value: str


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Call a function, named by the worker's id of it, with its trigger's data and metadata."""

    number: int
    function: str
    data: HttpCall | Text | Json
    metadata: dict[str, Text | Json] = {}


class HttpAnswer(msgspec.Struct, frozen=True):
    """The response that an HTTP-triggered function returned; *cookies* are values of `Set-Cookie`."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """A call has ended; *error* is the `repr` of the exception that the function raised, if it did."""

    number: int
    returned: HttpAnswer | None = None
    error: str = ""


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The worker has loaded the app, and takes calls of these functions."""

    functions: tuple[Function, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The worker could not load the app, and ends; *reason* is the exception and its stack."""

    reason: str


CALLS: msgspec.msgpack.Decoder[Call] = msgspec.msgpack.Decoder(Call)
ANSWERS: msgspec.msgpack.Decoder[Loaded | Refused | Answer] = msgspec.msgpack.Decoder(
    Loaded | Refused | Answer
)


async def read(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
    """Read the next frame; None if the other side is gone."""
    try:
        [length] = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def write(writer: asyncio.StreamWriter, frame: Call | Answer | Loaded | Refused) -> None:
    """Send a frame; it is buffered as long as the other side does not read, and lost if it is gone."""
    encoded = msgspec.msgpack.encode(frame)
    writer.write(_LENGTH.pack(len(encoded)))
    writer.write(encoded)
