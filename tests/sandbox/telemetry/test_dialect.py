"""What duckdb-kql has not, and the sandbox's engine runs all the same: columns by pattern, packing, made-up files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.telemetry.engine import Engine, QueryError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PACK = "| project P = tostring(pack_all())"
HASHES = ("e" * 40, "f" * 40, "")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with two devices, and three files, one of which has no hash."""
    engine = Engine()
    engine.load(
        "DeviceInfo", [{"Timestamp": NOW, "DeviceId": each, "DeviceName": f"n{each}"} for each in "ab"]
    )
    engine.load(
        "DeviceFileEvents",
        [{"Timestamp": NOW, "SHA1": each, "InitiatingProcessSHA1": each[::-1]} for each in HASHES],
    )
    return engine  # fmt: skip


def hunt(engine: Engine, query: str) -> list[dict[str, Any]]:
    """Return the rows of *query*."""
    return engine.hunt(query, start=NOW, end=NOW, now=NOW)[1]


def packed(engine: Engine, query: str) -> Any:
    """Return what the row of *query* is packed into."""
    return json.loads(hunt(engine, f"{query} {PACK}")[0]["P"], parse_constant=lambda name: f"no JSON: {name}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"it\'s\\n{0} \\""', "it's\n{0} \""),
        ("datetime(2026-01-02T03:04:05.1234567Z)", "2026-01-02T03:04:05.1234560Z"),  # DuckDB has six digits
        ("datetime(2026-01-02)", "2026-01-02T00:00:00.0000000Z"),
        ("datetime(null)", None),
        ("9007199254740993", 9007199254740993),
        ("toint(7)", 7),
        ("long(null)", None),
        ("true", True),
        ("bool(null)", None),
        ("1.5", 1.5),
        ("real(nan)", "NaN"),
        ("real(+inf)", "Infinity"),
        ("real(-inf)", "-Infinity"),
        ("real(null)", None),
        ("49h", "2.01:00:00"),
        ("timespan(null)", None),
        ("guid(74be27de-1e4e-49d9-b579-fe0b05d3642c)", "74be27de-1e4e-49d9-b579-fe0b05d3642c"),
        ('dynamic({"a": [1, "x", null]})', {"a": [1, "x", None]}),
        ("dynamic(null)", None),
    ],
)
def test_a_value_of_each_type_is_packed_as_kusto_does(engine: Engine, value: str, expected: Any) -> None:
    """Nulls stay, and what JSON has no number for is a word, as in Graph's answers."""
    assert {"A": expected, "B": 1} == packed(engine, f"DeviceInfo | take 1 | project A = {value}, B = 1")


def test_columns_keep_their_order_and_their_names_when_packed(engine: Engine) -> None:
    """Also names with blanks, quotes, backslashes and braces."""
    names = ["z", "a b", "it's", 'q"q', "{0}", "back\\slash"]
    columns = ", ".join(f"{json.dumps([name])} = {n}" for n, name in enumerate(names))

    assert list(zip(names, range(6), strict=True)) == [*packed(engine, f"DeviceInfo | take 1 | project {columns}").items()]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "DeviceInfo | project DeviceId | take 1 | extend P = tostring(pack_all()) | project P",
        "let T = DeviceInfo | project DeviceId | extend P = pack_all(); T | project P = tostring(P) | take 1",
        "DeviceInfo | project DeviceId | where tostring(pack_all()) contains 'a' | project P = tostring(pack_all())",
        (
            "DeviceInfo | project X = DeviceId | join kind=inner (DeviceInfo | project DeviceId, P = tostring(pack_all())) on "
            "$left.X == $right.DeviceId | project P | take 1"
        ),
    ],
)
def test_rows_are_packed_wherever_they_stand(engine: Engine, query: str) -> None:
    """In a `let`, a condition, and the other side of a join: the columns are those of the rows there."""
    assert json.loads(hunt(engine, query)[0]["P"])["DeviceId"] in {"a", "b"}


def test_a_schema_is_told_in_the_words_of_both(engine: Engine) -> None:
    """Each column with its number, .NET's type and KQL's, as documented; also of what `let` statements made."""
    query = (
        "let T = DeviceInfo | project A = 'x', B = now(), C = 1, D = toint(1), E = true, F = 1.5, G = 1h, "
        "H = guid(74be27de-1e4e-49d9-b579-fe0b05d3642c), ['I \"'] = dynamic([]); T | union (T | take 1) | getschema"
    )

    assert [
        ("A", 0, "System.String", "string"),
        ("B", 1, "System.DateTime", "datetime"),
        ("C", 2, "System.Int64", "long"),
        ("D", 3, "System.Int32", "int"),
        ("E", 4, "System.SByte", "bool"),
        ("F", 5, "System.Double", "real"),
        ("G", 6, "System.TimeSpan", "timespan"),
        ("H", 7, "System.Guid", "guid"),
        ('I "', 8, "System.Object", "dynamic"),
    ] == [tuple(row.values()) for row in hunt(engine, query)]


