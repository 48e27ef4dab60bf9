"""A hunt's clock: `ago()` and `now()` count from the end of its window, and tell how far back it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox.kusto.judge import Judge
from sandbox.telemetry.engine import Engine
from shared.kql.batch import batch_query
from shared.kql.clock import anchored
from shared.kql.read import read_query
from shared.kql.write import device_leg, device_query, fleet_leg, fleet_query, indicator_query
from shared.model.entity import Device, Indicator

END = datetime(2026, 11, 4, 12, tzinfo=UTC)
TODAY = END + timedelta(days=20)
DEVICE = Device("a" * 40)
DATE = "datetime(2026-11-04T12:00:00.000000Z)"
WEEK_AGO = "datetime(2026-10-28T12:00:00.000000Z)"
TIMED = [
    "DeviceProcessEvents | where Timestamp > ago(7d)",
    "DeviceProcessEvents | where Timestamp between (ago(7d) .. now())",
    "DeviceProcessEvents | where Timestamp > now(-7d)",
    "DeviceProcessEvents | where Timestamp > now() - 7d and Timestamp < now()",
    "let Window = 7d; let Start = ago(Window); DeviceProcessEvents | where Timestamp > Start",
    "let since = (back: timespan) { ago(back) }; DeviceProcessEvents | where Timestamp > since(7d)",
    "let now = now(); DeviceProcessEvents | where Timestamp > now - 7d",
    "let ago = 7d; DeviceProcessEvents | where Timestamp > ago(ago)",
    "DeviceProcessEvents | extend Age = now() - Timestamp | where Age < 7d",
    "DeviceProcessEvents | where Timestamp > ago // a week\n (7d)",
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with one process an hour before the window's end, and one eight days before it."""
    engine = Engine()
    rows = [
        {"Timestamp": END - age, "DeviceId": DEVICE.id} for age in (timedelta(hours=1), timedelta(days=8))
    ]
    engine.load("DeviceProcessEvents", rows)
    return engine


@pytest.mark.fault("A5", before="1 == 0 rows: ago(7d) counted from the wall clock, 20 days later")
@pytest.mark.parametrize("query", TIMED)
def test_a_query_counts_back_from_the_end_of_its_window(engine: Engine, query: str) -> None:
    """Whenever it runs, `ago(7d)` is a week before the window's end, and `now()` that end."""
    bound = device_query(query, [DEVICE], take=5, end=END)
    _, rows = engine.hunt(bound, start=END - timedelta(days=30), end=END, now=TODAY)

    assert 1 == len(rows)


@pytest.mark.node
@pytest.mark.parametrize("query", TIMED)
def test_microsofts_parser_accepts_the_hunts_own_clock(query: str, judge: Judge) -> None:
    """The declarations in front, and the calls of them, have no error or warning."""
    assert [] == judge(device_query(query, [DEVICE], take=5, end=END)).diagnostics


@pytest.mark.node
def test_nothing_accepted_still_asks_the_wall_clock(judge: Judge) -> None:
    """Once it is bound, no call of `ago` or `now` is left in a query, as Microsoft's lexer reads it."""
    accepted = Path(__file__).with_name("accepted.kql").read_text(encoding="utf-8").splitlines()
    for query in [*accepted, *TIMED]:
        tokens = [
            text for _, text in judge(device_query(query, [DEVICE], take=5, end=END), tokens=True).tokens
        ]

        assert not {("ago", "("), ("now", "(")} & set(pairwise(tokens))


def test_the_clock_is_the_same_for_devices_indicators_and_the_fleet() -> None:
    """Each call is the time that it stands for, also in what follows a sweep's query."""
    ip = [Indicator("ip", "192.0.2.1")]

    assert f"between ({WEEK_AGO} .. {DATE})" in device_query(TIMED[1], [DEVICE], take=5, end=END)
    assert f"Timestamp < {DATE}\n" in indicator_query(
        "T | where I in (_IpAddresses) and Timestamp < now()", ip, take=5, end=END
    )
    assert [
        "DeviceInfo",
        f"| where Timestamp > {WEEK_AGO}",
    ] == fleet_query("DeviceInfo", end=END, summarize="| where Timestamp > ago(7d)").splitlines()


