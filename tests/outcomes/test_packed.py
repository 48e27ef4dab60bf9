"""What one query for several hunts is answered is read as if each hunt had been asked alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import GraphError
from shared.model.entity import Indicator
from shared.model.finding import Found, Group
from shared.model.hunt import DEVICE_CARD, Hunt
from shared.outcomes.reading import decode_answer, decode_rows, device_cards
from shared.outcomes.summarizing import summarize
from shared.outcomes.unpacking import Prevalence, unpack
from shared.pages.rows import csv_rows, json_rows
from tests.support.packed import alone, pack, packed, schema_of

HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceInfo")
ID = "a1" * 20
TYPES = {
    "String": ("curl", "", None, 'a "quoted" \\ word\n', "ä \U0001f600", "[1]", "2026-11-24T01:00:00Z", "x" * 1_000_000),
    "DateTime": ("2026-11-24T01:00:00Z", "2026-11-24T01:00:00.5Z", "2026-11-24T01:00:00.7688641Z", None),
    "SByte": (0, 1, None),
    "Int32": (0, -1, 2**31 - 1, None),
    "Int64": (2**53 + 1, -(2**63), 2**63 - 1, None),
    "Double": (1.5, 3, 1e21, -0.25, "NaN", "Infinity", "-Infinity", None),
    "SqlDecimal": ("1.10", "-79228162514264337593543950335", None),
    "Guid": ("6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11", None),
    "TimeSpan": ("1.02:03:04.5000000", "00:00:01", "-00:00:00.0000001", None),
    "Object": ('{"User": "ada", "Sid": ["S-1", null, true]}', "[]", "{}", '[{"a": "[1]"}]', "plain", 7, 1.5, True, None,
               ["ada"], {"a": {"b": []}}),
}  # fmt: skip


def both(schema: Any, rows: list[dict[str, Any]], hunt: Hunt = HUNT, **options: Any) -> tuple[Found, Found]:
    """Return what a hunt found that was asked alone, and beside another one."""
    beside = pack(
        {"other": (schema_of(DeviceId="String"), [{"DeviceId": "b"}]), hunt.name: (schema, rows)}, fleet=7
    )
    options = {"max_rows": 100, "seconds": 0} | options
    return tuple(summarize(hunt, raw, **options) for raw in (alone(schema, rows), beside))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in TYPES.items() for value in values], ids=lambda v: repr(v)[:32]
)  # fmt: skip
def test_a_value_of_any_type_is_the_same_both_ways(kind: str, value: Any) -> None:
    """In the digest, in the groups, in what is kept, and in both kinds of findings."""
    schema, rows = schema_of(DeviceId="String", Value=kind), [{"DeviceId": ID, "Value": value}] * 2
    one, other = both(schema, rows)
    raw, beside = alone(schema, rows), pack({"a-hunt": (schema, rows)})

    assert one == other
    assert (2, 0, 1) == (one.rows, one.unreadable, len(one.groups))
    assert json_rows(raw, 9, mask=False) == json_rows(beside, 9, mask=False, hunt="a-hunt")
    assert csv_rows(raw, 9, mask=True) == csv_rows(beside, 9, mask=True, hunt="a-hunt")


@pytest.mark.parametrize("kind", TYPES)
def test_different_values_have_different_digests(kind: str) -> None:
    """One form for both ways is not one form for all values; a missing text is an empty one."""
    values = {json.dumps(value): value for value in TYPES[kind] if value is not None}
    digests = {
        both(schema_of(Value=kind), [{"Value": value}])[place].digest for value in values.values() for place in (0, 1)
    }  # fmt: skip

    assert len(values) == len(digests)


def test_what_graph_documents_is_shown() -> None:
    """A bool as the number it is in an answer, a time in full, and dynamic values as JSON."""
    types = {"Flag": "SByte", "At": "DateTime", "Users": "Object"}
    row = {"Flag": 1, "At": "2026-11-24T01:00:00.768Z", "Users": '{"User":"ada"}'}
    _, found = both(schema_of(**types), [row])

    assert ("1", "2026-11-24T01:00:00.7680000Z", '{"User": "ada"}') == found.groups[0].values
    assert {
        "Flag": 1,
        "At": "2026-11-24T01:00:00.7680000Z",
        "Users": {"User": "ada"},
    } == found.first_rows[0]


def test_rows_and_columns_are_in_the_hunts_order() -> None:
    """In whatever order the rows of the batch come; so are the first rows, and those beyond the limit."""
    schema = schema_of(B="String", A="String", C="Int64")
    rows = [{"B": str(n), "A": "x", "C": n} for n in range(30)]
    for seed in range(5):
        answer = decode_answer(pack({"a-hunt": (schema, rows)}, seed=seed), "a-hunt")

        assert ["B", "A", "C"] == [column.name for column in answer.schema]
        assert rows == list(decode_rows(answer))
    one, other = both(schema, rows, max_rows=20)

    assert one == other
    assert (20, True) == (other.rows, other.more)


def test_names_in_other_casing_and_annotations_are_the_same() -> None:
    """Graph alone has them; what is found is what a bag without them says."""
    schema = schema_of(DeviceId="String", Port="Int64")
    plain = [{"deviceid": ID, "PORT": 443, "Port@odata.type": "#Int64"}]
    odd = summarize(HUNT, alone(schema, plain), max_rows=9, seconds=0)

    assert odd == both(schema, [{"DeviceId": ID, "Port": 443}])[1]


def test_an_event_that_several_indicators_found_is_one_both_ways() -> None:
    """The Indicator is no part of it, wherever it stands among the columns; hits are those of other indicators."""
    hunt = Hunt(
        name="a-hunt",
        title="A",
        id="1",
        version="1",
        query="DeviceInfo",
        entity="indicator",
        columns=("Text",),
    )
    asked = [Indicator("domain", value) for value in ("evil.example", "ä.example", "c2.example")]
    schema = schema_of(Indicator="String", DeviceId="String", DeviceName="String", Text="Object")
    row = {"DeviceId": ID, "DeviceName": "srv-7", "Text": '["evil.example", "ä.example", "c2.example"]'}
    rows = [row | {"Indicator": value} for value in ("evil.example", "ä.example")]
    one, other = both(schema, rows, hunt, indicators=asked)

    assert one == other
    assert (2, 1, 1, ("c2.example",)) == (other.rows, other.events, other.hit_rows, other.groups[0].hits)


def test_a_device_card_is_read_from_a_batch() -> None:
    """As text, as one that was asked alone."""
    schema = schema_of(
        DeviceId="String", DeviceName="String", LastSeen="DateTime", LoggedOnUsers="Object", On="SByte"
    )
    rows = [{"DeviceId": ID, "DeviceName": "srv-7", "LastSeen": "2026-11-24T01:00:00Z", "LoggedOnUsers": '["ada"]', "On": 1}]  # fmt: skip

    assert device_cards(alone(schema, rows)) == device_cards(pack({DEVICE_CARD: (schema, rows)}), DEVICE_CARD)


def test_counts_over_the_fleet_are_kept_apart_from_rows() -> None:
    """By hunt, column and value; how many devices there are is None where nobody counted."""
    hunts = {"a-hunt": (schema_of(SHA1="String"), [{"SHA1": "a1"}]), "b": (schema_of(A="String"), [])}
    counts = {"a-hunt": {"SHA1": {"a1": (3, "2026-11-24T01:00:00.5Z"), "": (1, "")}}}
    batch = unpack(pack(hunts, counted=counts, fleet=2_000), hunts)

    assert 2_000 == batch.fleet
    assert {
        "a-hunt": {"SHA1": {"a1": Prevalence(3, "2026-11-24T01:00:00.5000000Z"), "": Prevalence(1, "")}}
    } == batch.counted
    assert {"a-hunt": 1, "b": 0} == {name: len(answer.results) for name, answer in batch.answers.items()}
    assert (None, {}) == unpack(pack(hunts), hunts)[:0:-1]


SCHEMA_ROW = ("a-hunt/schema", 1, '{"name":"Text","type":"System.String"}')


@pytest.mark.parametrize(
    "text", ["", None, "null", "[]", "5", '"x"', '{"Text": ', '{"Text": x}', '{"Text":"a"},{"Text":"b"}', 7]
)
def test_a_row_that_cannot_be_read_is_counted(text: Any) -> None:
    """Kusto writes '' where a row would have passed 1 MB; the others are found all the same."""
    raw = packed(SCHEMA_ROW, ("a-hunt", 2, text), ("a-hunt", 1, '{"Text":"a"}'))
    found = summarize(HUNT, raw, max_rows=9, seconds=0)

    assert (1, 1, (Group(("a",), 1, "", ""),)) == (found.rows, found.unreadable, found.groups)


def test_a_number_that_is_missing_is_a_row_that_is() -> None:
    """An answer that lost rows on its way never reads as one that had none."""
    raw = packed(SCHEMA_ROW, ("a-hunt", 4, '{"Text":"d"}'), ("a-hunt", 2, '{"Text":"b"}'))
    found = summarize(HUNT, raw, max_rows=9, seconds=0)

    assert (2, 2) == (found.rows, found.unreadable)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (("a-hunt", 1, '{"Text":"a"}'),),
        (("a-hunt/schema", 1, ""),),
        (("a-hunt/schema", 1, '{"name":5,"type":"System.String"}'),),
        (("a-hunt/schema", 2, '{"name":"Text","type":"System.String"}'),),
        (SCHEMA_ROW, ("a-hunt/schema", 3, '{"name":"C","type":"System.String"}')),
    ],
)
def test_a_hunt_without_a_whole_schema_has_no_answer(rows: Any) -> None:
    """That is an error, never nothing found, and the other hunts have theirs."""
    raw = packed(*rows, ("b/schema", 1, '{"name":"Text","type":"System.String"}'))
    batch = unpack(raw, ("a-hunt", "b"))

    with pytest.raises(GraphError, match="the columns of a-hunt"):
        batch.answer_of("a-hunt")
    with pytest.raises(GraphError, match="the columns of a-hunt"):
        summarize(HUNT, raw, max_rows=9, seconds=0)
    assert [] == batch.answer_of("b").results


@pytest.mark.parametrize(
    "row",
    [("c", 1, "{}"), ("c/schema", 1, "{}"), ("", 1, "{}"), ("/other", 1, "{}"), (None, 1, "{}"), ("a-hunt", "x", "{}")],
)  # fmt: skip
def test_a_row_of_an_unknown_hunt_is_an_error(row: Any) -> None:
    """It cannot be told what was found, and by which hunt."""
    with pytest.raises(GraphError):
        unpack(packed(SCHEMA_ROW, row), ("a-hunt",))


def test_an_answer_to_several_hunts_is_none_to_one_without_a_name() -> None:
    """Nor is an answer to one hunt one to several; both are errors, never no rows."""
    schema = schema_of(Text="String")
    with pytest.raises(GraphError):
        decode_answer(pack({"a-hunt": (schema, [])}))
    with pytest.raises(GraphError, match="not one to several hunts"):
        unpack(alone(schema, []), ("a-hunt",))
    raw = packed(SCHEMA_ROW).replace(b"]}", b", null]}", 2)
    with pytest.raises(GraphError):
        unpack(raw, ("a-hunt",))
