"""
What becomes of each query in `escapes.kql` and `accepted.kql`, without asking Microsoft's parser.

`escapes.txt` has every attempt with its problems below it, each with its place and the beginning of its text; those
that only a device hunt has are marked with a `*`. `UPDATE_GOLDEN=1` writes it anew: read it then, since whatever has
no problem runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.kql.read import read_query
from shared.kql.tables import LOOKUPS, SCOPABLE, UNSCOPABLE

HERE = Path(__file__).parent
GOLDEN = HERE / "escapes.txt"
ESCAPES = (HERE / "escapes.kql").read_text(encoding="utf-8").splitlines()
ACCEPTED = (HERE / "accepted.kql").read_text(encoding="utf-8").splitlines()
TABLES = (HERE / "tables.txt").read_text(encoding="utf-8").split()


def entry(query: str) -> str:
    """Return a query and its problems as they stand in the file."""
    anywhere = read_query(query, scoped=False).problems
    found = read_query(query, scoped=True).problems

    assert set(anywhere) <= set(found)
    return "".join(
        [
            f"{query}\n",
            *(
                f"    {' ' if one in anywhere else '*'} {one.line}:{one.column} {one.text[:60]}\n"
                for one in found
            ),
        ]
    )


def test_every_attempt_to_escape_is_told_where_and_why() -> None:
    """A device hunt is refused for what could read another table; an indicator hunt for what can never run."""
    entries = "".join(map(entry, ESCAPES))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(entries, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8").splitlines() == entries.splitlines()


@pytest.mark.parametrize("query", ACCEPTED)
def test_what_hunts_commonly_do_has_no_problem(query: str) -> None:
    """It is read as a device hunt and as an indicator hunt."""
    assert f"{query}\n" == entry(query)


@pytest.mark.parametrize("table", TABLES)
def test_each_of_microsofts_tables_is_read_through_the_scope_or_not_at_all(table: str) -> None:
    """
    Named where a column may stand, one that cannot be scoped is refused; alone, only one that can is accepted.

    The list is that of Microsoft's reference ("Understand the advanced hunting schema"), and of Sentinel's tables that
    hunts are most often written for.
    """
    named = read_query(f"DeviceInfo | where x == {table}", scoped=True)
    alone = read_query(table, scoped=True)
    problem = f"{table} has no DeviceId: leave it out, or write a hunt with entity: indicator"
    scoped = table in SCOPABLE

    assert [scoped, table in LOOKUPS, table in UNSCOPABLE].count(True) == 1
    assert scoped == (not named.problems) == (not alone.problems)
    assert [(25, problem)] * (table in UNSCOPABLE) == [
        (one.column, one.text) for one in named.problems if table not in LOOKUPS
    ]
    assert [(1, problem)] * (table in UNSCOPABLE) == [
        (one.column, one.text) for one in alone.problems if table not in LOOKUPS
    ]
    assert ((table,) if scoped else ()) == alone.tables
    assert () == read_query(table, scoped=False).problems
