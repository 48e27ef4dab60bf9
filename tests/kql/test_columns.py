"""Whose a row is: which columns a query's rows have for certain, as far as its text tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.kusto.judge import Judge
from shared.kql.read import read_query

PLACE, ID, NAME, TIME = "Indicator", "DeviceId", "DeviceName", "Timestamp"
TEXTS = [
    text
    for file in ("accepted.kql", "escapes.kql")
    for text in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines()
]
#: query, what its rows carry, what they lack; the rest is unclear.
READ = [
    ("DeviceInfo", {ID, NAME, TIME}, {PLACE}),
    ("DeviceInfo | where x == 1 | sort by Timestamp | take 5", {ID, NAME, TIME}, {PLACE}),
    ("(DeviceInfo | project DeviceId)", {ID}, {NAME, TIME, PLACE}),
    ("DeviceInfo | project DeviceId, Timestamp", {ID, TIME}, {NAME, PLACE}),
    ("DeviceInfo | project DeviceId = tolower(DeviceId), DeviceName", {ID, NAME}, {TIME, PLACE}),
    ("DeviceInfo | project DeviceId = LoggedOnUsers", set(), {NAME, TIME, PLACE}),
    ("DeviceInfo | project tostring(DeviceId)", set(), {NAME, TIME, PLACE}),
    ("DeviceInfo | project-keep Device*", set(), set()),
    ("DeviceInfo | project-away DeviceId, Time*", {NAME}, {ID, TIME, PLACE}),
    ("DeviceInfo | project-rename Machine = DeviceId", {NAME, TIME}, {ID, PLACE}),
    ("DeviceInfo | project-reorder DeviceName, Timestamp", {ID, NAME, TIME}, {PLACE}),
    ("DeviceInfo | extend DeviceId = hash(DeviceId), A = 1", {NAME, TIME}, {PLACE}),
    ("DeviceInfo | distinct DeviceId, OSPlatform", {ID}, {NAME, TIME, PLACE}),
    ("DeviceInfo | distinct *", {ID, NAME, TIME}, {PLACE}),
    ("DeviceInfo | count", set(), {ID, NAME, TIME, PLACE}),
    ("DeviceInfo | summarize count(), dcount(DeviceId), max(Timestamp) by OSPlatform", set(), {ID, NAME, TIME, PLACE}),
    ("DeviceInfo | summarize Rows = count() by DeviceId, bin(Timestamp, 1h)", {ID}, {NAME, PLACE}),
    ("DeviceInfo | summarize hint.strategy=shuffle arg_max(Timestamp, *) by DeviceId", {ID, TIME}, {PLACE}),
    ("DeviceInfo | summarize arg_max(Timestamp, *) by OSPlatform", {TIME}, {PLACE}),
    ("DeviceInfo | summarize Last = arg_max(Timestamp, DeviceName) by DeviceId", {ID}, {PLACE}),
    ("DeviceInfo | summarize DeviceId = any(DeviceId) by OSPlatform", set(), {NAME, TIME, PLACE}),
    ("DeviceInfo | summarize Timestamp = max(Timestamp) by DeviceId", {ID, TIME}, {NAME, PLACE}),
    ("union DeviceInfo, DeviceFileEvents", {ID, NAME, TIME}, {PLACE}),
    ("union DeviceInfo, (DeviceFileEvents | project DeviceId)", {ID}, {PLACE}),
    ("DeviceInfo | union (DeviceInfo | project OSPlatform)", set(), {PLACE}),
    ("DeviceInfo | join kind=inner (DeviceFileEvents) on DeviceId", {ID, NAME, TIME}, {PLACE}),
    ("DeviceInfo | join DeviceFileEvents on FileName", set(), {PLACE}),
    ("DeviceInfo | join DeviceFileEvents on DeviceId", {ID, NAME, TIME}, {PLACE}),
    ("DeviceInfo | join kind=rightouter DeviceFileEvents on DeviceId", set(), set()),
    ("DeviceInfo | lookup (DeviceFileEvents | project x, Indicator) on x", {ID, NAME, TIME}, set()),
    ("let A = DeviceInfo | project DeviceId; A | take 1", {ID}, {NAME, TIME, PLACE}),
    ("let A = materialize(DeviceInfo | distinct x); A", set(), {ID, NAME, TIME, PLACE}),
    ("let f = (T:(x:string)) { T | project x }; f(DeviceInfo)", set(), set()),
    ("DeviceInfo | extend Indicator = _Urls | mv-expand Indicator to typeof(string)", {ID, NAME, TIME, PLACE}, set()),
    ("DeviceInfo | parse x with DeviceName ':' rest", {ID, TIME}, {PLACE}),
    ("DeviceInfo | evaluate bag_unpack(x)", {ID, NAME, TIME}, set()),
    ("DeviceInfo | evaluate pivot(x)", set(), set()),
    ("DeviceInfo | mv-apply x on (where x > 1)", set(), set()),
    ("EmailUrlInfo | where Url in (_Urls)", {TIME}, {ID, NAME, "Indicator"}),
    ("EntraIdSignInEvents", {NAME, TIME}, {ID, "Indicator"}),
    ("IdentityLogonEvents", {NAME, TIME}, {ID, "Indicator"}),
    ("EmailEvents | join kind=inner (DeviceFileEvents) on $left.A == $right.SHA256", {ID, NAME, TIME}, {"Indicator"}),
    ("SigninLogs | where IPAddress in (_IpAddresses)", set(), set()),
    ("Custom_CL | where Url in (_Urls)", set(), set()),
    ("print DeviceId = 1", set(), set()),
]  # fmt: skip


@pytest.mark.parametrize(("query", "carries", "lacks"), READ, ids=[query for query, _, _ in READ])
def test_columns_are_read_where_the_text_is_certain(query: str, carries: set[str], lacks: set[str]) -> None:
    """What a row stands for several devices, or is computed, is unclear, and is neither there nor missing."""
    reading = read_query(query, scoped=False)

    assert (carries, lacks) == (reading.carries, reading.lacks)


@pytest.mark.node
@pytest.mark.parametrize("query", TEXTS)
def test_what_is_certain_agrees_with_microsofts_binder(query: str, judge: Judge) -> None:
    """Wherever a query is valid, its columns include what its rows carry, and none of what they lack."""
    reading = read_query(query, scoped=True)
    verdict = judge(query)
    if reading.problems or verdict.diagnostics or verdict.columns is None:
        return
    columns = {name for name, _ in verdict.columns}

    assert reading.carries <= columns
    assert not reading.lacks & columns


@given(
    st.lists(st.sampled_from(sorted({word for text, *_ in READ for word in text.split()} | set("()|,;=*[]"))))
)
def test_no_text_is_too_odd_to_be_read(words: list[str]) -> None:
    """Whatever it is, reading it finds problems at most."""
    read_query(" ".join(words), scoped=False)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("T | sort by A asc nulls last, B", "A asc nulls last , B"),
        ("T | order by tolower(A) desc | take 5 | where x", "tolower ( A ) desc"),
        ("T | top 5 by A", "A"),
        ("T | sort by A | project A", ""),
        ("T | sort by A | summarize count() by A", ""),
        ("T | join (U | sort by A) on B", ""),
    ],
)
def test_the_order_is_that_of_the_last_operator_that_sorts(query: str, order: str) -> None:
    """It counts only as long as nothing that follows may change the order or the columns."""
    assert order == read_query(query, scoped=False).order
