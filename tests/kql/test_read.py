"""Reading queries, and refusing those that could read more than the devices they are bound to."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.kusto.judge import Judge
from shared.errors import UnreadableQuery
from shared.kql.clock import anchored
from shared.kql.lexer import lex
from shared.kql.read import read_query
from shared.kql.vocabulary import FUNCTIONS
from shared.kql.write import device_query
from shared.model.entity import Device

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEVICE = Device("a" * 40)
COLUMNS = {"DeviceId": "string", "DeviceName": "string", "Timestamp": "datetime", "x": "string"}
CUSTOM = {"Foo": COLUMNS, "Foo_Bar": COLUMNS, "Bar": {"x": "string"}, "OnlyId": {"DeviceId": "string"}}
ESCAPES = [
    *Path(__file__).with_name("escapes.kql").read_text(encoding="utf-8").splitlines(),
    "// a comment\n Foo",
    "DeviceInfo // | take 1\n| union Foo",
    "DeviceInfo|union\tFoo",
    "DeviceInfo\r| union Foo",
    "DeviceInfo // a comment\r| union Foo\n| take 1",
    "DeviceInfo // a comment\u2028| union Foo\n| take 1",
    "DeviceInfo // a comment\u2029| union Foo\n| take 1",
    "DeviceInfo // a comment\x85| union Foo\n| take 1",
    "DeviceInfo\u00a0| union Foo",
    "DeviceInfo\x0c| union Foo",
    'DeviceInfo | where DeviceName == "a\\" | union Foo | where x == "',
    'DeviceInfo | where DeviceName == "a\\\\" | union Foo | where x == ""',
    'DeviceInfo | where DeviceName == @"a\\" | union Foo // "',
    "DeviceInfo | where DeviceName == ```\n``` | union Foo",
]
ACCEPTED = Path(__file__).with_name("accepted.kql").read_text(encoding="utf-8").splitlines()


def problems(query: str, *, scoped: bool = True) -> str:
    """Return what is wrong with a hunt's query, as one text."""
    return "; ".join(map(str, read_query(query, scoped=scoped).problems))


def leaks(query: str, judge: Judge) -> list[tuple[str, int]]:
    """Return the tables that a valid query reads past its scope, once it is bound to a device."""
    bound = device_query(query, [DEVICE], take=5, end=END)
    verdict = judge(bound, tables=CUSTOM)
    scoped = bound.rindex(anchored(read_query(query, scoped=True).text, END))
    return [] if verdict.diagnostics else [read for read in verdict.reads if read[1] >= scoped]


@pytest.mark.node
def test_no_query_escapes_its_scoped_tables(judge: Judge) -> None:
    """However a query names a table, it is refused, or the parser sees it read the scoped table alone."""
    read = [query for query in ESCAPES if not problems(query)]
    escaped = {query: found for query in read if (found := leaks(query, judge))}

    assert {} == escaped


@pytest.mark.node
@pytest.mark.fault("B2", before="assert 'write bool(…) with a plain value' in '': the hunt had no problem")
@pytest.mark.parametrize(
    "kind",
    ["bool", "date", "datetime", "decimal", "double", "guid", "int", "int32", "int64", "long", "real", "time", "timespan"],
)  # fmt: skip
def test_a_literal_of_a_type_hides_nothing(kind: str, judge: Judge) -> None:
    """Quotes and comments mean nothing in one, for Microsoft's lexer, so it may hold plain text alone."""
    query = f"DeviceInfo | extend a = {kind}(') | union (Foo) //')"

    assert ["DeviceInfo", "Foo"] == [table for table, _ in judge(query, tables=CUSTOM).reads]
    assert f"write {kind}(…) with a plain value" in problems(query)
    assert f"write {kind}(…) with a plain value" in problems(query, scoped=False)
    assert "" == problems(f'DeviceInfo | extend a = {kind}(null), b = {kind}("1")')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("int (1)", "write int and its bracket without a blank between"),
        ("int//\n(1)", "write int and its bracket without a blank between"),
        ("boolean(')')", "write boolean(…) with a plain value"),
        ("dynamic([toscalar(DeviceInfo | count)])", "write nothing but values in dynamic(…)"),
        ("dynamic({'a': b})", "write nothing but values in dynamic(…)"),
        ("dynamic(1 | 2)", "write nothing but values in dynamic(…)"),
        ("typeof(int | 1)", "write nothing but values in typeof(…)"),
        ("'\\q'", 'close this string, or write it as @"…", without escapes'),
    ],
)
def test_a_literal_that_holds_more_than_a_value_is_refused(text: str, problem: str) -> None:
    """Whatever the service's own lexer makes of it, no table is read by it."""
    assert problem in problems(f"DeviceInfo | extend a = {text}")


