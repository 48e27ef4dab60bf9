"""What each operator leaves of the columns that say whose a row is, and when it was."""

from __future__ import annotations

import pytest

from sandbox.kusto.judge import Judge
from shared.kql.read import read_query

PLACE, ID, NAME, TIME = "Indicator", "DeviceId", "DeviceName", "Timestamp"
SHORT = {"I": PLACE, "D": ID, "N": NAME, "T": TIME}
#: Aggregates, each with what it is asked for, and the column that KQL makes of it.
AGGREGATES = {
    "avg": "strlen(DeviceId)", "countif": "DeviceId == ''", "count_distinct": "DeviceId", "dcount": "DeviceId",
    "dcountif": "DeviceId, true", "make_list": "DeviceId", "make_set": "DeviceId", "makelist": "DeviceId", "makeset": "DeviceId",
    "max": "DeviceId", "min": "DeviceId", "percentile": "strlen(DeviceId), 5", "stdev": "strlen(DeviceId)", "sum": "strlen(DeviceId)",
    "sumif": "strlen(DeviceId), DeviceId == ''",
}  # fmt: skip
#: What follows `DeviceInfo`, or a whole query; what its rows carry, what they lack; the rest is unclear.
READ = [
    ("| extend DeviceId = toupper(DeviceId), DeviceName = tostring(DeviceName), Timestamp = todatetime(Timestamp)", "DNT", "I"),
    ("| extend DeviceId = tolower(DeviceId), DeviceName = DeviceName", "DNT", "I"),
    ("| extend DeviceId = tolower(DeviceName)", "NT", "I"),
    ("| extend DeviceId = tolower(DeviceId, x)", "NT", "I"),
    ("| extend DeviceId = tolower[DeviceId]", "NT", "I"),
    ("| extend A = 1, DeviceName = 'x', Indicator = hash(y)", "DTI", ""),
    ("| extend bin(Timestamp, 1d), strcat(DeviceId, DeviceName)", "", "I"),
    ("| extend DeviceId == 1, A = DeviceName", "NT", "I"),
    ("| project-away DeviceId | extend DeviceId = DeviceId", "NT", "I"),
    ("| serialize", "DNT", "I"),
    ("| serialize A = 1, DeviceId = 2", "NT", "I"),
    ("| project ['DeviceId'], DeviceName = 'x', A", "D", "TI"),
    ("| project DeviceId, strcat(DeviceId, DeviceName), Indicator", "DI", "T"),
    ("| project strcat(DeviceId, DeviceName), DeviceId", "D", "TI"),
    ("| project A = DeviceId, B = tolower(DeviceName)", "", "DNTI"),
    ("| project Indicator = 'x', DeviceId = DeviceId", "DI", "NT"),
    ("| project DeviceId, *", "", ""),
    ("| project-keep DeviceId, Timestamp", "DT", "NI"),
    ("| distinct *, DeviceId", "", ""),
    ("| distinct hint.shufflekey=x DeviceId", "D", "NTI"),
    ("| distinct hint.a=b hint.c=d DeviceId", "D", "NTI"),
    ("| project-away Device*", "T", "DNI"),
    ("| project-away *Id, x", "NT", "DI"),
    ("| project-away deviceid, DeviceI", "DNT", "I"),
    ("| project-away ['DeviceId'], ['Device'], Timestamp", "N", "DTI"),
    ("| project-rename DeviceId = Machine", "NT", "I"),
    ("| project-rename Machine = DeviceId, DeviceId = Other, When = Timestamp", "N", "TI"),
    ("| project-rename A = B, Indicator = Url, ['C'] = ['DeviceName']", "DTI", "N"),
    ("| summarize by DeviceId", "D", "NTI"),
    ("| summarize count() by DeviceId = tolower(DeviceId), DeviceName = x", "D", "TI"),
    ("| summarize count(), DeviceName = min(x), N = take_any(Timestamp)", "", "DTI"),
    ("| summarize count(), take_any(DeviceId, DeviceName) by OSPlatform", "", "TI"),
    ("| summarize any(*) by DeviceId", "D", "I"),
    ("| summarize count(*) by DeviceId", "D", "NTI"),
    ("| project DeviceId, Timestamp | summarize any(*) by OSPlatform", "", "NI"),
    ("| summarize arg_max(Timestamp, DeviceId, DeviceName) by OSPlatform", "T", "I"),
    ("| summarize arg_min(Timestamp, x) by DeviceId", "DT", "NI"),
    ("| summarize arg_max(Timestamp) by DeviceId", "DT", "NI"),
    ("| summarize arg_max(Timestamp + 1, x) by DeviceId", "D", "NI"),
    ("| summarize arg_max(x, Timestamp) by DeviceId", "D", "NI"),
    ("| summarize arg_max(x, *) by DeviceId", "D", "I"),
    ("| summarize A = arg_max(x, DeviceName) by DeviceId", "D", "TI"),
    ("| summarize Timestamp = arg_max(Timestamp, x) by DeviceId", "D", "NI"),
    ("| summarize Timestamp = min(Timestamp) by DeviceId", "DT", "NI"),
    ("| summarize Timestamp = max(Timestamp + 1d) by DeviceId", "D", "NI"),
    ("| summarize Timestamp = sum(Timestamp) by DeviceId", "D", "NI"),
    ("| summarize A = max(Timestamp) by DeviceId", "D", "NTI"),
    ("| summarize DeviceName = max(Timestamp) by DeviceId", "D", "TI"),
    ("| summarize max(Timestamp), DeviceId = dcount(DeviceName) by x", "", "NTI"),
    ("| summarize DeviceId = any(x), count() by DeviceId", "D", "NTI"),
    ("| summarize DeviceId by x", "", "NTI"),
    ("| mv-expand DeviceId", "NT", "I"),
    ("| mvexpand x, DeviceName = y to typeof(string)", "DT", "I"),
    ("| mv-expand Indicator, Timestamp limit 5", "DNI", ""),
    ("| mv-expand with_itemindex=i Indicator", "DNTI", ""),
    ("| mv-expand with_itemindex=i DeviceId, x", "NT", "I"),
    ("| mv-expand", "DNT", "I"),
    ("| mv-expand x, , y", "DNT", "I"),
    ("| mv-expand DeviceName = y to typeof(string)", "DT", "I"),
    ("| project-rename A = A", "DNT", "I"),
    ("| summarize take_any(DeviceId)", "", "NTI"),
    ("| summarize count(), , x by DeviceId", "D", "NTI"),
    ("| extend (DeviceId, a) = f(DeviceName)", "T", "I"),
    ("| mv-expand DeviceName[0], x.DeviceId", "DT", "I"),
    ("| parse-where x with * 'a' DeviceId:string ' ' Indicator", "NT", ""),
    ("| parse-kv x as (y:string)", "", ""),
    ("| invoke FileProfile(SHA1)", "DNT", ""),
    ("| evaluate", "", ""),
    ("| summarize count() by x | evaluate bag_unpack(x)", "", ""),
    ("| count | extend Indicator = 1", "I", "DNT"),
    ("| filter x | limit 1 | project-reorder x | take 1 | where x", "DNT", "I"),
    ("| order by x | sample 5 | sort by x | top 5 by x | as X", "DNT", "I"),
    ("| top-nested 3 of DeviceId by count()", "", ""),
    ("| sample-distinct 3 of DeviceId", "", ""),
    ("| getschema", "", ""),
    ("| union kind=outer (DeviceFileEvents | project DeviceId), DeviceEvents", "D", "I"),
    ("| union U", "", ""),
    ("| project DeviceId | union (DeviceFileEvents | project DeviceId)", "D", "NTI"),
    ("union (DeviceInfo | count), (DeviceEvents | count)", "", "DNTI"),
    ("union isfuzzy=true DeviceInfo, (DeviceEvents | extend Indicator = 1)", "DNT", ""),
    ("((DeviceInfo | project DeviceId)) | take 1", "D", "NTI"),
    ("((DeviceInfo | project DeviceId))", "D", "NTI"),
    ("['DeviceInfo'] | take 1", "DNT", "I"),
    ("union DeviceInfo, ", "", ""),
    ("| join (DeviceInfo | extend Indicator = 1) on kind, leftsemi", "", ""),
    ("| project x | join kind=inner materialize(DeviceInfo | count)", "", "DNTI"),
    ("U | take 1", "", ""),
    ("let U = DeviceInfo | project DeviceId; let V = U; let ['W'] = V; W", "D", "NTI"),
    ("let A = DeviceEvents; let DeviceInfo = A | count; DeviceInfo", "", "DNTI"),
    ("let U = materialize(DeviceInfo | project DeviceId); U | union U;;", "D", "NTI"),
    ("let f = () { DeviceInfo }; f()", "", ""),
    ("let n = 5; DeviceInfo | take n", "DNT", "I"),
    ("range x from 1 to 2 step 1", "", ""),
    ("| join kind=leftsemi (U) on x", "DNT", "I"),
    ("| join kind=leftanti (U) on x", "DNT", "I"),
    ("| join kind=leftantisemi (U) on x", "DNT", "I"),
    ("| join kind = anti hint.a=b (U) on x", "DNT", "I"),
    ("| join kind=fullouter (DeviceInfo) on DeviceId", "", ""),
    ("| join kind=inner hint.a=b (U) on x", "DNT", ""),
    ("| join hint.a=b kind=leftouter (DeviceInfo | extend Indicator = 1) on x", "DNT", ""),
    ("| join kind=inner (DeviceInfo | extend Indicator = 1) on x", "DNTI", ""),
    ("| join kind=inner (DeviceInfo | count) on x", "DNT", "I"),
    ("| join kind=leftouter (DeviceInfo | count) on x", "DNT", "I"),
    ("| project x | join kind=inner DeviceInfo on x", "DNT", "I"),
    ("| project x | join kind=leftouter (DeviceInfo) on x", "", "I"),
    ("| project x | join kind=inner materialize(DeviceInfo | project x, DeviceId) on x", "D", "NTI"),
    ("| project x, DeviceId | join kind=innerunique (DeviceInfo | project y, DeviceName) on x", "", "TI"),
    ("| project x, DeviceId | join kind=innerunique (DeviceInfo | project y, DeviceName) on DeviceId", "DN", "TI"),
    ("| project x, DeviceId | join (DeviceInfo | project DeviceId, DeviceName) on x", "", "TI"),
    ("| project x, DeviceId | join DeviceInfo", "", "I"),
    ("| project x | lookup (DeviceInfo) on x", "", "I"),
    ("| project x | lookup kind=inner (DeviceInfo) on x", "DNT", "I"),
]  # fmt: skip


