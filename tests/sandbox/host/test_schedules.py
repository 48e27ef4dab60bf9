"""When a timer is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host import schedules


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 */5 * * * *", "2026-11-24T10:03:20", "2026-11-24T10:05:00"),
        ("0 */5 * * * *", "2026-11-24T10:05:00", "2026-11-24T10:10:00"),
        ("*/15 * * * * *", "2026-11-24T23:59:59", "2026-11-25T00:00:00"),
        ("0 30 9 * * 1-5", "2026-11-27T09:30:00", "2026-11-30T09:30:00"),
        ("0 0 4 * * Sun", "2026-11-24T00:00:00", "2026-11-29T04:00:00"),
        ("0 0 0 13 * Friday", "2026-11-24T00:00:00", "2027-08-13T00:00:00"),
        ("0 0 0 29 February *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
        ("30 5/20 8,20 * * *", "2026-11-24T08:45:31", "2026-11-24T20:05:30"),
        ("15 4 * * *", "2026-11-24T10:00:00", "2026-11-25T04:15:00"),
        ("06:30:00", "2026-11-24T10:00:00", "2026-11-24T16:30:00"),
        ("1.00:00:00", "2026-11-24T10:00:00", "2026-11-25T10:00:00"),
    ],
)
def test_the_next_occurrence_is_the_one_azure_takes(schedule: str, after: str, due: str) -> None:
    """Schedules are CRON expressions or intervals, and are read in UTC."""
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    assert datetime.fromisoformat(due).replace(tzinfo=UTC) == schedules.parse(schedule).next(moment)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "60 * * * * *",
        "0 0 0 0 * *",
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "*/0 * * * * *",
        "0 x * * * *",
        "24:00:00",
        "00:00:00",
        "00:60:00",
    ],
)
def test_what_azure_refuses_is_no_schedule(schedule: str) -> None:
    """An expression that Azure would refuse, or read differently than it looks, is refused."""
    with pytest.raises(ValueError, match=r"\S"):
        schedules.parse(schedule)


def test_a_schedule_that_never_occurs_is_an_error() -> None:
    """The search for the next occurrence ends, here for 30 February."""
    with pytest.raises(ValueError, match="never"):
        schedules.parse("0 0 0 30 2 *").next(datetime(2026, 11, 24, tzinfo=UTC))


@given(
    second=st.integers(0, 59),
    minute=st.integers(1, 59),
    after=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis wants them naive)
)
def test_no_earlier_moment_matches_the_schedule(second: int, minute: int, after: datetime) -> None:
    """Between a moment and its next occurrence, nothing matches."""
    due = schedules.parse(f"{second} */{minute} * * * *").next(after)
    matching = [m for m in range(0, 60, minute) if (m, second) > (after.minute, after.second)]
    expected = after.replace(minute=matching[0] if matching else 0, second=second, microsecond=0)

    assert expected + timedelta(hours=not matching) == due
