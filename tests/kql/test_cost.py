"""What in a hunt may use up a tenant's CPU quota is told to its author, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog.load import load_hunts
from shared.kql.cost import costs
from shared.kql.read import read_query

ACCEPTED = Path(__file__).with_name("accepted.kql").read_text(encoding="utf-8").splitlines()
CONSTANT = "is on a constant, and pairs all rows with all others"
OVER = "this range makes over 1,000,000 rows"
DATA = "this range is as long as data says"
TIMES = "this multiplies rows by a range"


@pytest.mark.fault("B4", before="ModuleNotFoundError: No module named 'shared.kql.cost': nobody was told")
@pytest.mark.parametrize(
    ("query", "place", "text"),
    [
        ("DeviceInfo\n| join (DeviceInfo) on 1", (2, 3), f"this join {CONSTANT}"),
        ("DeviceInfo | join kind=inner (DeviceInfo) on 1 == 1", (1, 14), CONSTANT),
        ("DeviceInfo | join (DeviceInfo) on $left.a == $right.b, true", (), ""),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo | extend k = 1) on k", (1, 29), CONSTANT),
        ("DeviceInfo | extend k = 'a' | lookup (DeviceInfo | project m = 'a') on $left.k == $right.m", (1, 31), "this lookup"),
        ("DeviceInfo | join (DeviceInfo | extend k = 1) on $left.DeviceId == $right.k", (1, 14), CONSTANT),
        ("let T = materialize(DeviceInfo | extend k = 1); T | join T on k", (1, 53), CONSTANT),
        ("DeviceInfo | where DeviceId in (DeviceInfo | join (DeviceInfo) on 1 | project DeviceId)", (1, 46), CONSTANT),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo | extend k = 1) on k, DeviceId", (), ""),
        ("DeviceInfo | extend k = 1 | extend k = DeviceId | join (DeviceInfo) on k", (), ""),
        ("DeviceInfo | join (DeviceInfo) on $left.DeviceId == $right.DeviceId", (), ""),
        ("DeviceInfo | join (DeviceInfo | summarize k = max(1) by DeviceId) on DeviceId", (), ""),
        ("range x from 1 to 1e11 step 1", (1, 1), OVER),
        ("range x from 1 to 1000 * (1000 + 1) step 1", (1, 1), OVER),
        ("range x from 1000000000 to 1 step -1", (1, 1), OVER),
        ("range x from 1 to 0xfffffff step 1", (1, 1), OVER),
        ("range x from 1 to 5 step 0", (1, 1), OVER),
        ("let n = long(100000000); DeviceInfo | union (range x from 1 to n step 1)", (1, 46), OVER),
        ("range x from ago(30d) to now() step 1s", (1, 1), OVER),
        ("range x from ago(7d) to now() step 1s", (), ""),
        ("range x from startofday(ago(7d)) to now() step time(0:0:0.1)", (1, 1), OVER),
        ("range x from startofday(ago(7d)) to now() step 1h", (), ""),
        ("range x from datetime(2000-01-01) to now() step 1m", (1, 1), OVER),
        ("range x from datetime(2026-01-01) to datetime(2026-01-07) step 1d", (), ""),
        ("range x from 1 to toscalar(DeviceInfo | count) step 1", (1, 1), DATA),
        ("range x from 1 to 1000 / 0 step 1", (1, 1), DATA),
        ("range x from 1 to 1000 step 1", (), ""),
        ("DeviceInfo | mv-expand a = range(1, 9, 1) | mv-expand b = range(1, 9)", (1, 45), TIMES),
        ("DeviceInfo | extend r = range(1, 9) | mv-expand r | mv-expand b = repeat(1, 9)", (1, 53), TIMES),
        ("DeviceInfo | mv-expand a = range(1, 1000000, 1)", (1, 14), TIMES),
        ("let r = range(1, 99999); DeviceInfo | mv-expand a = r", (1, 39), TIMES),
        ("DeviceInfo | mv-apply a = range(1, 1e6) on (take 1)", (1, 14), TIMES),
        ("DeviceInfo | mv-expand a = range(1, 9), b = range(1, 9)", (), ""),
        ("DeviceInfo | mv-expand a = range(1, strlen(DeviceName))", (), ""),
        ("DeviceInfo | mv-expand a = todynamic(x) | mv-expand a.b", (), ""),
    ],
)  # fmt: skip
def test_what_may_be_costly_is_told_with_its_place(query: str, place: tuple[int, ...], text: str) -> None:
    """The query can run all the same; where the text does not show a cost, nothing is said."""
    assert () == read_query(query, scoped=True).problems
    assert [place] * bool(text) == [(found.line, found.column) for found in costs(query)]
    assert all(text in found.text for found in costs(query))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("DeviceInfo | join kind=inner (DeviceInfo) on 1", [f"14 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | lookup (DeviceInfo) on 1 == 1, 2 == 2", [f"14 this lookup {CONSTANT}: use a column"]),
        ("DeviceInfo | join (DeviceInfo) on true and (1 == 1) or false", [f"14 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | join (DeviceInfo) on (DeviceId)", []),
        ("DeviceInfo | join (DeviceInfo) on 1 == 1 and DeviceId", []),
        ("DeviceInfo | join (DeviceInfo) on ['DeviceId']", []),
        ("DeviceInfo | join (DeviceInfo) on $left.x", []),
        ("DeviceInfo | join (DeviceInfo)", []),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo) on (k)", [f"29 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo) on $left.k == $right.x", [f"29 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo) on $left.x == $right.k", []),
        ("DeviceInfo | extend k = 1 | join (DeviceInfo) on $left.x == $right.x, $left.k == $right.x", []),
        ("DeviceInfo | join (DeviceInfo | extend k = 1) on $left.x == $right.k", [f"14 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | join ((DeviceInfo | extend k = 1) | where k == 1) on k", [f"14 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | join materialize(DeviceInfo | extend k = 1) on k", [f"14 this join {CONSTANT}: use a column"]),
        ("let f = (a:string) { a }; DeviceInfo | join f(DeviceInfo | extend k = 1) on k", []),
        ("let U = DeviceInfo | extend k = 1; DeviceInfo | join (U) on k", [f"49 this join {CONSTANT}: use a column"]),
        ("let U = DeviceInfo | extend k = 1; DeviceInfo | join kind=inner (U | extend k = DeviceId) on k", []),
        ("let U = DeviceInfo | project k = 1, x; U | extend y = 1 | lookup (DeviceInfo) on k, y", [f"59 this lookup {CONSTANT}: use a column"]),
        ("let ['U'] = (DeviceInfo | project k = 1); U | join DeviceInfo on k", [f"47 this join {CONSTANT}: use a column"]),
        ("DeviceInfo | project k = 1, j = k | join (DeviceInfo) on j", []),
        ("DeviceInfo | project k = (1) | join (DeviceInfo) on k", []),
        ("DeviceInfo | project k == 1, 2 | join (DeviceInfo) on k", []),
        ("DeviceInfo | where k = 1 | join (DeviceInfo) on k", []),
        ("DeviceInfo | where x in (DeviceInfo | extend k = 1 | join (DeviceInfo) on k | project k)", [f"54 this join {CONSTANT}: use a column"]),
        ("let f = (T:(k:long)) { T | extend k = 1 | join (DeviceInfo) on k }; f(DeviceInfo)", [f"43 this join {CONSTANT}: use a column"]),
        ("range x from 1 to 1000001 step 1", []),
        ("range x from 1 to 1000002 step 1", ["1 this range makes over 1,000,000 rows: write a longer step, or nearer ends"]),
        ("range x from 1 to y step 1", ["1 this range is as long as data says: write its ends and its step as literals"]),
        ("range x from y to 2 step 1", [f"1 {DATA}: write its ends and its step as literals"]),
        ("range x from 1 to 2 step y", [f"1 {DATA}: write its ends and its step as literals"]),
        ("range x from 1 to y", []),
        ("DeviceInfo | extend take = 1 | mv-apply x on (take 1)", []),
        ("range x from 1 step y", []),
        ("range x to 1 step y", []),
        ("let n = 2000000; let m = n * 2; range x from n to m step 1", [f"33 {OVER}: write a longer step, or nearer ends"]),
        ("let s = 1s; range x from ago(20d) to startofday(now()) step s", [f"13 {OVER}: write a longer step, or nearer ends"]),
        ("let s = 1; range x from ago(20d) to startofday(now()) step s", [f"12 {DATA}: write its ends and its step as literals"]),
        ("let n == 2000000; range x from 1 to n step 1", [f"19 {DATA}: write its ends and its step as literals"]),
        ("DeviceInfo | union (range x from 1 to y step 1 | take 5)", [f"21 {DATA}: write its ends and its step as literals"]),
        ("DeviceInfo | mv-expand a = range(1, 10001)", []),
        ("DeviceInfo | mv-expand a = range(1, 10002)", [f"14 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | mv-expand a = range(1, 20003, 2)", [f"14 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | mv-expand a = range(1, 20001, 2)", []),
        ("DeviceInfo | mvexpand range(1, 3), b = range(1, 10002)", [f"14 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | mv-expand a = repeat(x, 10001)", [f"14 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | mv-expand a = repeat(x, 10000)", []),
        ("DeviceInfo | mv-expand a = repeat(99999), b = range(99999)", []),
        ("DeviceInfo | mv-expand a = repeat(1, 2, 99999)", []),
        ("DeviceInfo | mv-expand a = todynamic(1, 99999)", []),
        ("DeviceInfo | mv-expand a = range[1, 99999]", []),
        ("DeviceInfo | mv-expand range, ", []),
        ("DeviceInfo | mv-expand a = repeat(1, x) | mv-apply b = range(1, x) on (take 1)", [f"43 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | mv-expand range(1, 9) | where x | mv-expand y | mv-expand range(1, 9) | mv-expand range(1, 9)", [f"62 {TIMES}, many times or again: use one short range", f"86 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | extend b = 1, r = range(1, 99999), c | mv-expand r", [f"53 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | extend r == range(1, 99999) | mv-expand r", []),
        ("DeviceInfo | extend r = range(1, 99999) | extend r = 1 | mv-expand r", []),
        ("let r = range(1, 99999); DeviceInfo | mv-expand r", [f"39 {TIMES}, many times or again: use one short range"]),
        ("let r = range(1, 99999); DeviceInfo | mv-expand r[0]", []),
        ("let n = 99999; DeviceInfo | mv-expand range(1, n)", [f"29 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | where x in (DeviceInfo | mv-expand range(1, 10002))", [f"39 {TIMES}, many times or again: use one short range"]),
        ("DeviceInfo | join (DeviceInfo) on 1 | join (DeviceInfo | join (DeviceInfo) on 1) on 2", [f"14 this join {CONSTANT}: use a column", f"39 this join {CONSTANT}: use a column", f"58 this join {CONSTANT}: use a column"]),
    ],
)  # fmt: skip
def test_each_cost_is_told_in_the_order_of_its_place(query: str, found: list[str]) -> None:
    """With what to write instead; just below a bound, and wherever it is not certain, nothing is said."""
    assert found == [f"{one.column} {one.text}" for one in costs(query)]


@pytest.mark.parametrize("query", [*ACCEPTED, *(hunt.query for hunt in load_hunts().hunts)])
def test_what_hunts_commonly_do_is_not_warned_of(query: str) -> None:
    """Nor are the hunts that come with the app."""
    assert () == costs(query)


@pytest.mark.parametrize(
    "unit",
    ["| join (DeviceInfo) on 1 ", "| mv-expand a = range(1, 9) ", "| extend k = 1 ", "| where (1 == (2)) "],
)
def test_a_long_query_is_read_in_linear_time(unit: str) -> None:
    """Of a file's 128 KB, no more than 100 problems are told."""
    assert len(costs("DeviceInfo " + unit * (120_000 // len(unit)))) <= 100
