"""How many steps a range has, and how far back a timespan looks, as literals say it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.kql.clock import FURTHEST, calls, reach, span_of
from shared.kql.lexer import lex, nest
from shared.kql.quantity import amount, is_time, steps

DAY = 86_400.0
KNOWN = {"n": (7.0, False), "t": (DAY, True), "end": (0.0, True)}
#: "The timespan data type" and "timespan literals", KQL reference: every spelling of every unit, in seconds.
UNITS = {
    "d day days": DAY,
    "h hr hrs hour hours": 3_600,
    "m min minute minutes": 60,
    "s sec second seconds": 1,
    "ms milli millis millisecond milliseconds": 1e-3,
    "micro micros microsecond microseconds": 1e-6,
    "tick ticks": 1e-7,
}


@pytest.mark.parametrize(
    ("unit", "seconds"), [(unit, seconds) for units, seconds in UNITS.items() for unit in units.split()]
)
def test_a_timespan_has_every_unit_of_kql(unit: str, seconds: float) -> None:
    """Whole or not, and with a blank between or without."""
    assert timedelta(seconds=30 * seconds) == span_of(f"30{unit}") == span_of(f"30 {unit}")
    assert timedelta(seconds=250.5 * seconds) == span_of(f"250.5{unit}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("time(1.02:03:04.5)", DAY + 2 * 3_600 + 3 * 60 + 4.5),
        ("timespan(2:3)", 2 * 3_600 + 3 * 60),
        ("timespan(02:03:04)", 2 * 3_600 + 3 * 60 + 4),
        ("time(9.0:0)", 9 * DAY),
        ("time('5h')", 5 * 3_600),
        ('time( "5h" )', 5 * 3_600),
        ("time(3)", 3 * DAY),
        ("time(0.5h)", 1_800),
        ("99999999d", 36_500 * DAY),
        ("36500d", 36_500 * DAY),
        ("36499d", 36_499 * DAY),
        ("5", None),
        ("5x", None),
        ("xd", None),
        ("1234567890s", None),
        ("5  d", None),
        ("long(3)", None),
        ("time(null)", None),
        ("time(1.5)", None),
        ("time(a2:3)", None),
        ("", None),
    ],
)
def test_a_timespan_is_a_literal(text: str, seconds: float | None) -> None:
    """Its forms are those of KQL; what else stands there is none, and what is longer than 100 years is that long."""
    assert (None if seconds is None else timedelta(seconds=seconds)) == span_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("1.5", 1.5),
        ("1e3", 1_000),
        ("0x1F", 31),
        ("long(12)", 12),
        ("real('2.5')", 2.5),
        ("int(0x10)", 16),
        ("1h", 3_600),
        ("time(1h)", 3_600),
        ("time(2)", 2 * DAY),
        ("timespan(0:1)", 60),
        ("timespan(2)", 2 * DAY),
        ("datetime(2026-01-02)", datetime(2026, 1, 2, tzinfo=UTC).timestamp()),
        ("date('2026-01-02')", datetime(2026, 1, 2, tzinfo=UTC).timestamp()),
        ("datetime( 2026-01-02 10:00 )", datetime(2026, 1, 2, 10, tzinfo=UTC).timestamp()),
        ("datetime(yesterday)", None),
        ("datetime(5)", None),
        ("long(x)", None),
        ("'5'", None),
        ("n", 7),
        ("['n']", 7),
        ("t", DAY),
        ("m", None),
        ("-5", -5),
        ("10 - 2 - 3", 5),
        ("2 + 3 * 4 - 10 / 4", 11.5),
        ("20 / 2 / 5", 2),
        ("(2 + 3) * (4)", 20),
        ("2 * (3 + n)", 20),
        ("2 *", 0),
        ("2 + m", None),
        ("m * 2", None),
        ("2 / 0", None),
        ("2 3", None),
        ("strlen(n)", None),
        ("[5]", None),
        ("+", 0),
        ("", None),
        ("(" * 20 + "5" + ")" * 20, 5),
        ("(" * 21 + "5" + ")" * 21, None),
        ("2 * (" * 10 + "1" + ")" * 10, 1_024),
        ("2 * (" * 11 + "1" + ")" * 11, None),
    ],
)
def test_an_amount_is_what_literals_and_names_add_up_to(text: str, expected: float | None) -> None:
    """As KQL reckons; what is no number, timespan or time has none, nor has what is nested over 20 deep."""
    assert expected == amount(nest(lex(text)), KNOWN)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now()", 0), ("ago(1d)", -DAY), ("now(1d)", DAY), ("now(-2h)", -7_200), ("ago(t)", -DAY), ("now() - t", -DAY), ("ago(1h) + 3h", 7_200)],
)  # fmt: skip
def test_the_clock_is_counted_from_now(text: str, seconds: float) -> None:
    """`ago` looks back, and `now` ahead."""
    before = datetime.now(UTC).timestamp() + seconds
    found = amount(nest(lex(text)), KNOWN)

    assert before <= (found or 0) <= datetime.now(UTC).timestamp() + seconds


def test_a_time_is_in_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """As KQL's times are."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    found = amount(nest(lex("datetime(2026-01-02)")), {})
    monkeypatch.undo()
    time.tzset()

    assert datetime(2026, 1, 2, tzinfo=UTC).timestamp() == found


