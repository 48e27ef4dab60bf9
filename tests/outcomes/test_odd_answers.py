"""Answers to hunts that are not as Graph documents them: each row counts that can be read, and no other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from shared.errors import GraphError
from shared.model.finding import Found
from shared.model.hunt import Hunt
from shared.outcomes.reading import decode_answer, decode_rows, device_cards
from shared.outcomes.summarizing import summarize
from tests.support.odd import CESU, DEEP, HUGE, VALUES

HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceInfo")
SCHEMA = b'[{"name": "DeviceId", "type": "String"}, {"name": "Process", "type": "String"}]'
ID = "a" * 40


def answer(*rows: bytes, schema: bytes = SCHEMA) -> bytes:
    """Return an answer with these rows, as they are."""
    return b'{"schema": ' + schema + b', "results": [' + b", ".join(rows) + b"]}"


def row(process: bytes = b'"curl"', **more: bytes) -> bytes:
    """Return a row whose process, and other columns, are JSON as it is given."""
    fields = {"DeviceId": f'"{ID}"'.encode(), "Process": process, **more}
    return b"{" + b", ".join(f'"{name}": '.encode() + value for name, value in fields.items()) + b"}"


def counted(found: Found) -> dict[str, int]:
    """Return how many rows each device has."""
    return {device: part.rows for device, part in found.per_entity.items()}


@pytest.mark.fault("A13", before="UnicodeDecodeError, RecursionError or ValidationError, which ended the run")
@pytest.mark.parametrize(
    ("process", "text"),
    [
        (b'"a\\ud83d"', "a\\ud83d"),
        (b'"a' + CESU + b'"', "a\\ud83d"),
        (b'"a\xff"', "a\\xff"),
        (b"1e400", "1e400"),
        (b"NaN", "NaN"),
        (HUGE, HUGE.decode()),
        (b'{"a": [1e400]}', '{"a": ["1e400"]}'),
        (b"null", ""),
    ],
    ids=repr,
)
def test_an_odd_cell_is_read_and_spoils_no_other_row(process: bytes, text: str) -> None:
    """It is shown as what it looks like, in the group and in the row that are kept."""
    found = summarize(HUNT, answer(row(), row(process), row()), max_rows=10, seconds=0)

    assert (3, 0) == (found.rows, found.unreadable)
    assert {"curl": 2, text: 1} == {group.values[0]: group.count for group in found.groups}
    assert {ID: 3} == counted(found)
    assert msgspec.json.encode(found)


@pytest.mark.fault("A13", before="RecursionError, which ended the run")
def test_a_cell_nested_too_deeply_is_named() -> None:
    """What is kept of it can be stored and read again."""
    for deep in (DEEP, b"[" * 800 + b"]" * 800):
        found = summarize(HUNT, answer(row(deep), row()), max_rows=10, seconds=0)

        assert (2, 0) == (found.rows, found.unreadable)
        assert "(nested too deeply to be read)" in msgspec.json.encode(found).decode()


@pytest.mark.fault("A13", before="ValidationError, which ended the run")
@pytest.mark.parametrize("bad", [b"null", b"5", b'"x"', b"[]", b'{"DeviceId": x}', b"1e400"])
def test_a_row_that_cannot_be_read_is_counted(bad: bytes) -> None:
    """The others are found all the same; with it, there are more rows than the limit takes."""
    raw = answer(row(), bad, row())
    found = summarize(HUNT, raw, max_rows=10, seconds=0)

    assert (2, 1, False) == (found.rows, found.unreadable, found.more)
    assert summarize(HUNT, raw, max_rows=2, seconds=0).more
    assert ["curl", "curl"] == [each["Process"] for each in decode_rows(decode_answer(raw))]


@pytest.mark.fault("A13", before="GraphError: Expected `array`, got `null` - at `$.schema`")
@pytest.mark.parametrize(
    "schema",
    [b"null", b"[]", b"{}", b'"x"', b'[{"name": "DeviceId", "type": "String"}]', b'[null, {"name": 5}]',
     b'[{"name": "DeviceId"}, {"name": "Process", "type": {}}]'],
)  # fmt: skip
def test_columns_that_only_the_rows_have_are_read(schema: bytes) -> None:
    """Without a schema, or with half of one, rows still count for their device."""
    found = summarize(
        HUNT, answer(row(**{"Time@odata.type": b'"x"'}), row(), schema=schema), max_rows=10, seconds=0
    )

    assert (2, {ID: 2}) == (found.rows, counted(found))
    assert {"DeviceId", "Process"} == set(found.columns)


@pytest.mark.parametrize(
    "raw",
    [b"null", b"[]", b'{"schema": []}', b'{"schema": [], "results": null}', b'{"schema": [], "results": {}}',
     answer(row())[:-3], b"<h1>", b""],
)  # fmt: skip
def test_an_answer_without_a_list_of_rows_is_an_error(raw: bytes) -> None:
    """It never reads as no rows."""
    with pytest.raises(GraphError):
        summarize(HUNT, raw, max_rows=10, seconds=0)


@pytest.mark.fault("A13", before="KeyError: 'DeviceId', which ended the run")
@pytest.mark.parametrize(
    "raw",
    [answer(b'{"DeviceName": "srv-7"}', schema=b"null"), answer(b"null"),
     answer(b'{"DeviceId": "1", "DeviceName": "srv-7"}', schema=b"[]")],
)  # fmt: skip
def test_a_device_card_without_its_columns_is_unreadable(raw: bytes) -> None:
    """Nobody knows then which devices have a card."""
    with pytest.raises(GraphError):
        device_cards(raw)


def test_a_device_card_without_a_platform_is_read() -> None:
    """A platform that is not known rules no device out."""
    raw = answer(
        json.dumps({"DeviceId": ID, "DeviceName": "srv-7", "LastSeen": "2026"}).encode(), schema=b"[]"
    )

    assert (
        {"OSPlatform": "", "DeviceType": "", "DeviceId": ID, "DeviceName": "srv-7", "LastSeen": "2026"},
    ) == (device_cards(raw))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_cell_of_any_type_is_read(value: Any) -> None:
    """Its row counts, whatever the schema says of the column."""
    found = summarize(HUNT, answer(row(json.dumps(value).encode())), max_rows=10, seconds=0)

    assert (1, 0, {ID: 1}) == (found.rows, found.unreadable, counted(found))