def columns(short: str) -> set[str]:
    """Return the columns that letters stand for."""
    return {SHORT[letter] for letter in short}


@pytest.mark.parametrize(("text", "carries", "lacks"), READ, ids=[text for text, _, _ in READ])
def test_an_operator_does_to_columns_what_its_text_says(text: str, carries: str, lacks: str) -> None:
    """They stay, go, or come for certain, or it is unclear; nothing is guessed."""
    reading = read_query(f"DeviceInfo {text}" if text.startswith("|") else text, scoped=False)

    assert () == reading.problems
    assert (columns(carries), columns(lacks)) == (reading.carries, reading.lacks)


@pytest.mark.parametrize(("function", "asked"), AGGREGATES.items())
def test_an_aggregate_names_its_column_after_itself(function: str, asked: str) -> None:
    """So what it counts is in no column, unless it is given the name."""
    lost = read_query(f"DeviceInfo | summarize {function}({asked}) by DeviceName", scoped=True)
    named = read_query(f"DeviceInfo | summarize DeviceId = {function}({asked}) by DeviceName", scoped=True)

    assert ({NAME}, {ID, TIME, PLACE}) == (lost.carries, lost.lacks)
    assert ({NAME}, {TIME, PLACE}) == (named.carries, named.lacks)


@pytest.mark.node
def test_microsofts_binder_gives_those_columns_another_name(judge: Judge) -> None:
    """What an aggregate makes is beside the key, and not what it counts."""
    for function, asked in AGGREGATES.items():
        verdict = judge(f"DeviceInfo | summarize {function}({asked}) by DeviceName")

        assert [] == verdict.diagnostics
        assert [NAME] == [name for name, _ in verdict.columns or [] if name in SHORT.values()]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("T | sort by dynamic({'a': 1})", "dynamic ( { 'a' : 1 } )"),
        ("T | sort by A | filter x | limit 3 | project-reorder A | take 2 | where y", "A"),
        ("T | order by A desc nulls first , B | sort by C", "C"),
        ("T | top 5 by A | order by B asc", "B asc"),
        ("T | sort by A | extend x = 1", ""),
        ("T | sort by A | as X", ""),
        ("T | sort by A | sample 5", ""),
        ("(T | sort by A)", "A"),
        ("T", ""),
        ("let U = T | sort by A; U", ""),
        ("T | sort by x['a'].b, f(C)", "x [ 'a' ] . b , f ( C )"),
    ],
)
def test_what_rows_are_sorted_by_is_read_as_kql(query: str, order: str) -> None:
    """Of the last operator that sorts, and only while what follows keeps the order and the columns."""
    assert order == read_query(query, scoped=False).order
