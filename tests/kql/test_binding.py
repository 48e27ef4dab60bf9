"""A query that declares itself what it looks for is written once for each of our values, which take its literal's place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.telemetry.engine import Engine
from shared.kql.batch import batch_query
from shared.kql.binding import MOST_VALUES, place_of, with_value
from shared.kql.write import indicator_leg, is_fair_for_indicators
from shared.model.entity import Indicator
from tests.support.batches import apart

if TYPE_CHECKING:
    from tests.support.kql_judge import Judge

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = END - timedelta(days=1)
QUERY = 'let Address = "198.51.100.1"; // edit this\nlet Days = 1d;\nDeviceNetworkEvents | where Timestamp > ago(Days) and RemoteIP == Address'
LISTED = 'let Address = dynamic(["198.51.100.1", "198.51.100.2"]);\nDeviceNetworkEvents | where RemoteIP in (Address)'
HOSTILE = ['"; DeviceInfo | take 1 //', '"]);', "\n| union (SigninLogs)", "};", "_Value1()", "x\\", "'"]
GIVEN = [Indicator("ip", f"203.0.113.{n}") for n in range(12)]


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        (QUERY, QUERY.replace('"198.51.100.1"', '"a\\"b"')),
        (LISTED, LISTED.replace('"198.51.100.1", "198.51.100.2"', '"a\\"b"')),
        ("let Address = h@'x'; print Address", 'let Address = "a\\"b"; print Address'),
        ("let Address = dynamic([]); print Address", 'let Address = dynamic(["a\\"b"]); print Address'),
    ],
)
def test_our_value_takes_the_place_of_the_literal(query: str, bound: str) -> None:
    """Nothing else of the query changes; a list has our value alone."""
    assert bound == with_value(query, "Address", 'a"b')


@pytest.mark.parametrize(
    "query",
    [
        "let Other = 'x'; print Other",
        "let Address = strcat('x', 'y'); print Address",
        "let Address = 'x' 'y'; print Address",
        "let Address = 5; print Address",
        "let Address = dynamic(['x', 5]); print Address",
        "let Address = dynamic(['x' 'y']); print Address",
        "let Address = 'x'",
        "let Address = 'x'; let f = (Address: string) { Address }; print f('y')",
        "let f = () { let Address = 'x'; print Address }; f()",
        "DeviceInfo | extend Address = 'x'; print 1",
    ],
)
def test_only_a_literal_of_a_statement_of_its_own_has_a_place(query: str) -> None:
    """What is anything else is not ours to replace."""
    assert place_of(query, "Address") is None
    with pytest.raises(ValueError, match="does not declare Address as a literal"):
        with_value(query, "Address", "x")


@pytest.mark.node
def test_the_bound_form_has_no_error_and_no_value_is_more_than_a_literal(judge: Judge) -> None:
    """Beside another hunt, with windows of their own, whatever is in a value; a name of ours is not declared twice."""
    hostile = [Indicator("url", value) for value in HOSTILE]
    legs = {
        "one": indicator_leg(QUERY, GIVEN[:1], take=5, end=END, start=START, binds="Address"),
        "many": indicator_leg(QUERY, GIVEN, take=5, end=END, start=START, binds="Address"),
        "hostile": indicator_leg(LISTED, hostile, take=5, end=END, start=START, binds="Address"),
    }
    batch = batch_query(legs)
    verdict = judge(batch, tokens=True)

    assert [] == verdict.diagnostics
    assert {"DeviceNetworkEvents"} == {table for table, _ in verdict.reads}
    assert {each.value for each in [*GIVEN[:MOST_VALUES], *hostile]} <= set(map(str, verdict.literals))
    assert GIVEN[MOST_VALUES].value not in batch


def test_each_row_says_for_which_value_it_is_and_none_is_crowded_out() -> None:
    """Only those of the first ten values, within the window; a value with many rows leaves room for the others'."""
    engine = Engine()
    rows = [(n, END - timedelta(hours=1)) for n in (0, *[1] * 20, 2, 11)] + [(3, START - timedelta(hours=1))]
    engine.load(
        "DeviceNetworkEvents", [{"Timestamp": time, "RemoteIP": f"203.0.113.{n}"} for n, time in rows]
    )
    leg = indicator_leg(QUERY, GIVEN, take=5, end=END, start=START, binds="Address")
    answers = [
        engine.hunt(leg.query, start=START, end=END, now=END)[1],
        apart(engine.hunt(batch_query({"a": leg}), start=START, end=END, now=END)[1])["a"],
    ]
    engine.close()

    assert is_fair_for_indicators(QUERY, GIVEN, binds="Address")
    for found in answers:
        assert len(found) == 5
        assert {f"203.0.113.{n}" for n in (0, 1, 2)} == {row["Indicator"] for row in found}
        assert all(row["Indicator"] == row["RemoteIP"] for row in found)


def test_a_query_for_no_value_is_not_written() -> None:
    """An empty value would match every row."""
    with pytest.raises(ValueError, match="no indicator"):
        indicator_leg(QUERY, [], take=5, end=END, binds="Address")
