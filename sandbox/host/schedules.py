"""
When a timer trigger is due: NCRONTAB, as the app reads it (`shared.schedule`), or a TimeSpan, which some plans take.

host.json has TimeSpans, too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from shared import schedule

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d\d?):([0-5]\d):([0-5]\d(?:\.\d{1,7})?)")


class Schedule(Protocol):
    """When a timer is due."""

    def next(self, after: datetime) -> datetime:
        """Return the first time later than *after* when the timer is due."""


class Interval(msgspec.Struct, frozen=True):
    """A timer's schedule of one interval, in seconds."""

    seconds: float

    def next(self, after: datetime) -> datetime:
        """Return the time that is one interval later than *after*."""
        return after + timedelta(seconds=self.seconds)


def parse(text: str) -> Schedule:
    """
    Read an NCRONTAB expression or a TimeSpan `[d.]hh:mm:ss`.

    Raises ValueError, naming the field that cannot be read; also if it never occurs.
    """
    if ":" not in text:
        return schedule.parse(text)
    interval = timespan(text)
    if interval <= 0:
        raise ValueError(f"{text!r} is no interval")
    return Interval(interval)


def timespan(text: str) -> float:
    """
    Read a .NET TimeSpan, `[d.]hh:mm:ss[.fffffff]`, as seconds.

    Raises ValueError if *text* is not one, or has 24 hours or more, since .NET takes `24:00:00` for 24 days.
    """
    found = _TIMESPAN.fullmatch(text)
    if found is None or int(found[2]) > 23:
        raise ValueError(f"{text!r} is not [d.]hh:mm:ss with hours below 24")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