def test_calls_of_the_clock_are_nested_twenty_deep() -> None:
    """What is deeper is unclear."""
    assert amount(nest(lex("ago(" * 20 + "1" + ")" * 20)), {})
    assert None is amount(nest(lex("ago(" * 21 + "1" + ")" * 21)), {})


def test_a_clock_with_what_is_no_literal_is_unclear() -> None:
    """Nobody knows how far it looks."""
    assert [None, None] == [amount(nest(lex(text)), KNOWN) for text in ("ago(m)", "now(strlen(x))")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", True), ("time(1)", True), ("5", False), ("1.5", False), ("1e3", False), ("0xd", False), ("n", False), ("t", True),
        ("m", False), ("['t']", True), ("(1d)", False), ("", False), ("1d * 2", True), ("2 * 1d", False),
    ],
)  # fmt: skip
def test_a_timespan_is_told_from_a_number(text: str, expected: bool) -> None:
    """By its first literal or name."""
    assert expected is is_time(nest(lex(text)), KNOWN)


@pytest.mark.parametrize(
    ("first", "last", "step", "expected"),
    [
        ("1", "10", "2", 4.5),
        ("10", "1", "-1", 9),
        ("10", "1", "1", 0),
        ("1", "1", "1", 0),
        ("1", "2", "0", float("inf")),
        ("datetime(2026-01-01)", "datetime(2026-01-03)", "12h", 4),
        ("x", "datetime(2026-01-03)", "1d", 30),
        ("datetime(2026-01-03)", "x", "t", 30),
        ("x", "y", "12h", 60),
        ("x", "10", "1", None),
        ("1", "x", "1", None),
        ("1", "10", "x", None),
        ("x", "y", "x", None),
    ],
)
def test_a_range_has_as_many_steps_as_fit_between_its_ends(
    first: str, last: str, step: str, expected: float | None
) -> None:
    """Times that are no literals are 30 days from each other; what else is none makes it unclear."""
    assert expected == steps(*(nest(lex(text)) for text in (first, last, step)), KNOWN)


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("T | where A > ago(7d) and ago != 1", 7),
        ("T | where A > ago(((7d)))", 30),
        ("T | where A > ago(max_of(1d, 2d)) - 2d", 32),
        ("T | where A > ago(1d) - 2d - W", 33),
        ("T | where A > ago(1d) - f(2d)", 31),
        ("T | where A > ago(1d) - f(2d) - 3d", 34),
        ("T | where A > ago(1d) - f((2d)) - 3d", 34),
        ("T | where A > ago(1d) - f() - 3d", 34),
        ("T | where A > ago(1d) - 2d and B == C * 3", 3),
        ("T | where A > ago(1d) - time(2) - x", 33),
        *((f"T | where A > now() - 2d {mark} 3", 30) for mark in "*/%"),
        ("T | where A > now() - 2d - 3d * 4", 32),
        ("T | where A > now() - 2d + 3", 2),
        ("T | where A > now() + 2d", 30),
        ("T | where A > now() -", 30),
        ("T | where A > now(2d)", 30),
        ("T | where A > now(-5d) - 1d", 6),
        ("T | where A > now(W) and B > ago(40d)", 40),
        ("T | where A > ago(3d) and B > ago(1d)", 3),
        ("T | where A > ago(1d) - 99999d - 99999d", 36_500),
        ("let W = 3d; let W2 = W; T | where A > ago(W2)", 30),
        ("let e = now(); T | where A > e - 4d and B < e", 4),
        ("let e = now(); T | where A > e - 4d - 2d and B > ago(5d)", 6),
        ("let e = now(-1d); T | where A > e - 4d", 1),
        ("let e = now(); let e = 2; T | where A > e - 4d", 30),
        ("let e = ago(); T | where A > e - 4d", 30),
        ("let W = 9d; T | extend B = A(W: 2) | where A > ago(W)", 30),
        ("let f = ago(2d)", 2),
        ("T | where A == '(' and B > ago(2d) and C == ')'", 2),
        ("T | where A > ago(tolong(')') - 2)", 30),
        ("T | where A > ago - 5d", None),
        ("T | where A > ['ago'](5d)", None),
        ("ago", None),
    ],
)  # fmt: skip
def test_a_query_reaches_as_far_back_as_it_says(query: str, days: float | None) -> None:
    """Whatever is taken away from the clock is added up, and 30 days stand for what is no literal."""
    found = reach(lex(query))

    assert (None if days is None else timedelta(days=days)) == found
    assert timedelta(days=30) == FURTHEST


def test_calls_are_found_where_a_bracket_follows_the_name() -> None:
    """Not in strings, and not where the name is a column's."""
    assert [2, 7] == calls(lex("a > ago(1d) and now () or ago or 'ago' (1) or now"))[:2]