@pytest.mark.parametrize(
    ("operators", "columns"),
    [
        ("project-reorder OSPlatform", "OSPlatform DeviceId DeviceName DeviceType"),
        ("project-reorder *Name, OS*", "DeviceName OSPlatform DeviceId DeviceType"),
        ("project-reorder Device* desc", "DeviceType DeviceName DeviceId OSPlatform"),
        ("project-reorder OSPlatform, * asc", "OSPlatform DeviceId DeviceName DeviceType"),
        ("project-reorder ['OSPlatform']", "OSPlatform DeviceId DeviceName DeviceType"),
        ("project-keep *Name, DeviceId", "DeviceId DeviceName"),
        ("project-away Device*e, OS*", "DeviceId"),
        ("project-away DeviceName", "DeviceId OSPlatform DeviceType"),
        ("distinct *", "DeviceId DeviceName OSPlatform DeviceType"),
        ("serialize", "DeviceId DeviceName OSPlatform DeviceType"),
        ("serialize N = row_number(), M = 1", "DeviceId DeviceName OSPlatform DeviceType N M"),
    ],
)
def test_columns_are_named_by_patterns(engine: Engine, operators: str, columns: str) -> None:
    """As KQL orders, keeps and leaves them out."""
    row = hunt(engine, f"DeviceInfo | project DeviceId, DeviceName, OSPlatform, DeviceType | {operators}")[0]

    assert columns.split() == [*row]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("summarize V = array_length(makeset(DeviceId))", 2),
        ("summarize V = array_length(makelist(DeviceId))", 2),
        ("summarize V = make_set_if(DeviceId, DeviceId == 'a')", ["a"]),
        ("summarize V = make_list_if(DeviceId, DeviceId == 'c')", []),
        ("where ingestion_time() == Timestamp | summarize V = count()", 2),
        ("project V = column_ifexists('DeviceId', 'none') | where V == 'a'", "a"),
        ("project V = column_ifexists('Nope', 'none') | take 1", "none"),
        ("take 1 | project V = split('a.b.c', '.', 1)", ["b"]),
        ("take 1 | project V = split('a.b.c', '.', 9)", []),
        ("take 1 | project V = split('a.b.c', '.')[2]", "c"),
        ("sort by DeviceId desc | serialize N = row_number() | where N == 1 | project V = DeviceId", "b"),
        *(
            (f"take 1 | project V = ipv4_is_private('{ip}')", expected)
            for ip, expected in [("10.9.9.9", 1), ("172.31.0.1", 1), ("172.32.0.1", 0), ("192.168.0.1", 1),
                                 ("203.0.113.9", 0), ("x", None)]
        ),
        ("take 1 | project V = ipv4_is_in_range('203.0.113.9', '203.0.113.0/29')", 0),
        ("take 1 | project V = ipv4_is_in_any_range('203.0.113.9', '192.0.2.0/24', '203.0.113.0/24')", 1),
    ],
)  # fmt: skip
def test_functions_of_published_hunts_are_known(engine: Engine, call: str, expected: Any) -> None:
    """Old names, conditions, and what is a matter of arithmetic."""
    assert [expected] == [row["V"] for row in hunt(engine, f"DeviceInfo | {call}")]


@pytest.mark.parametrize(
    "query",
    [
        "DeviceInfo | extend P = pack_all(true)",
        "print pack_all()",
        "DeviceInfo | project V = column_ifexists(DeviceName, '')",
        "DeviceInfo | project V = ipv4_is_in_range(PublicIP, DeviceName)",
        "DeviceInfo | project-reorder Nope",
        "DeviceInfo | project-keep Nope",
        "DeviceInfo | invoke Other(SHA1)",
        "| getschema",
        "getschema",
    ],
)
def test_what_would_mean_something_else_is_refused(engine: Engine, query: str) -> None:
    """Such as packing without what is empty, and columns that are not there."""
    with pytest.raises(QueryError):
        hunt(engine, query)


@pytest.mark.parametrize(
    ("call", "of"),
    [
        ("FileProfile(SHA1, 1000)", "SHA1"),
        ("FileProfile(SHA1)", "SHA1"),
        ('FileProfile("SHA1")', "SHA1"),
        ("FileProfile()", "SHA1"),
        ("FileProfile(InitiatingProcessSHA1, 500)", "InitiatingProcessSHA1"),
    ],
)
def test_a_file_is_made_up_from_its_hash(engine: Engine, call: str, of: str) -> None:
    """The same hash has the same numbers in every query; without one there is nothing, as documented."""
    columns = [
        "GlobalPrevalence",
        "GlobalFirstSeen",
        "GlobalLastSeen",
        "Signer",
        "Issuer",
        "SignerHash",
        "IsCertificateValid",
        "IsRootSignerMicrosoft",
        "SignatureState",
        "IsExecutable",
        "ThreatName",
        "Publisher",
        "SoftwareName",
        "ProfileAvailability",
    ]
    rows = hunt(engine, f"DeviceFileEvents | invoke {call} | project {of}, {', '.join(columns)}")
    again = hunt(engine, f"DeviceFileEvents | invoke FileProfile(SHA1) | project SHA1, {', '.join(columns)}")

    def known(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {row.pop("SHA1", row.pop(of, "")): row for row in rows}

    assert known(again) == (found := known(rows))
    assert {"Available": 2, "": 1} == {
        each: [row["ProfileAvailability"] for row in found.values()].count(each) for each in ("Available", "")
    }
    assert found[HASHES[0]]["GlobalPrevalence"] != found[HASHES[1]]["GlobalPrevalence"]
    assert found[HASHES[0]]["GlobalFirstSeen"] < found[HASHES[0]]["GlobalLastSeen"]
    assert found[""]["GlobalPrevalence"] is None
