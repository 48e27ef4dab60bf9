"""A hunt's answer is grouped and counted without losing or changing a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import GraphError
from shared.model.finding import Found, Group
from shared.model.hunt import Hunt
from shared.outcomes.cells import cell_text
from shared.outcomes.reading import decode_answer, decode_rows, device_cards
from shared.outcomes.summarizing import summarize

HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="A")
EARLY, NOON, LATE = (f"2026-11-24T{hour:02d}:00:00.0000000Z" for hour in (1, 12, 23))


def answer(*rows: dict[str, Any], types: dict[str, str] | None = None, columns: str = "") -> bytes:
    """Return Graph's answer with these *rows*; *columns* are those of the first row unless named."""
    names = columns.split() or list(rows[0] if rows else ())
    kinds = {"Timestamp": "DateTime"} | (types or {})
    schema = [{"name": name, "type": kinds.get(name, "String")} for name in names]
    return json.dumps({"schema": schema, "results": rows}).encode()


def read(*rows: dict[str, Any], shown: tuple[str, ...] = (), max_rows: int = 100, **options: Any) -> Found:
    """Return the summary of an answer with these *rows*, by a hunt that shows *shown*."""
    hunt = Hunt(name="a-hunt", title="A hunt", id="1", version="1", query="A", columns=shown)
    return summarize(hunt, answer(*rows, **options), max_rows=max_rows, seconds=1.23456)


def counted(found: Found) -> dict[str, int]:
    """Return how many rows each device has."""
    return {device: part.rows for device, part in found.per_entity.items()}


def test_rows_with_the_same_shown_values_are_one_group() -> None:
    """It has their number, and the first and last time among them, in whatever order they come."""
    rows = [{"Timestamp": time, "Name": "a", "Hidden": n} for n, time in enumerate((NOON, EARLY, LATE, NOON))]

    found = read(*rows, shown=("Name",))

    assert (Group(("a",), 4, EARLY, LATE),) == found.groups
    assert (4, 1, ("Timestamp", "Name", "Hidden"), ("Name",)) == (
        found.rows,
        found.group_count,
        found.columns,
        found.shown,
    )


def test_groups_of_several_devices_are_added_up() -> None:
    """A group's times span all its devices, and each device's rows are counted under its id in lower case."""
    rows = [
        {"Timestamp": time, "Name": "a", "DeviceId": device, "DeviceName": "web01"}
        for time, device in ((NOON, "AB"), (EARLY, "cd"), (LATE, "ab"), (NOON, "ef"))
    ]

    found = read(*rows, shown=("Name",))

    assert (Group(("a",), 4, EARLY, LATE),) == found.groups
    assert {"ab": 2, "cd": 1, "ef": 1} == counted(found)


def test_devices_are_counted_by_name_where_there_is_no_id() -> None:
    """Without either, rows are about none that is known."""
    by_name = read({"DeviceName": "WEB01"}, {"DeviceName": "web01"})
    mixed = read({"DeviceId": "AB", "DeviceName": "web01"}, {"DeviceId": "", "DeviceName": "web02"})

    assert ({"web01": 2}, {"ab": 1, "web02": 1}) == (counted(by_name), counted(mixed))
    assert {"": 1} == counted(read({"Name": "a"}))
    assert "web01" == mixed.per_entity["ab"].name


def test_the_digest_of_a_device_covers_its_rows_alone() -> None:
    """In any order, and whatever else is in the answer."""
    one, two, other = ({"DeviceId": name, "Port": port} for name, port in (("a", 1), ("a", 2), ("b", 1)))
    both = read(one, other, two).per_entity

    assert both["a"] == read(two, one).per_entity["a"]
    assert 3 == len({both["a"].digest, both["b"].digest, read(one).per_entity["a"].digest})


def test_the_column_that_is_shown_may_be_the_devices() -> None:
    """It is read once and counted all the same."""
    found = read({"DeviceName": "WEB01"}, {"DeviceName": "web01"}, shown=("DeviceName",))

    assert {"web01": 2} == counted(found)
    assert {("WEB01",), ("web01",)} == {group.values for group in found.groups}


def test_the_rarest_group_comes_first_and_of_two_the_latest() -> None:
    """What an analyst has not seen a thousand times stands at the top."""
    rows = [
        {"Timestamp": time, "Name": name}
        for name, time in (("often", LATE), ("often", LATE), ("early", EARLY), ("late", NOON), ("odd", EARLY))
    ]

    assert ["late", "early", "odd", "often"] == [
        group.values[0] for group in read(*rows, shown=("Name",)).groups
    ]


def test_groups_without_a_time_have_none() -> None:
    """A number in a column called Timestamp is no time, either."""
    found = read({"Timestamp": 5, "Name": "a"}, shown=("Name",), types={"Timestamp": "Int64"})

    assert (Group(("a",), 1, "", ""),) == found.groups


def test_a_group_of_rows_that_have_no_time_keeps_the_others_time() -> None:
    """A missing time reads as the earliest."""
    found = read({"Timestamp": None, "Name": "a"}, {"Timestamp": NOON, "Name": "a"}, shown=("Name",))

    assert (Group(("a",), 2, "", NOON),) == found.groups


