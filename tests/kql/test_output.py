"""Which columns a query returns, as far as its text tells for certain."""

from __future__ import annotations

import pytest

from sandbox.kusto.judge import Judge
from shared.kql.output import columns_of

CERTAIN = {
    "T | summarize Connections = count(), FirstSeen = min(Timestamp) by DeviceId, P = FileName": "Connections DeviceId FirstSeen P",
    "T | summarize count() by DeviceId": "DeviceId count_",
    "T | summarize by DeviceId, FileName | order by FileName": "DeviceId FileName",
    "let A = 1; T | where FileName == ';|' | project DeviceId, ['FileName'] | take 5": "DeviceId FileName",
    "T | project DeviceId | extend B = strcat(DeviceId, 'x, y')": "B DeviceId",
    "T | distinct DeviceId | top 3 by DeviceId": "DeviceId",
    "T | project DeviceId | where 1 == 1 | filter 1 == 1 | sort by DeviceId | limit 3 | as X;": "DeviceId",
    "T | project DeviceId, FileName | summarize B = count()": "B",
    "T | join kind=inner (DeviceInfo) on DeviceId | project DeviceId": "DeviceId",
    "let A = T | project FileName; T | project DeviceId": "DeviceId",
    "T | summarize count(), A = strcat('x', 'by') by B = bin(Timestamp, 1d)": "A B count_",
    "T | project DeviceId | extend A = 1, B = 2 | extend C = now()": "A B C DeviceId",
}  # fmt: skip
UNCERTAIN = (
    "T",
    "T | where Timestamp > ago(1d)",
    "T | summarize arg_max(Timestamp, *) by DeviceId",
    "T | summarize min(Timestamp) by DeviceId",
    "T | summarize N = count() by bin(Timestamp, 1d)",
    "T | summarize hint.strategy=shuffle N = count() by DeviceId",
    "T | distinct *",
    "T | project A | join (U) on A",
    "T | project A | project-rename B = A",
    "T | project A | extend bin(A, 1)",
    "T | project 'open",
    "T | extend A = 1",
    "T | project A, ",
    "T | project A, , B",
    "T | project A, 5",
    "T | project A[]",
    "T | project A() + 1",
    "T | project A + 1",
    "T | project A == 1",
    "T | project A | extend now()",
    "T | project now()",
    "T | summarize count() by now()",
    "T | project A | ",
    "T | project A | summarize count(B)",
    "T | project A | extend min(A) | extend B = 1",
    "project A",
    "T | project A; T",
    "; ;",
    "",
)


@pytest.mark.parametrize(("query", "columns"), CERTAIN.items())
def test_columns_are_told_where_the_last_operators_name_them(query: str, columns: str) -> None:
    """Names before `=`, columns alone and calls without arguments have names for certain."""
    assert columns.split() == sorted(columns_of(query) or ())


@pytest.mark.parametrize("query", UNCERTAIN)
def test_columns_that_cannot_be_told_are_left_open(query: str) -> None:
    """Without an operator that names all columns, or with a name that KQL makes up, nothing is claimed."""
    assert None is columns_of(query)


@pytest.mark.node
def test_microsofts_parser_names_the_same_columns(judge: Judge) -> None:
    """What is told for certain is what the parser says of the same query over a table of Defender's."""
    for query in CERTAIN:
        verdict = judge(query.replace("T |", "DeviceProcessEvents |"))

        assert columns_of(query) == {name for name, _ in verdict.columns or []}, query
