"""What a query names once and reads several times is run once, and is a table from then on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.telemetry.engine import Engine, QueryError
from sandbox.telemetry.steps import Step, steps

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with two devices."""
    engine = Engine()
    engine.load("DeviceInfo", [{"Timestamp": NOW, "DeviceId": each, "DeviceName": "a;}b"} for each in "ab"])
    return engine


def hunt(engine: Engine, query: str) -> list[Any]:
    """Return the values of the rows of *query*."""
    rows = engine.hunt(query, start=NOW, end=NOW, now=NOW)[1]
    return [value for row in rows for value in row.values()]


def test_functions_and_materialize_are_steps_with_what_they_use() -> None:
    """A step has the `let` statements that it uses alone, and the calls of earlier ones are names of tables."""
    query = (
        "let n = 1; let t = dynamic(['x']); let f = () { T | where A in (t) }; let m = materialize(f() | take 2);\n"
        "m | union (f()), (m | where B == n)"
    )

    assert [
        Step("f", "let t = dynamic(['x']);\nT | where A in (t)"),
        Step("m", "f | take 2"),
        Step("", "let n = 1;\nm | union (f), (m | where B == n)"),
    ] == steps(query)


@pytest.mark.parametrize(
    "query",
    [
        "T | take 1",
        "let f = () { 5 }; print f()",
        "let f = () { toscalar(T | count) }; print f()",
        "let f = () { toscalar(T | count) + 1 }; print f()",
        "let f = () { now() }; print f()",
        "let x = 5; let f = () { x }; print f()",
        "let f = () { 5 }; let g = () { f() }; print g()",
        "let f = (n: long) { T | take n }; f(1)",
        "let T = materialize(T | take 1); T",
        "let t = materialize(T | take 1); t",
        "let a = materialize(U | take 1); let A = 5; a",
        "let a = materialize(U) | where (true); a",
        "let a = () { U | where B == 'x };",
        "? no KQL",
        "",
    ],
)  # fmt: skip
def test_what_is_no_table_of_its_own_is_left_as_it_is(query: str) -> None:
    """Single values, functions with parameters, names that DuckDB could not tell apart, and what is no KQL."""
    assert [Step("", query)] == steps(query, ["T"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("let f = () { 5 }; print f()", [5]),
        ("let f = () { toscalar(DeviceInfo | count) }; print f()", [2]),
        ("let f = () { now() }; DeviceInfo | where Timestamp <= f() | count", [2]),
        ("let f = () { DeviceInfo | where DeviceId == 'a' }; let g = () { f() | project DeviceId }; union (g()), (g())", ["a", "a"]),
        ("let f = () { DeviceInfo }; let n = () { toscalar(f() | count) }; print n()", [2]),
        ("let f = () { (DeviceInfo | where DeviceId == 'a') }; f() | count", [1]),
        ("let f = () { materialize(DeviceInfo) }; f() | count", [2]),
        ("let f = view () { DeviceInfo }; f() | count", [2]),
        ("let f = () { print X = 1 }; f()", [1]),
        ("let f = () { range X from 1 to 2 step 1 }; f()", [1, 2]),
        ("let f = () { datatable(X: long) [1, 2] }; f()", [1, 2]),
        ("let f = () { union DeviceInfo, DeviceInfo }; f() | count", [4]),
        ("let f = () { DeviceInfo | project f = DeviceId | take 1 }; f() | extend g = f | project f, g", ["a", "a"]),
        ("let f = () { DeviceInfo | count }; print 'f()', \"f\"", ["f()", "f"]),
        ("let f = () { DeviceInfo | where DeviceName == 'a;}b' // ; }{\n | count }; f()", [2]),
        ("let DeviceInfo = materialize(DeviceInfo | where DeviceId == 'a'); DeviceInfo | count", [1]),
    ],
)  # fmt: skip
def test_a_function_returns_what_stands_in_it(engine: Engine, query: str, expected: list[Any]) -> None:
    """A value or rows, however often it is called; strings, comments and columns with its name are no calls."""
    assert expected == hunt(engine, query)


def test_what_functions_declare_is_their_own(engine: Engine) -> None:
    """Two functions narrow the same table, or have a function or a value of the same name, and do not meet."""
    query = """
        let Which = "c";
        let f = () { let DeviceInfo = DeviceInfo | where DeviceId == "a"; let g = () { DeviceInfo | project DeviceId }; g() };
        let h = () { let Which = "b"; let g = () { DeviceInfo | where DeviceId == Which | project DeviceId }; union (g()), (g()) };
        union (f()), (h()), (DeviceInfo | where DeviceId == Which | project DeviceId)"""

    assert ["a", "b", "b"] == hunt(engine, query)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("DeviceInfo | where Nope == 1", "Failed to resolve scalar expression named 'Nope'"),
        ("Nope | take 1", "Failed to resolve table or column expression named 'Nope'"),
        ("DeviceInfo | wherex", "Fix syntax errors in your query."),
        ("DeviceInfo | evaluate bag_unpack(X)", "The sandbox cannot run this"),
    ],
)
def test_what_is_wrong_in_a_function_is_worded_as_graph_words_it(
    engine: Engine, body: str, message: str
) -> None:
    """As in a query without functions."""
    with pytest.raises(QueryError, match=message):
        hunt(engine, f"let f = () {{ {body} }}; f() | take 1")
