"""The SQL of a query in a shorter form."""

from __future__ import annotations

import duckdb_kql
import pytest
from duckdb import DuckDBPyConnection

from sandbox.telemetry.folding import folded

ROWS = [
    ("", "", None, 1), ("True", '{"v": "null"}', "2026-11-24 12:00:00", 2), ("nan", '{"v": [1, "CASE WHEN END"]}', None, 3),
    ("CASE WHEN typeof", "", None, 4), ('{"v": 1}', '{"v": {"x": "it\'s"}}', "2026-11-24 12:00:00.5", 5),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> DuckDBPyConnection:
    """Return a database with one table of odd texts."""
    made = duckdb_kql.connect()
    made.execute("CREATE TABLE T (Name VARCHAR, Fields JSON, Timestamp TIMESTAMP, Number BIGINT)")
    for name, fields, time, number in ROWS:
        made.execute("INSERT INTO T VALUES (?, ?, ?, ?)", [name, fields or None, time, number])
    return made


@pytest.mark.parametrize(
    ("query", "shorter"),
    [
        ("T | where isempty(Name) or isnotempty(Name) | extend X = isempty(Name)", True),
        ("T | extend X = tostring(bag_pack('a', Name, 'b', Timestamp, 'c', Number)) | sort by X asc", True),
        (
            "T | extend X = tostring(bag_pack('a', tostring(bag_pack('b', iff(Number > 2, Name, 'END')))))",
            True,
        ),
        ("T | extend X = strcat(tostring(Name), ' CASE typeof(', tostring(Name))", True),
        ("T | where Name == 'True' or Name has 'case'", True),
        ("T | extend Name = Number | extend X = isempty(Name)", False),
        ("T | extend X = tostring(Fields), Y = tostring(Timestamp), Z = tostring(Fields.v)", False),
    ],
)
def test_shorter_sql_selects_the_same(connection: DuckDBPyConnection, query: str, *, shorter: bool) -> None:
    """Also of values that look like the words it is shortened by, and where a name is given to something else."""
    schema = {"T": ["Name", "Fields", "Timestamp", "Number"]}
    plain = str(duckdb_kql.to_sql(query, schema=schema))
    short = folded(plain, {"Name"})

    assert shorter is (len(short) < len(plain))
    assert connection.execute(plain).fetchall() == connection.execute(short).fetchall()
