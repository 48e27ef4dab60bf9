"""The time that a hunt looks at, from an incident's activity and the hunt's own limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.enrichment.windows import window_of
from shared.model.hunt import DEVICE_CARD, Hunt

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
LONG_AGO, LAST_DAY = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def hunt(name: str = "a-hunt", **limits: timedelta) -> Hunt:
    """Return a hunt with these limits, or those of a hunt that names none: a day, a day, seven days."""
    return Hunt(name=name, title="A hunt", id="1", version="1", query="A", **limits)


def window(
    first: timedelta | None, last: timedelta | None, asked: timedelta | None = None, of: Hunt | None = None
) -> tuple[timedelta, timedelta, str]:
    """Return how long before NOW the window begins and ends, and its cut, for activity so long before NOW."""
    found = window_of(
        of or hunt(),
        asked,
        None if first is None else NOW - first,
        None if last is None else NOW - last,
        NOW,
    )
    return NOW - found.start, NOW - found.end, found.cut


def test_a_window_reaches_from_before_the_first_to_after_the_last_activity() -> None:
    """By the hunt's lookback and lookahead."""
    ours = hunt(lookback=2 * HOUR, lookahead=3 * HOUR)

    assert (12 * HOUR, 5 * HOUR, "") == window(10 * HOUR, 8 * HOUR, of=ours)


@pytest.mark.fault("C", before="it ended a day from now")
@pytest.mark.parametrize("last", [timedelta(0), HOUR, 23 * HOUR])
def test_no_window_ends_in_the_future(last: timedelta) -> None:
    """What has not happened yet cannot be looked at, whatever the lookahead."""
    assert timedelta(0) == window(2 * DAY, last)[1]


@pytest.mark.fault("A13", before="OverflowError: date value out of range")
@pytest.mark.parametrize(
    ("first", "length"),
    [(None, DAY), (2 * DAY, 3 * DAY), (NOW - LONG_AGO, 7 * DAY), (-5 * HOUR, DAY), (NOW - LAST_DAY, DAY)],
)
@pytest.mark.parametrize("last", [-HOUR, NOW - LAST_DAY])
def test_an_activity_yet_to_come_ends_the_window_now(
    first: timedelta | None, length: timedelta, last: timedelta
) -> None:
    """A first one counts as now; with the caller's own lookback, the window is still at most 30 days."""
    start, end, _ = window(first, last)
    asked = window(first, last, asked=HOUR)

    assert (length, timedelta(0)) == (start, end)
    assert timedelta(0) == asked[1] < asked[0] <= 30 * DAY


@pytest.mark.parametrize(
    ("last", "over"),
    [(HOUR, 25 * HOUR), (DAY, 2 * HOUR), (26 * HOUR - SECOND, SECOND), (26 * HOUR, None), (None, 2 * HOUR)],
)
def test_a_window_is_over_two_hours_after_it_was_to_end(
    last: timedelta | None, over: timedelta | None
) -> None:
    """What a device reports may arrive as late as that; a window that is over from the start says nothing."""
    found = window_of(hunt(), None, NOW - 3 * DAY, None if last is None else NOW - last, NOW)

    assert (None if over is None else NOW + over) == found.over


def test_without_activity_a_window_ends_now() -> None:
    """It is as long as the lookback."""
    assert (DAY, timedelta(0), "") == window(None, None)
    assert (3 * DAY, timedelta(0), "") == window(3 * DAY - DAY, None)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (6 * DAY, (7 * DAY, timedelta(0), "")),
        (8 * DAY, (7 * DAY, timedelta(0), "the last 7 days of 9 days")),
    ],
)
def test_of_a_long_window_the_most_recent_part_is_kept(
    first: timedelta, expected: tuple[timedelta, timedelta, str]
) -> None:
    """And it is said which; a window of just the length is whole."""
    assert expected == window(first, HOUR)


def test_a_cut_is_told_in_hours_below_two_days() -> None:
    """A short window would otherwise be one of 1 or 0 days."""
    short = hunt(lookback=HOUR, lookahead=HOUR, max_window=6 * HOUR)

    assert (6 * HOUR, timedelta(0), "the last 6 hours of 47 hours") == window(46 * HOUR, HOUR, of=short)
    assert "the last 6 hours of 2 days" == window(47 * HOUR, HOUR, of=short)[2]


def test_the_callers_lookback_replaces_the_hunts_and_is_not_cut() -> None:
    """Even where it is longer than the hunt's longest window."""
    assert (20 * DAY + 2 * HOUR, timedelta(0), "") == window(2 * HOUR, HOUR, asked=20 * DAY)
    assert (3 * HOUR, timedelta(0), "") == window(2 * HOUR, HOUR, asked=HOUR)


def test_no_window_starts_before_what_graph_keeps() -> None:
    """30 days; the comment says so."""
    assert (30 * DAY, timedelta(0), "Graph keeps 30 days") == window(29 * DAY, HOUR, asked=2 * DAY)
    assert (30 * DAY, timedelta(0), "") == window(29 * DAY, HOUR, asked=DAY)


def test_both_cuts_are_told() -> None:
    """First the hunt's own, then Graph's."""
    long = hunt(max_window=timedelta(days=31), lookback=10 * DAY)

    assert (30 * DAY, timedelta(0), "the last 31 days of 39 days; Graph keeps 30 days") == (
        window(29 * DAY, HOUR, of=long)
    )


def test_an_incident_older_than_what_graph_keeps_has_no_window() -> None:
    """The window ends before it starts."""
    start, end, _ = window(40 * DAY, 32 * DAY)

    assert (30 * DAY, 31 * DAY) == (start, end)


def test_the_device_card_looks_at_its_own_time_and_tells_no_cut() -> None:
    """The caller's lookback is not for it: who was silent is seen over 30 days."""
    card = hunt(DEVICE_CARD, lookback=30 * DAY, max_window=30 * DAY)

    assert (30 * DAY, timedelta(0), "") == window(5 * DAY, HOUR, asked=HOUR, of=card)
    assert (30 * DAY, timedelta(0), "") == window(5 * DAY, HOUR, of=card)
