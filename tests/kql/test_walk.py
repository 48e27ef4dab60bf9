"""What an author reads of a query that is no hunt's, or could read more than its scope: each problem, and where."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from shared.kql.read import read_query
from shared.kql.write import device_query, indicator_query
from shared.model.entity import Device, Indicator
from shared.model.hunt import AppliesTo

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
NO_DEVICE = "has no DeviceId: leave it out, or write a hunt with entity: indicator"
A_TABLE = "is a table: put it in brackets, as in in (…)"
ALONE = "are about no device, would be found: join it to a table of devices, kind=inner or leftouter, write it in in (…), or write a hunt with entity: indicator"
NO_TABLE = "is neither declared by the query nor a table that a device hunt may read: leave it out"
NO_FUNCTION = "is neither declared by the query nor a function that reads nothing else"
WHICH = "cannot tell which table this reads: name one that a device hunt may read"
VALUES = "write nothing but values in dynamic(…)"
UNION = "cannot read this union: name each table, or write Device*"
PLUGINS = (
    "evaluate may read other tables; possible here: autocluster, bag_unpack, basket, dcount_intersect, diffpatterns, ipv4_lookup, ipv6_lookup, "
    "narrow, pivot, rolling_percentile, rows_near, sequence_detect, session_count, sliding_window_counts"
)

#: Wrong in every hunt.
ALWAYS = [
    ("", "1 the query is empty"),
    (" ; ;", "1 the query is empty"),
    (" .show tables", "2 a control command is not possible in a hunt"),
    ("DeviceInfo; Foo; let", "1 only let statements may come before the query's one expression"),
    ("let a = 1; DeviceInfo; let b = 2; c", "12 only let statements may come before the query's one expression"),
    ("let x = 1; let y = 2", "12 end with an expression, not with let"),
    ("let f = () { let x = 1; }; DeviceInfo", "14 end with an expression, not with let"),
    ("set notruncation", "1 a set statement is not possible here"),
    ("let a = 1; alias database d", "12 a alias statement is not possible here"),
    ("declare query_parameters(a:string)", "1 a declare statement is not possible here"),
    ("restrict access to (DeviceInfo)", "1 a restrict statement is not possible here"),
    ("let x; DeviceInfo", "1 cannot read this let statement"),
    ("let y = ; DeviceInfo", "1 cannot read this let statement"),
    ("let x 1 2; DeviceInfo", "1 cannot read this let statement"),
    ("let a = 1; let 5 = 1; DeviceInfo", "12 cannot read this let statement"),
    ("let now = () { 1 }; DeviceInfo", "5 now is a function of KQL's own; choose another name"),
    ("let f = (5) { 1 }; DeviceInfo", "9 cannot read these parameters"),
    ("let f = (a:string, , _Urls:string) { a }; DeviceInfo", "9 cannot read these parameters", "22 _Urls is declared in front of the query; choose another name"),
    ("| take 1", "1 nothing stands before the |"),
    ("DeviceInfo | where x in (1, | take 2)", "29 nothing stands before the |"),
    ("DeviceInfo | where x |", "1 nothing stands after the |"),
    ("let a = 1; DeviceInfo | | take 2", "12 nothing stands after the |"),
    ("DeviceInfo | mv-apply x on (take 1 | )", "14 nothing stands after the |"),
    ("DeviceInfo | take 1 | render timechart | take 1", "23 remove render: a hunt returns rows"),
]  # fmt: skip

#: What could escape the scope of a device hunt.
SCOPED = [
    ("set", f"1 set {NO_TABLE}"),
    ("let x = view; DeviceInfo", f"9 view {NO_TABLE}"),
    ("let x = Foo | take 1; DeviceInfo", f"9 Foo {NO_TABLE}"),
    ("let f = (g:string) { g(1) }; DeviceInfo", f"23 g() {NO_FUNCTION}"),
    ("let f = 1; DeviceInfo | where f(2)", f"32 f() {NO_FUNCTION}"),
    ("let x = 1 + 2 | take 1; DeviceInfo", f"9 {WHICH}"),
    ("print (toscalar(Foo))", f"17 Foo {NO_TABLE}"),
    ("print SigninLogs, CloudStorageAggregatedEvents", f"7 SigninLogs {A_TABLE}", f"19 CloudStorageAggregatedEvents {NO_DEVICE}", f"7 rows of SigninLogs alone, which {ALONE}"),
    ("range CloudStorageAggregatedEvents from 1 to 2 step 1", f"7 CloudStorageAggregatedEvents {NO_DEVICE}"),
    ("let x = 1 + toscalar(Foo); DeviceInfo", f"22 Foo {NO_TABLE}"),
    ("let x = (1) == toscalar(Foo); DeviceInfo", f"25 Foo {NO_TABLE}"),
    ("let x = DeviceInfo DeviceFileEvents; DeviceInfo", f"9 {WHICH}"),
    ("let x = DeviceInfo 'a'; DeviceInfo", f"9 {WHICH}"),
    ("let x = Foo + toscalar(Bar); DeviceInfo", f"24 Bar {NO_TABLE}"),
    ("let x = DeviceInfo has toscalar(Bar); DeviceInfo", f"33 Bar {NO_TABLE}"),
    ("let x = dynamic({}); let y = x.a; let z = y.b[toscalar(Foo)]; DeviceInfo", f"56 Foo {NO_TABLE}"),
    ("let f = () { }; let g = () { ; }; DeviceInfo", ""),
    ("DeviceInfo | join (1 + 2) on x", f"20 {WHICH}"),
    ("union f(DeviceInfo)", f"7 {WHICH}"),
    ("union ['f'](DeviceInfo)", f"7 f {NO_TABLE}", f"1 {UNION}"),
    ("DeviceInfo | join materialize(DeviceInfo) on DeviceId", ""),
    ("DeviceInfo | join", "14 no table follows", "14 cannot read this join"),
    ("DeviceInfo | take 1 | lookup kind=inner (DeviceInfo)", "23 cannot read this lookup"),
    ("DeviceInfo | join (DeviceInfo) (x)", "14 cannot read this join"),
    ("DeviceInfo | join (DeviceInfo) by x", "14 cannot read this join"),
    ("DeviceInfo | join (DeviceInfo) on toscalar(Foo)", f"44 Foo {NO_TABLE}"),
    ("union DeviceInfo, ", "1 no table follows"),
    ("DeviceInfo | union", ""),
    ("DeviceInfo | union hint.a=b, DeviceInfo", "14 no table follows"),
    ("DeviceInfo | mv-apply", "14 cannot read this mv-apply"),
    ("DeviceInfo | mv-apply (take 1)", "14 cannot read this mv-apply"),
    ("DeviceInfo | mv-apply x (take 1)", "14 cannot read this mv-apply"),
    ("DeviceInfo | mv-apply x on take 1", "14 cannot read this mv-apply"),
    ("DeviceInfo | mv-apply on (take 1)", ""),
    ("DeviceInfo | mv-apply x on ()", ""),
    ("DeviceInfo | mvapply x on (take 1 | union Foo)", f"43 Foo {NO_TABLE}"),
    ("DeviceInfo | 5", "14 the operator ? is not possible in a device hunt: leave it out"),
    ("DeviceInfo | consume x", "14 the operator consume is not possible in a device hunt: leave it out"),
    ("DeviceInfo | as T", "14 the operator as is not possible in a device hunt: leave it out"),
    ("DeviceInfo | evaluate python()", f"14 {PLUGINS}"),
    ("DeviceInfo | evaluate narrow", f"14 {PLUGINS}"),
    ("DeviceInfo | evaluate narrow() x", f"14 {PLUGINS}"),
    ("let f = () { 1 }; DeviceInfo | invoke g()", "32 invoke may read other tables; possible here: FileProfile, SeenBy, f"),
    ("let f = (a:string) { 1 }; DeviceInfo | invoke f(Foo)", ""),
    ("DeviceInfo | invoke FileProfile(SHA1, 1000)", ""),
    ("DeviceInfo | where x == {1}", "25 cannot read what stands in these braces"),
    ("DeviceInfo | where Stored(Foo) and (x)", f"26 Stored() {NO_FUNCTION}"),
    ("DeviceInfo | where x[Stored(1)]", f"28 Stored() {NO_FUNCTION}"),
    ("DeviceInfo | where tolower(EmailEvents) == toscalar(y=Foo)", f"28 EmailEvents {A_TABLE}", f"55 Foo {NO_TABLE}"),
    ("DeviceInfo | where x in (SigninLogs, y=Foo, z=)", f"40 Foo {NO_TABLE}"),
    ('DeviceInfo | where x == "SigninLogs"', ""),
    ("DeviceInfo | where x in (DeviceFileEvents | union DeviceEvents, Foo*)", f"45 {UNION}"),
    ("DeviceInfo | where x in (DeviceInfo | project a, b, c, d, | take 1)", ""),
    ("DeviceInfo | where x in (DeviceInfo | take 1 | project a, b)", ""),
    ("DeviceInfo | where x in (DeviceInfo | project a, b, c | take 1, Foo)", f"65 Foo {NO_TABLE}"),
    ("DeviceInfo | where x in (DeviceInfo | distinct, Foo)", f"49 Foo {NO_TABLE}"),
    ("DeviceInfo | where x in (Foo, DeviceInfo | project a, Bar)", f"26 Foo {NO_TABLE}"),
    ("DeviceInfo | extend a = dynamic([-1, +2, .5, true, false, null, {'a': [@'b', int(1)]}])", ""),
    ("DeviceInfo | extend a = dynamic([1, [b]]), c = dynamic({'d': (2 * 3)})", f"38 {VALUES}", f"65 {VALUES}"),
    ("DeviceInfo | extend a = dynamic(string), b = dynamic(1; 2)", f"33 {VALUES}", f"55 {VALUES}"),
    ("datatable (a:string) [toscalar(Foo)]", f"32 Foo {NO_TABLE}"),
    ("DeviceInfo | mv-expand a to typeof((b:string, c:long))", ""),
    ("DeviceInfo | mv-expand a to typeof((b:string, c | long))", "49 write nothing but values in typeof(…)"),
    ("DeviceInfo | where ['and'](1) == ['has'](2)", f"27 and() {NO_FUNCTION}", f"41 has() {NO_FUNCTION}"),
    ("DeviceInfo | where ['tolower'](x) == 'a'", ""),
    ("DeviceInfo | where x ['in'] (Foo)", f"29 in() {NO_FUNCTION}"),
]  # fmt: skip


def told(query: str, *, scoped: bool) -> list[str]:
    """Return the problems of a query of one line, each after its column."""
    return [f"{one.column} {one.text}" for one in read_query(query, scoped=scoped).problems if one.line == 1]


@pytest.mark.parametrize(("query", "problems"), [(query, problems) for query, *problems in ALWAYS])
def test_what_no_hunt_can_be_is_refused_wherever_it_stands(query: str, problems: list[str]) -> None:
    """A device hunt and an indicator hunt are told the same."""
    assert problems == told(query, scoped=False)
    assert problems == told(query, scoped=True)


@pytest.mark.parametrize(("query", "problems"), [(query, problems) for query, *problems in SCOPED])
def test_what_could_escape_a_scope_is_refused_where_there_is_one(query: str, problems: list[str]) -> None:
    """A device hunt is told each part that it must change, and an indicator hunt may have them all."""
    assert [text for text in problems if text] == told(query, scoped=True)
    assert [] == told(query, scoped=False)


def test_every_name_declared_in_front_of_a_query_is_refused_in_it() -> None:
    """Those that are written there are found in written queries: nobody can redeclare one, in any way."""
    times = "DeviceInfo | where Timestamp between (ago(1d) .. now())"
    kinds = "T | where I in (_IpAddresses) or I in (_Urls) or I in (_Domains) or I in (_FileHashes)"
    written = [
        device_query(
            times, [Device("a" * 40)], take=5, end=END, applies_to=AppliesTo(os_platform=("Linux",))
        ),
        indicator_query(kinds, [Indicator("ip", "192.0.2.1")], take=5, end=END),
    ]
    names = {name for text in written for name in re.findall(r"^let (\w+) =", text, re.MULTILINE)}

    assert {"DeviceInfo", "_DeviceIds", "_DeviceKinds", "_Domains", "_FileHashes", "_IpAddresses", "_NotApplicable", "_Urls"} == names  # fmt: skip
    for name in {*names, "_HuntOfMine", "_Rows"}:
        problem = f"{name} is declared in front of the query; choose another name"
        anywhere = [] if name == "DeviceInfo" else [f"5 {problem}"]

        assert [f"5 {problem}"] == told(f"let {name} = 1; DeviceEvents", scoped=True)
        assert anywhere == told(f"let {name} = 1; T", scoped=False)
        assert anywhere == told(f"T | as hint.materialized=true {name}", scoped=False)
    assert [] == told("T | as", scoped=False) + told("T | as 'x'", scoped=False)
