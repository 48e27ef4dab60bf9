"""A hunt's answer -> what it found."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from .errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .catalog import Hunt

_KEPT_GROUPS = 200
_KEPT_ROWS = 10
_UNTOLD = frozenset({"timestamp", "timegenerated", "deviceid", "reportid"})


class Column(Struct, frozen=True):
    """One column of an answer, with Graph's .NET type name."""

    name: str
    type: str


class Group(Struct, frozen=True, array_like=True):
    """Rows alike in the columns a hunt shows: their values, how many, the first and the last time."""

    values: tuple[str, ...]
    count: int
    first: str
    last: str


class Found(Struct, frozen=True, rename="camel"):
    """What one hunt's answer holds, small enough for a run record; the rows themselves stay in the findings."""

    hunt: str
    rows: int = 0
    more: bool = False
    digest: str = ""
    columns: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    group_count: int = 0
    first_rows: tuple[dict[str, Any], ...] = ()
    #: How many rows each device has, by lower-cased id where the rows carry one, else by name.
    per_device: dict[str, int] = {}
    seconds: float = 0.0
    #: Why there is no answer; empty where there is one.
    failure: str = ""


class Answer(Struct):
    """Graph's `huntingQueryResults`; rows stay undecoded until they are looked at."""

    schema: list[Column]
    results: list[msgspec.Raw]


def read(raw: bytes) -> Answer:
    """
    Read Graph's answer without decoding its rows.

    Raises GraphError where it is no `huntingQueryResults`.
    """
    try:
        try:
            return msgspec.json.decode(raw, type=Answer)
        except msgspec.DecodeError:
            return msgspec.json.decode(_without_lone_surrogates(raw), type=Answer)
    except (msgspec.DecodeError, ValueError) as error:
        raise GraphError(f"Graph's answer is not understood: {error}") from error


def rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Decode the rows one at a time, with the schema's names whatever casing the rows use."""
    names = [column.name for column in answer.schema]
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for raw in answer.results:
        row = decode(raw)
        if any(name not in row for name in names):
            folded = {key.lower(): value for key, value in row.items()}
            row = {name: row.get(name, folded.get(name.lower())) for name in names}
        yield row


def summarize(hunt: Hunt, raw: bytes, *, max_rows: int, seconds: float) -> Found:
    """
    Group an answer's rows by the columns the hunt shows, rarest first.

    Keeps at most 200 groups and 10 rows; the digest covers every row and no order. Raises GraphError where the
    answer is not understood.
    """
    answer = read(raw)
    more = len(answer.results) > max_rows
    del answer.results[max_rows:]
    hashes = sorted(hashlib.sha256(row).digest() for row in answer.results)
    shown = _shown(hunt, answer.schema)
    time_column = next((c.name for c in answer.schema if c.type == "DateTime"), "")
    names = {column.name for column in answer.schema}
    who = "DeviceId" if "DeviceId" in names else "DeviceName" if "DeviceName" in names else ""
    groups: dict[tuple[str, ...], list[Any]] = {}
    per_device: dict[str, int] = {}
    first_rows: list[dict[str, Any]] = []
    for row in rows(answer):
        if len(first_rows) < _KEPT_ROWS:
            first_rows.append(row)
        key = tuple([text(row[name]) for name in shown])
        when = text(row[time_column]) if time_column else ""
        group = groups.get(key)
        if group is None:
            groups[key] = [1, when, when]
        else:
            group[0] += 1
            if when < group[1]:
                group[1] = when
            elif when > group[2]:
                group[2] = when
        if who:
            device = text(row[who]).lower()
            per_device[device] = per_device.get(device, 0) + 1
    # Rarest first, and among those as rare the latest first: what an analyst has not seen a thousand times.
    ordered = sorted(groups.items(), key=lambda item: item[1][2], reverse=True)
    ordered.sort(key=lambda item: item[1][0])
    return Found(
        hunt=hunt.name,
        rows=len(answer.results),
        more=more,
        digest=hashlib.sha256(b"".join(hashes)).hexdigest(),
        columns=tuple(column.name for column in answer.schema),
        shown=shown,
        groups=tuple(Group(key, *group) for key, group in ordered[:_KEPT_GROUPS]),
        group_count=len(ordered),
        first_rows=tuple(first_rows),
        per_device=per_device,
        seconds=round(seconds, 3),
    )


def text(value: Any) -> str:
    """Write a cell's value as a person would read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def _shown(hunt: Hunt, schema: list[Column]) -> tuple[str, ...]:
    by_folded = {column.name.lower(): column.name for column in schema}
    named = tuple(by_folded[name.lower()] for name in hunt.columns if name.lower() in by_folded)
    if named:
        return named
    # A hunt that names no columns shows the first six that are neither a time nor an internal id.
    return tuple(c.name for c in schema if c.name.lower() not in _UNTOLD)[:6]


def _without_lone_surrogates(raw: bytes) -> bytes:
    """Spell out what JSON can hold and UTF-8 cannot; such characters reach us from command lines."""
    plain = json.dumps(json.loads(raw), ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda m: f"\\\\u{ord(m[0]):04x}", plain).encode()


def device_cards(raw: bytes) -> tuple[dict[str, str], ...]:
    """Read the answer of the device card: one row a device, column -> text."""
    return tuple({name: text(value) for name, value in row.items()} for row in rows(read(raw)))
