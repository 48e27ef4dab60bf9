"""What reading a query finds out, as a whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.kql.problem import Problem
from shared.kql.read import Reading, read_query


def test_a_query_is_read_as_a_whole() -> None:
    """Its text ends before comments and semicolons; its names are those of all tokens, strings without quotes."""
    query = " let a = 'b c'; // d\n['DeviceInfo'] | union DeviceEvents | where Timestamp > ago(2d) | sort by hx ; // e\n; "
    words = "let a = ; [ ] ( ) | > 2d ago by sort union where hx DeviceEvents DeviceInfo Timestamp"

    assert Reading(
        text=query[: query.index(" ; // e")],
        tables=("DeviceEvents", "DeviceInfo"),
        reads=frozenset({"DeviceEvents", "DeviceInfo"}),
        names=frozenset({"b c", *words.split()}),
        reach=timedelta(days=2),
        carries=frozenset({"DeviceId", "DeviceName", "Timestamp"}),
        lacks=frozenset({"Indicator"}),
        order="hx",
        problems=(),
    ) == read_query(query, scoped=True)


def test_of_a_query_with_a_problem_nothing_is_told_for_certain() -> None:
    """Neither how far back it looks nor which columns its rows have; its text and names are there, if it has tokens."""
    unclear: dict[str, object] = {
        "reads": None,
        "reach": None,
        "carries": frozenset(),
        "lacks": frozenset(),
        "order": "",
    }
    nowhere = Problem(1, 1, "remove the character '?'")
    closed = Problem(1, 3, "close this (")
    quoted = Problem(1, 34, "write the function's name without brackets and quotes")

    for query, tables, names, problem in (
        ("? DeviceInfo", (), set(), nowhere),
        ("a ( DeviceInfo | ago", ("DeviceInfo",), {"a", "(", "DeviceInfo", "|", "ago"}, closed),
        (
            "DeviceInfo | where Timestamp > [ 'now'](1d) and ago(1d)", ("DeviceInfo",),
            {*["DeviceInfo", "|", "where", "Timestamp", ">", "[", "now", "]", "(", "1d", ")", "and", "ago"]}, quoted,
        ),
    ):  # fmt: skip
        text = "" if problem is nowhere else query
        reading = read_query(query, scoped=False)

        assert (
            Reading(text=text, tables=tables, names=frozenset(names), problems=(problem,), **unclear)
            == reading
        )


def test_a_clock_in_quotes_is_refused_wherever_it_is_called() -> None:
    """With escapes, it may be any name; a column of that name, and a string beside brackets, are none."""
    calls = r"T | where A > ['ago'](1d) or B > ['n\x6fw'](2) or C > [h'now'] (3)"
    columns = "T | where ['ago'] > 1 and x['now'] > (2) and ('ago') and ['now', 'ago'](1) and ['later'](1)"

    assert [16, 35, 56] == [problem.column for problem in read_query(calls, scoped=False).problems]
    assert () == read_query(columns, scoped=False).problems


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("EmailEvents | where A in ((UrlClickEvents | project A)) | join (AlertInfo) on B", {"EmailEvents", "UrlClickEvents", "AlertInfo"}),
        ("let T = DeviceInfo; union T, Custom_CL", {"DeviceInfo", "Custom_CL"}),
        ("let f = (T: (A: int)) { T | where A > 1 }; f(DeviceInfo)", {"DeviceInfo"}),
        ("union Device*", None),
        ("search 'a'", None),
        ("MyFunction() | take 1", None),
        ("let DeviceInfo = DeviceInfo | take 1; DeviceInfo", None),
    ],
)  # fmt: skip
def test_the_tables_that_a_query_reads_are_told_where_they_are_certain(
    query: str, tables: set[str] | None
) -> None:
    """Not where it names a pattern, a function of the tenant's, or declares one of them itself."""
    assert tables == read_query(query, scoped=False).reads