@pytest.mark.node
@pytest.mark.parametrize(
    "value",
    ["now()", "now(-7d)", "now(1d)", "ago(7d)", "ago(Week)", "datetime_add('day', 1, now())", "Since"],
)
def test_a_call_may_stand_where_only_a_constant_may(value: str, judge: Judge) -> None:
    """As in the query's own text, so in what is sent, alone and beside others."""
    query = f"let Week = 7d; let Since = ago(Week);\nDeviceInfo | sort by Timestamp asc | extend Last = prev(Timestamp, 1, {value})"
    legs = {"one": device_leg(query, [DEVICE], take=5, end=END), "two": fleet_leg(query, end=TODAY)}

    assert [] == judge(query).diagnostics
    assert [] == judge(legs["one"].query).diagnostics + judge(batch_query(legs)).diagnostics


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("T | where A > ago (7d) and B < now()", f"T | where A > {WEEK_AGO} and B < {DATE}"),
        ("T | where A > ago(// a week\n7d\n) or B", f"T | where A > {WEEK_AGO}\n\n or B"),
        ("let W = 7d; T | where A > now(-W)", f"let W = 7d; T | where A > {WEEK_AGO}"),
        ("let W = 8d - 1d; T | where A > ago(W)", f"let W = 8d - 1d; T | where A > ({DATE} - (W))"),
        ("T | where A > now(3 * -7d)", f"T | where A > ({DATE} + (3 * -7d))"),
        ("T | where A > ago\n(B - ago(7d))", f"T | where A > ({DATE} - \n(B - {WEEK_AGO}))"),
        ("T | where A > ago(1tick)", f"T | where A > ({DATE} - (1tick))"),
        ('T | where A == "ago(1d)" // now()', 'T | where A == "ago(1d)" // now()'),
        ("T | where A == @'now()' or B == ```ago(1d)```", "T | where A == @'now()' or B == ```ago(1d)```"),
        ("T | project ago, now | where ago > 1", "T | project ago, now | where ago > 1"),
        ("T | where my_ago(1d) > Ago(1d)", "T | where my_ago(1d) > Ago(1d)"),
    ],
)
def test_nothing_but_the_calls_themselves_is_changed(query: str, expected: str) -> None:
    """Strings, comments, columns and other functions stay as they are."""
    assert expected == anchored(query, END)


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("T", None),
        ('T | where A == "ago(1d)" // now()', None),
        ("T | where ago > 1", None),
        ("T | where A > ago(7d) and B > ago(1h)", 7),
        ("T | where A > ago(1.5h)", 1.5 / 24),
        ("T | where A > ago(30m)", 0.5 / 24),
        ("T | where A > ago(90s)", 90 / 86_400),
        ("T | where A > ago(500ms)", 0.5 / 86_400),
        ("T | where A > ago(864000000000ticks)", 30),
        ("T | where A > ago(36000000ticks)", 3.6 / 86_400),
        ("T | where A > ago(timespan(7d))", 7),
        ("T | where A > ago(time(1.12:00:00))", 1.5),
        ("T | where A > ago(time(2))", 2),
        ("T | where A > ago(90d)", 90),
        ("let W = 3d; T | where A > ago(W)", 3),
        ("let W = timespan(3d); let S = ago(W); T | where A > S", 3),
        ("let W = 3d; let f = (W: timespan) { T | where A > ago(W) }; f(9d)", 30),
        ("let W = 3d; T | extend W = 9d | where A > ago(W)", 30),
        ("let W = totimespan('3d'); T | where A > ago(W)", 30),
        ("T | where A > ago(2 * 1d)", 30),
        ("T | where A > ago(1d) - 2d", 3),
        ("T | where A > now(-2d)", 2),
        ("let W = 2d; T | where A > now(-W)", 2),
        ("T | where A > now() - 2d", 2),
        ("T | where A > now() - 2d - 12h", 2.5),
        ("T | where A > now() - 2d * 3", 30),
        ("T | where A between (ago(5d) .. now())", 5),
        ("let e = now(); let s = e - 4d; T | where A between (s .. e)", 4),
        ("T | where A < now()", 30),
        ("T | where A < now(1h)", 30),
        ("T | where A > ago(0d)", 30),
        ("T | where A > ago(99999999d)", 36_500),
    ],
)
def test_a_query_looks_back_as_far_as_its_longest_timespan(query: str, days: float | None) -> None:
    """A timespan is a literal, or a `let` that is one; whatever else it may be counts as 30 days."""
    reach = read_query(query, scoped=False).reach

    assert days == (reach and reach / timedelta(days=1))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("DeviceInfo\n| as _RowsOfMine", "line 2, column 3: _RowsOfMine is declared in front"),
        ("let _HuntX = 1; DeviceInfo", "column 5: _HuntX is declared in front"),
        ("let f = (_Rows: string) { _Rows }; DeviceInfo", "column 10: _Rows is declared in front"),
        ("let f = () { let _Names = 1; _Names }; DeviceInfo", "_Names is declared in front"),
        (
            "let ago = (t: timespan) { datetime(2026-01-01) - t }; DeviceInfo",
            "ago is a function of KQL's own",
        ),
        ("DeviceInfo | where Timestamp > ['ago'](1d)", "column 33: write the function's name without"),
        (r"DeviceInfo | where Timestamp > ['\x61go'](1d)", "write the function's name without"),
    ],
)
def test_what_would_stand_in_the_clocks_way_is_refused(query: str, problem: str) -> None:
    """Its author reads which name, and where."""
    found = "; ".join(map(str, read_query(query, scoped=False).problems))

    assert problem in found
