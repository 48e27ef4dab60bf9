"""When a timer is due, was due last, and was due some times ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schedule import parse

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis wants them naive)


def at(text: str) -> datetime:
    """Return a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "latest"),
    [
        ("0 0 * * * *", "2026-11-24T09:00:00", "2026-11-24T09:00:00"),
        ("0 0 * * * *", "2026-11-24T08:59:59.997", "2026-11-24T08:00:00"),
        ("0 0 6 * * *", "2026-11-24T05:59:59", "2026-11-23T06:00:00"),
        ("0 0 6 * * 1-5", "2026-11-29T12:00:00", "2026-11-27T06:00:00"),
        ("30 5/20 8,20 * * *", "2026-11-24T20:26:00", "2026-11-24T20:25:30"),
        ("30 5/20 8,20 * * *", "2026-11-24T20:05:29", "2026-11-24T08:45:30"),
        ("0 0 0 29 2 *", "2104-02-28T00:00:00", "2096-02-29T00:00:00"),
        ("15 4 * * *", "2026-11-24T10:00:00", "2026-11-24T04:15:00"),
    ],
)
def test_the_latest_instant_is_the_last_that_is_not_later(schedule: str, now: str, latest: str) -> None:
    """An instant is the latest from its own second on; days and hours that are left out are gone back over."""
    assert at(latest) == parse(schedule).latest(at(now))


@pytest.mark.parametrize(
    ("schedule", "now", "third"),
    [
        ("0 * * * * *", "2026-11-24T10:03:20", "2026-11-24T10:01:00"),
        ("0 0 6 * * 1-5", "2026-11-30T12:00:00", "2026-11-26T06:00:00"),
        ("0 0 6,7 * * *", "2026-11-24T06:30:00", "2026-11-23T06:00:00"),
    ],
)
def test_three_instants_back_are_counted_and_not_averaged(schedule: str, now: str, third: str) -> None:
    """On a Monday, the third instant back of a schedule for working days is the Thursday's."""
    assert at(third) == parse(schedule).before(at(now), 3)


def test_three_instants_ahead_are_counted() -> None:
    """From a Friday's look on, the third next one is the Wednesday's."""
    assert at("2026-12-02T06:00:00") == parse("0 0 6 * * 1-5").ahead(at("2026-11-27T06:00:00.004"), 3)


@given(
    MOMENTS, st.sampled_from(["*/7 * * * * *", "0 */25 * * * *", "30 10 3-9/2 * 3,11 1-5", "0 0 0 31 * *"])
)
def test_nothing_lies_between_the_latest_and_the_next(now: datetime, text: str) -> None:
    """The next instant after the latest is the next after now, and going back from it leads to the latest again."""
    schedule = parse(text)
    latest, following = schedule.latest(now), schedule.next(now)

    assert latest <= now < following
    assert following == schedule.next(latest)
    assert latest == schedule.latest(following - timedelta(microseconds=1))
    assert latest == schedule.before(following, 2)


def test_a_day_that_comes_every_forty_years_is_found() -> None:
    """29 February on a Sunday: every 28 years, and the century in between makes it forty."""
    schedule = parse("0 0 0 29 2 Sun")

    assert at("2128-02-29T00:00:00") == schedule.next(at("2088-02-29T00:00:00"))
    assert at("2088-02-29T00:00:00") == schedule.latest(at("2128-02-28T00:00:00"))