@pytest.mark.parametrize(("rows", "kept", "more"), [(3, 3, False), (4, 3, True), (0, 0, False)])
def test_rows_beyond_the_limit_only_say_that_there_are_more(rows: int, kept: int, more: bool) -> None:
    """The digest, the groups and the devices are of those that count."""
    every = [{"Name": str(n), "DeviceId": str(n)} for n in range(rows)]

    found = read(*every, max_rows=3, columns="Name DeviceId")

    assert (kept, more, kept, kept) == (found.rows, found.more, found.group_count, len(found.per_entity))
    assert read(*every[:3], columns="Name DeviceId").digest == found.digest


def test_the_digest_covers_every_row_in_any_order() -> None:
    """Another value, or a row twice, makes another digest."""
    one, two, other = ({"Name": name, "Port": 1} for name in ("a", "b", "c"))
    digest = read(one, two).digest

    assert 64 == len(digest)
    assert digest == read(two, one).digest
    assert 4 == len({digest, read(one, other).digest, read(one, two, two).digest, read(one).digest})


def test_a_summary_is_small_however_many_rows_there_are() -> None:
    """It keeps 200 groups, ten rows, and how many groups there were; seconds are in milliseconds."""
    found = read(*({"Name": str(n)} for n in range(300)), max_rows=1_000)

    assert (200, 10, 300, 300, 1.235) == (
        len(found.groups),
        len(found.first_rows),
        found.group_count,
        found.rows,
        found.seconds,
    )
    assert [{"Name": str(n)} for n in range(10)] == list(found.first_rows)
    assert ("a-hunt", "") == (found.hunt, found.failure)


def test_the_columns_that_a_hunt_names_are_shown_in_its_order() -> None:
    """In the answer's casing; those that the answer lacks are left out."""
    found = read({"AccountName": "a", "RemoteIP": "b", "C": "c"}, shown=("remoteip", "Gone", "ACCOUNTNAME"))

    assert ("RemoteIP", "AccountName") == found.shown
    assert ("b", "a") == found.groups[0].values


@pytest.mark.parametrize("shown", [(), ("Gone",)])
def test_without_named_columns_the_first_six_are_shown(shown: tuple[str, ...]) -> None:
    """Times, ids of devices and of events are not among them, whatever their casing."""
    names = ["TIMESTAMP", "TimeGenerated", "A", "DeviceId", "ReportId", *"BCDEFG"]

    assert tuple("ABCDEF") == read(dict.fromkeys(names, "x"), shown=shown).shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        (["a", 1], '["a", 1]'),
        ({"a": None}, '{"a": null}'),
        ([], "[]"),
    ],
)
def test_a_value_is_written_as_people_read_it(value: Any, text: str) -> None:
    """Alone and in a group: lists and objects as JSON, nothing as nothing."""
    assert text == cell_text(value)
    assert ((text,),) == tuple(group.values for group in read({"Name": value}, shown=("Name",)).groups)


def test_the_schemas_casing_counts_where_the_rows_differ() -> None:
    """Graph writes a row's names in another casing now and then; a value that is missing reads as nothing."""
    raw = answer(
        {"name": "a", "deviceid": "AB", "Extra": 1},
        {"Name": "b", "DeviceId": "cd"},
        columns="Name DeviceId Gone",
    )

    assert [
        {"Name": "a", "DeviceId": "AB", "Gone": "", "Extra": 1},
        {"Name": "b", "DeviceId": "cd", "Gone": "", "Extra": ""},
    ] == list(decode_rows(decode_answer(raw)))
    found = summarize(HUNT, raw, max_rows=10, seconds=0)
    assert {"ab": 1, "cd": 1} == counted(found)
    assert {("a", "", "1"), ("b", "", "")} == {group.values for group in found.groups}


def test_rows_that_fit_the_schema_are_left_as_they_are() -> None:
    """Columns beyond the schema stay."""
    assert [{"Name": "a", "Extra": 1}] == list(
        decode_rows(decode_answer(answer({"Name": "a", "Extra": 1}, columns="Name")))
    )


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\\b", "a\nb", "ä b"])
def test_a_column_may_have_any_name(name: str) -> None:
    """KQL allows quotes, backslashes and line ends in names."""
    raw = json.dumps({"schema": [{"name": name, "type": "String"}], "results": [{name: "x"}, {name: "x"}]})

    assert (Group(("x",), 2, "", ""),) == summarize(HUNT, raw.encode(), max_rows=9, seconds=0).groups


def test_a_lone_surrogate_becomes_text() -> None:
    """A command line can hold one; all else in the answer stays as it was."""
    raw = b'{"schema": [{"name": "Name", "type": "String"}], "results": [{"Name": "\\ud83d \\ud83d\\ude00 \xc3\xa4"}]}'

    assert ("\\ud83d \U0001f600 ä",) == summarize(HUNT, raw, max_rows=9, seconds=0).groups[0].values


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"schema": []}', b'{"schema": [], "results": 1}', b"\xff"]
)
def test_what_is_no_answer_is_an_error(raw: bytes) -> None:
    """It is Graph's, and says so."""
    with pytest.raises(GraphError, match="Graph's answer is not understood"):
        decode_answer(raw)


def test_the_device_card_is_read_as_text() -> None:
    """One row a device, every value as people read it."""
    known = {"DeviceId": "ab", "DeviceName": "web01", "LastSeen": NOON, "DeviceType": "Server"}
    raw = answer({**known, "LoggedOnUsers": ["a"], "IsInternetFacing": True, "OSPlatform": None})
    (card,) = device_cards(raw)

    assert known | {"LoggedOnUsers": '["a"]', "IsInternetFacing": "true", "OSPlatform": ""} == card
