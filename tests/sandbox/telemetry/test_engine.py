"""KQL on one machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.telemetry.engine import Engine, QueryError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def engine() -> Engine:
    """An engine with one device, seen an hour ago and ten days ago, and one connection of each time."""
    engine = Engine()
    for age in (timedelta(hours=1), timedelta(days=10)):
        engine.load("DeviceInfo", [{"Timestamp": NOW - age, "DeviceId": "a", "IsTransient": True}])
        engine.load("DeviceNetworkEvents", [{"Timestamp": NOW - age, "DeviceId": "a"}])
    return engine


def hunt(engine: Engine, query: str, days: int = 30, **options: Any) -> list[dict[str, Any]]:
    """Run *query* over the *days* before now."""
    return engine.hunt(query, start=NOW - timedelta(days=days), end=NOW, now=NOW, **options)[1]


def test_missing_strings(engine: Engine) -> None:
    """A string that a row leaves out is empty, anything else null."""
    row = hunt(engine, "DeviceInfo | project DeviceName, OSBuild | take 1")

    assert [{"DeviceName": "", "OSBuild": None}] == row


def test_unknown_column(engine: Engine) -> None:
    """A column that Advanced Hunting does not have is refused by name."""
    with pytest.raises(ValueError, match="DeviceInfo has no columns Colour"):
        engine.load("DeviceInfo", [{"Colour": "red"}])


def test_unknown_table(engine: Engine) -> None:
    """A table that Advanced Hunting does not have is refused by name."""
    with pytest.raises(ValueError, match="no table Devices"):
        engine.load("Devices", [])


def test_times_with_an_offset() -> None:
    """A time is stored in UTC, whatever offset it came with, and written with seven digits."""
    engine = Engine()
    engine.load("DeviceInfo", [{"Timestamp": "2026-03-10T12:30:00.1234567+01:00"}])

    assert [{"Timestamp": "2026-03-10T11:30:00.1234560Z"}] == hunt(engine, "DeviceInfo | project Timestamp")


def test_types(engine: Engine) -> None:
    """Columns have .NET's type names, and values are fit for JSON."""
    query = """print A = 1, B = "x", C = true, D = 1.5, E = dynamic({"k": [1]}), F = datetime(2026-01-01),
        G = 25h, H = real(nan), I = toint(7)"""
    schema, rows = engine.hunt(query, start=NOW, end=NOW, now=NOW)

    expected = ["Int64", "String", "SByte", "Double", "Object", "DateTime", "TimeSpan", "Double", "Int32"]
    assert expected == [column["type"] for column in schema]
    assert [
        1, "x", 1, 1.5, {"k": [1]}, "2026-01-01T00:00:00.0000000Z", "1.01:00:00", "NaN", 7,
    ] == list(rows[0].values())  # fmt: skip


def test_timespan_reaches_every_table(engine: Engine) -> None:
    """The Timespan narrows both sides of a join, even where a let shadows a table by its own name."""
    query = """
        let DeviceInfo = DeviceInfo | where DeviceId == "a";
        DeviceNetworkEvents | join kind=inner DeviceInfo on DeviceId | count"""

    assert [4] == [row["Count"] for row in hunt(engine, query)]
    assert [1] == [row["Count"] for row in hunt(engine, query, days=2)]


def test_now_is_given(engine: Engine) -> None:
    """`ago()` counts from the moment that the caller names."""
    assert 1 == len(hunt(engine, "DeviceInfo | where Timestamp > ago(2h)"))


def test_limit(engine: Engine) -> None:
    """Reading stops at the limit."""
    assert 1 == len(hunt(engine, "DeviceInfo", limit=1))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("Nope | take 1", "Failed to resolve table or column expression named 'Nope'. Fix semantic errors"),
        ("DeviceInfo | where Nope == 1", "Failed to resolve scalar expression named 'Nope'. Fix semantic"),
        ("DeviceInfo | wherex", "Fix syntax errors in your query."),
        ("DeviceInfo | evaluate bag_unpack(X)", "The sandbox cannot run this"),
        (".drop table DeviceInfo", "Fix semantic errors in your query."),
        ("", "Fix syntax errors in your query."),
    ],
)
def test_errors_are_worded_as_graph_words_them(engine: Engine, query: str, message: str) -> None:
    """A query that cannot run says why in Graph's words."""
    with pytest.raises(QueryError) as caught:
        hunt(engine, query)

    assert message in str(caught.value)


def test_files_stay_out_of_reach(engine: Engine, tmp_path: Path) -> None:
    """A table that names a file on this machine is refused."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(QueryError):
        hunt(engine, f"['{secret}'] | take 1")


def test_hunts_cannot_write(engine: Engine) -> None:
    """An ingestion command is refused and changes nothing."""
    with pytest.raises(QueryError):
        hunt(engine, ".set-or-replace DeviceInfo <| DeviceInfo | take 0")

    assert 2 == len(hunt(engine, "DeviceInfo"))


def test_concurrent_hunts(engine: Engine) -> None:
    """Hunts with different Timespans at the same time each see their own."""
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda days: len(hunt(engine, "DeviceInfo", days)), [2, 30] * 12))

    assert [1, 2] * 12 == counts


def test_reopened(tmp_path: Path) -> None:
    """Telemetry written to a file is there when the file is opened again."""
    path = str(tmp_path / "fleet.duckdb")
    first = Engine(path)
    first.load("DeviceInfo", [{"Timestamp": NOW, "DeviceId": "a"}])
    first.close()

    assert ["a"] == [row["DeviceId"] for row in hunt(Engine(path), "DeviceInfo | project DeviceId")]
