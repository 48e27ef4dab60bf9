"""Read Graph's answer to a hunting query, and summarise it."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.decoding import decode, decode_any, is_too_deep, mend
from shared.errors import GraphError
from shared.model.finding import Found, Group, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.hunt import Hunt

_KEPT_GROUPS = 200
_KEPT_ROWS = 10
_FLAT_ROW = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
#: The columns of the device card without which it says nothing about a device.
_CARD = ("DeviceId", "DeviceName", "LastSeen")
_OTHER_FACTS = ("OSPlatform", "DeviceType")
_BRACE = ord("{")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
#: The columns that say which entity a row is about; the first that is not empty counts.
_KEYS = {"device": ("DeviceId", "DeviceName"), "indicator": ("Indicator",)}
_HIDDEN_COLUMNS = frozenset({"timestamp", "timegenerated", "deviceid", "reportid"})


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
        for name, value in _row(raw, ()).items():
            if name.lower() not in known and "@odata." not in name:
                is_time = isinstance(value, str) and _TIME.match(value)
                columns.setdefault(name.lower(), Column(name, "DateTime" if is_time else "String"))
    return list(columns.values())


def decode_rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the rows, column -> value, under the schema's names even if the rows' casing differs."""
    names = tuple(column.name for column in answer.schema)
    return (_row(raw, names) for raw in answer.results)


def _row(raw: msgspec.Raw, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        row: dict[str, Any] = _FLAT_ROW.decode(raw)
    except (ValueError, RecursionError):
        # A list or an object in a cell, or something that `decode` mends.
        row = decode_any(bytes(raw))
    if not all(map(row.__contains__, names)):
        folded = {key.lower(): value for key, value in row.items()}
        row = {name: row.get(name, folded.get(name.lower())) for name in names}
    return row


def summarize(hunt: Hunt, raw: bytes, *, max_rows: int, seconds: float) -> Found:
    """
    Group an answer's rows by the columns that the hunt shows, rarest first.

    Rows beyond *max_rows* only set `more`. The result keeps at most 200 groups and 10 rows; its digest covers
    every row that counts, in any order. *seconds* is stored as it is given. Raises GraphError if the answer
    cannot be decoded.
    """
    answer = decode_answer(raw)
    more = len(answer.results) + answer.unreadable > max_rows
    del answer.results[max_rows:]
    hashes = [hashlib.sha256(row).digest() for row in answer.results]
    shown = _shown(hunt, answer.schema)
    time_column = next((c.name for c in answer.schema if c.type == "DateTime"), "")
    names = {column.name for column in answer.schema}
    who = tuple(name for name in _KEYS[hunt.entity] if name in names)
    groups: dict[tuple[str, ...], list[Any]] = {}
    per_entity: dict[str, tuple[str, list[bytes]]] = {}
    columns = tuple(dict.fromkeys((*shown, *who)))
    for cells, (mine, first, last) in _tally(answer, columns, time_column, hashes).items():
        values = dict(zip(columns, map(cell_text, msgspec.structs.astuple(cells)), strict=True))
        group = groups.setdefault(tuple([values[name] for name in shown]), [0, first, last])
        group[:] = group[0] + len(mine), min(group[1], first), max(group[2], last)
        key = next((values[name].lower() for name in who if values[name]), "")
        per_entity.setdefault(key, (values.get("DeviceName", "").lower(), []))[1].extend(mine)
    # Rarest first, then latest first: what an analyst has not seen a thousand times.
    ordered = sorted(groups.items(), key=lambda item: item[1][2], reverse=True)
    ordered.sort(key=lambda item: item[1][0])
    return Found(
        hunt=hunt.name,
        rows=len(answer.results),
        more=more,
        digest=_digest(hashes),
        columns=tuple(column.name for column in answer.schema),
        shown=shown,
        groups=tuple(Group(key, *group) for key, group in ordered[:_KEPT_GROUPS]),
        group_count=len(ordered),
        first_rows=tuple(islice(decode_rows(answer), _KEPT_ROWS)),
        per_entity={key: Part(len(rows), _digest(rows), name) for key, (name, rows) in per_entity.items()},
        seconds=round(seconds, 3),
        unreadable=answer.unreadable,
    )


def _digest(hashes: list[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


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


def _tally(
    answer: Answer, columns: tuple[str, ...], time_column: str, hashes: list[bytes]
) -> dict[Struct, tuple[list[bytes], str, str]]:
    """Return, for each set of values in *columns*, its rows' *hashes*, and their first and last time."""
    tally: dict[Struct, list[Any]] = {}
    times = (cell_text(cells.c0) for cells in _cells(answer, (time_column,))) if time_column else repeat("")
    for row, cells, when in zip(hashes, _cells(answer, columns), times, strict=False):
        known = tally.get(cells)
        if known is None:
            tally[cells] = [[row], when, when]
        else:
            known[0].append(row)
            if when < known[1]:
                known[1] = when
            elif when > known[2]:
                known[2] = when
    return {cells: (rows, first, last) for cells, (rows, first, last) in tally.items()}


def _cells(answer: Answer, columns: tuple[str, ...]) -> Iterator[Any]:
    """
    Decode *columns* of every row into a struct that can be compared, with the fields c0, c1 …

    This is several times faster than `decode_rows`, because the other columns are skipped.
    """
    names = {f"c{n}": name for n, name in enumerate(columns)}
    # A name that msgspec cannot match is left out, so that its rows are read the slow way below.
    simple = {field: name for field, name in names.items() if name.isprintable() and not {*'"\\'} & {*name}}
    fields = [(field, str | int | float | bool | None) for field in names]
    shape = msgspec.defstruct("Cells", fields, rename=simple, frozen=True)
    decode = msgspec.json.Decoder(shape).decode
    for raw in answer.results:
        try:
            yield decode(raw)
        except (ValueError, RecursionError):
            # Names in other casing, a list or an object in a cell, or something that `decode` mends.
            row = _row(raw, columns)
            yield shape(*(cell_text(row[name]) for name in columns))


def _shown(hunt: Hunt, schema: list[Column]) -> tuple[str, ...]:
    by_folded = {column.name.lower(): column.name for column in schema}
    named = tuple(by_folded[name.lower()] for name in hunt.columns if name.lower() in by_folded)
    if named:
        return named
    # A hunt that names no columns shows the first six that are neither a time nor an internal id.
    return tuple(c.name for c in schema if c.name.lower() not in _HIDDEN_COLUMNS)[:6]


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
