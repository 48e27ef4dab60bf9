"""Read Graph's answer to a hunting query."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.decoding import decode, decode_any, is_too_deep, mend
from shared.errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAT_ROW = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
#: The columns of the device card without which it says nothing about a device.
_CARD = ("DeviceId", "DeviceName", "LastSeen")
_OTHER_FACTS = ("OSPlatform", "DeviceType")
_BRACE = ord("{")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


class Column(Struct, frozen=True):
    """One column of an answer, with Graph's .NET type name."""

    name: str
    type: str = ""


class Answer(Struct, omit_defaults=True):
    """
    Graph's `huntingQueryResults`; rows stay undecoded until they are needed.

    `unreadable` counts the rows that are not in `results`, since they cannot be read.
    """

    schema: list[Column]
    results: list[msgspec.Raw]
    unreadable: int = msgspec.field(default=0, name="@outrider.unreadable")


class _AnySchema(Struct):
    """An answer whose schema is not as documented."""

    results: list[msgspec.Raw]
    schema: Any = None


def decode_answer(raw: bytes) -> Answer:
    """
    Decode Graph's answer, but not its rows; every row that is left in it can be decoded.

    What is nested too deeply in a row is a text that says so. Columns that only the rows have are added to the
    schema. Raises GraphError if it is no `huntingQueryResults`, also without a list of rows: that is not no rows.
    """
    try:
        answer = _decode(raw)
        # Where the decoder gives up depends on its caller's depth, and a row's digest must not.
        if any(is_too_deep(bytes(row), above=2) for row in answer.results):
            answer = _decode(mend(raw))
    except msgspec.DecodeError as error:
        raise GraphError(f"Graph's answer is not understood: {error}") from error
    rows = [row for row in answer.results if memoryview(row)[0] == _BRACE]
    answer.unreadable += len(answer.results) - len(rows)
    answer.results = rows
    if _unknown(answer, rows[:1]):
        answer.schema += _unknown(answer, rows)
    return answer


def _decode(raw: bytes) -> Answer:
    try:
        return decode(raw, Answer)
    except msgspec.ValidationError:
        loose = decode(raw, _AnySchema)
        columns = loose.schema if isinstance(loose.schema, list) else []
        return Answer([c for column in columns if (c := _column(column))], loose.results)


def _column(value: Any) -> Column | None:
    name, kind = (value.get("name"), value.get("type")) if isinstance(value, dict) else (None, None)
    return Column(name, kind if isinstance(kind, str) else "") if isinstance(name, str) else None


def _unknown(answer: Answer, rows: list[msgspec.Raw]) -> list[Column]:
    """Return the columns of *rows* that the schema lacks, except for the annotations that OData adds."""
    known = {column.name.lower() for column in answer.schema}
    columns: dict[str, Column] = {}
    for raw in rows:
        for name, value in row_of(raw, ()).items():
            if name.lower() not in known and "@odata." not in name:
                is_time = isinstance(value, str) and _TIME.match(value)
                columns.setdefault(name.lower(), Column(name, "DateTime" if is_time else "String"))
    return list(columns.values())


def decode_rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the rows, column -> value, under the schema's names even if the rows' casing differs."""
    names = tuple(column.name for column in answer.schema)
    return (row_of(raw, names) for raw in answer.results)


def row_of(raw: msgspec.Raw, names: tuple[str, ...]) -> dict[str, Any]:
    """Decode a row, column -> value, with these *names* whatever their casing in it; with its own for none."""
    try:
        row: dict[str, Any] = _FLAT_ROW.decode(raw)
    except (ValueError, RecursionError):
        # A list or an object in a cell, or something that `decode` mends.
        row = decode_any(bytes(raw))
    if not all(map(row.__contains__, names)):
        folded = {key.lower(): value for key, value in row.items()}
        row = {name: row.get(name, folded.get(name.lower())) for name in names}
    return row


def cell_text(value: Any) -> str:
    """Write a cell's value as people would read it; '' for None, JSON for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def device_cards(raw: bytes) -> tuple[dict[str, str], ...]:
    """
    Decode the device card's answer: one row per device, column -> text.

    Raises GraphError if the answer, or one of its rows, cannot be decoded, or if a device's id, name or time
    is not in it: nobody knows then which devices have a card.
    """
    answer = decode_answer(raw)
    rows = list(decode_rows(answer))
    if answer.unreadable or (rows and not {column.name for column in answer.schema}.issuperset(_CARD)):
        raise GraphError("a row, or a column, cannot be read")
    facts = dict.fromkeys(_OTHER_FACTS, "")
    return tuple(facts | {name: cell_text(value) for name, value in row.items()} for row in rows)
