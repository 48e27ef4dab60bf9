"""Values are counted over the fleet: in which tables, how many, and alike whether a hunt is asked alone or with others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from msgspec.structs import replace

from sandbox.kusto.judge import Judge
from sandbox.telemetry.engine import Engine, tables
from shared.kql.batch import batch_query
from shared.kql.lexer import lex
from shared.kql.prevalence import MOST_COUNTED, Counted, prevalence_query
from shared.kql.tables import SCOPABLE
from shared.kql.vocabulary import COUNTED
from shared.kql.write import device_leg
from shared.model.entity import Device
from shared.model.finding import Prevalence
from shared.model.hunt import Hunt
from shared.outcomes.prevalence import counts_of, read_counts
from shared.outcomes.unpacking import unpack
from tests.support.hostile import NASTY

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = NOW - timedelta(days=2), NOW
COUNT = Counted("RemoteIP", "DeviceNetworkEvents", *WINDOW)
#: Hours ago, device, address: one address on each of three devices, one on one alone, and one before the window.
SEEN = (
    (40, "a", "203.0.113.9"), (3, "b", "203.0.113.9"), (2, "c", "203.0.113.9"), (1, "a", "203.0.113.9"),
    (5, "a", "198.51.100.1"), (4, "a", "198.51.100.1"), (60, "b", "198.51.100.1"), (6, "a", "")
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Yield an engine with four devices, of which three connect."""
    engine = Engine()
    for device in "abcd":
        engine.load("DeviceInfo", [{"Timestamp": NOW - timedelta(hours=1), "DeviceId": device}])
    rows = [{"Timestamp": NOW - timedelta(hours=hours), "DeviceId": device, "RemoteIP": address} for hours, device, address in SEEN]  # fmt: skip
    engine.load("DeviceNetworkEvents", rows)
    yield engine
    engine.close()


def ask(engine: Engine, query: str) -> bytes:
    """Return the engine's answer to *query*, as Graph would send it."""
    schema, results = engine.hunt(query, start=WINDOW[0], end=NOW, now=NOW)
    return json.dumps({"schema": schema, "results": results}).encode()


def test_a_hunt_alone_and_one_of_many_are_counted_alike(engine: Engine) -> None:
    """The same devices, the same first time within the window, the same fleet; an empty value is none."""
    hunt = "DeviceNetworkEvents | project DeviceId, RemoteIP"
    leg = device_leg(hunt, [Device("a")], take=100, end=NOW)
    batch = unpack(ask(engine, batch_query({"a-hunt": leg}, {"a-hunt": COUNT})), ["a-hunt"])
    alone = read_counts(ask(engine, prevalence_query(COUNT, [address for _, _, address in SEEN])), "RemoteIP")

    assert {"203.0.113.9": 3, "198.51.100.1": 1} == {
        value: devices for value, (devices, _) in alone.values.items()
    }
    assert alone.values["198.51.100.1"][1].startswith("2026-11-24T07:00:00")
    assert 4 == alone.fleet
    made = Hunt(name="a-hunt", title="A hunt", id="1", version="1", query=hunt, prevalence="RemoteIP")
    assert alone == counts_of(made, batch)
    assert counts_of(replace(made, prevalence=""), batch) is None
    other = replace(made, name="another")
    assert Prevalence("RemoteIP", 4) == counts_of(other, batch)


@pytest.mark.parametrize("column", COUNTED)
def test_what_is_counted_is_a_text_of_each_of_its_tables(column: str, judge: Judge) -> None:
    """Each table can say which device a row is of; Microsoft's parser accepts the query, with its three columns."""
    schemas = tables()

    assert {"string"} == {schemas[table][column] for table in COUNTED[column]}
    assert SCOPABLE.issuperset(COUNTED[column])
    for table in COUNTED[column]:
        verdict = judge(prevalence_query(Counted(column, table, *WINDOW), ["x"]))
        assert [] == verdict.diagnostics
        assert {("Value", "string"), ("Devices", "long"), ("First", "datetime")} == set(
            map(tuple, verdict.columns or ())
        )


@given(NASTY.filter(bool))
def test_a_value_enters_a_count_only_as_a_literal(value: str) -> None:
    """The query has the same tokens, whatever is in the value."""

    def kinds(text: str) -> list[tuple[str, str]]:
        return [
            (token.kind, "" if token.kind == "string" else token.text)
            for token in lex(prevalence_query(COUNT, [text]))
        ]

    assert kinds("x") == kinds(value)


def test_so_many_values_are_counted_as_the_query_has_room_for() -> None:
    """1,000 values, or those that fit into 150,000 characters: which they are does not depend on their order."""
    many = [f"{n:05d}" for n in range(MOST_COUNTED + 50)]
    long = [f"{n:05d}{'x' * 10_000}" for n in range(50)]

    assert prevalence_query(COUNT, many) == prevalence_query(COUNT, many[:MOST_COUNTED])
    assert prevalence_query(COUNT, many) == prevalence_query(COUNT, reversed(many))
    assert 140_000 < len(prevalence_query(COUNT, long)) < 151_000


@pytest.mark.parametrize("values", [[], [""], ["x" * 200_000]])
def test_without_a_value_there_is_nothing_to_ask(values: list[str]) -> None:
    """It is an error of the caller's, not a query over the whole table."""
    with pytest.raises(ValueError, match="no value to count"):
        prevalence_query(COUNT, values)