@pytest.mark.fault(
    "B3", before="query line 1, column 59: DeviceName is neither declared by the query nor a table …"
)
@pytest.mark.parametrize(
    "query",
    [
        "let T = materialize(DeviceProcessEvents | project DeviceId, DeviceName); T",
        "DeviceInfo | where OSVersion == toscalar(DeviceInfo | project DeviceId, OSVersion | take 1)",
        "DeviceInfo | where DeviceId in (DeviceFileEvents | summarize count() by DeviceId, FileName)",
        "DeviceInfo | where DeviceId !in~ (DeviceFileEvents | sort by DeviceId asc, FileName | distinct DeviceId)",
        "DeviceInfo | where DeviceName has_any (DeviceFileEvents | distinct DeviceName, DeviceId, FileName)",
    ],
)
def test_a_comma_in_an_operators_list_ends_no_argument(query: str) -> None:
    """What follows it in `project a, b` is one more column, also where a table stands in brackets."""
    assert "" == problems(query)


@pytest.mark.parametrize("operator", ["take 1", "distinct *", "count", "where x == 1", "mv-expand x limit 5"])
def test_a_comma_after_another_operator_ends_the_argument(operator: str) -> None:
    """What follows it may be a table, so it is read as one."""
    assert "Foo is neither declared" in problems(
        f"DeviceInfo | where DeviceId in (DeviceInfo | {operator}, Foo)"
    )


@pytest.mark.node
def test_at_least_100_escape_attempts_are_valid_queries(judge: Judge) -> None:
    """Unbound, Microsoft's parser accepts them, and they read a table that cannot be scoped."""
    verdicts = [judge(query, tables=CUSTOM) for query in ESCAPES]
    real = [v for v in verdicts if not v.diagnostics and any(table in CUSTOM for table, _ in v.reads)]

    assert len(real) >= 100


@pytest.mark.node
@pytest.mark.parametrize("query", ACCEPTED)
def test_what_hunts_commonly_do_is_accepted(query: str, judge: Judge) -> None:
    """Bound to a device, such queries have no error and read their tables through the scope alone."""
    bound = device_query(query, [DEVICE], take=5, end=END)

    assert [] == judge(bound).diagnostics
    assert [] == leaks(query, judge)


@pytest.mark.node
def test_our_lexer_finds_the_same_strings_as_microsofts(judge: Judge) -> None:
    """Wherever our lexer can read a query, both find the very same string literals."""
    quoted = re.compile("[hH]?(@?[\"']|```|~~~)")
    different = {}
    for query in [*ESCAPES, *ACCEPTED]:
        with contextlib.suppress(UnreadableQuery):
            ours = [token.text for token in lex(query) if token.kind == "string"]
            theirs = [text for _, text in judge(query, tokens=True).tokens if quoted.match(text)]
            if ours != theirs:
                different[query] = (ours, theirs)

    assert {} == different


@pytest.mark.node
def test_every_allowed_function_is_built_in_and_reads_no_table(judge: Judge) -> None:
    """Functions such as `table` or `cluster`, which can read any data, are not among them."""
    assert set() == FUNCTIONS - judge.functions()
    assert set() == FUNCTIONS & {
        "table",
        "database",
        "cluster",
        "external_table",
        "materialized_view",
        "graph",
    }


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "the query is empty"),
        ("// nothing", "the query is empty"),
        (".show tables", "a control command is not possible"),
        ("DeviceInfo\n| where x == 'a", "query line 2, column 14: close this string"),
        ("DeviceInfo\n| where (x == 1", "query line 2, column 9: close this ("),
        ("DeviceInfo | where x)", "nothing opens this )"),
        ("DeviceInfo\n\n| union SigninLogs", "query line 3, column 9: rows of SigninLogs alone, which are about no device, would be found: "),
        ("DeviceInfo | where x in (Foo)", "Foo is neither declared by the query"),
        ('search "x"', "search reads any table: write search in (…)"),
        ("DeviceInfo | union Foo*", "or write Device*"),
        ('DeviceInfo | join (table("X")) on DeviceId', "table may read any table"),
        ("DeviceInfo | where x == Stored()", "Stored() is neither declared by the query nor a function"),
        ("DeviceInfo | union (DeviceInfo | render timechart)", "remove render"),
        ("DeviceInfo | fork (take 1)", "the operator fork is not possible"),
        ("set notruncation; DeviceInfo", "only let statements may come before"),
        ("let x = 1;", "end with an expression"),
        ("let DeviceInfo = DeviceInfo; DeviceInfo", "DeviceInfo is declared in front of the query"),
        ("let _DeviceIds = 1; DeviceInfo", "_DeviceIds is declared in front of the query"),
        ("DeviceInfo | where x == '\u202e'", "remove the invisible character U+202E"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_scoped_is_refused(query: str, problem: str) -> None:
    """Its author reads what to change, and where in the query."""
    assert problem in problems(query)


def test_all_problems_of_a_query_are_reported_at_once() -> None:
    """Each of them has a line and a column of its own."""
    found = read_query("let _Urls = 1;\nDeviceInfo | union Foo\n| join Bar on x", scoped=True).problems

    assert [(1, 5), (2, 20), (3, 8)] == [(problem.line, problem.column) for problem in found]


def test_an_indicator_hunt_may_read_any_table() -> None:
    """It looks at the whole fleet by design, but reserved names and control commands are refused."""
    assert "" == problems(
        'union EmailEvents, Foo* | where Url has_any (_Urls) | extend Indicator = ""', scoped=False
    )
    assert "_Urls is declared" in problems("let _Urls = 1; EmailEvents", scoped=False)
    assert "control command" in problems(".drop table EmailEvents", scoped=False)
