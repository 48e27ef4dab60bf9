"""
When a timer trigger is due: NCRONTAB and TimeSpan, in UTC, as the Functions host reads them.

`second minute hour day month day-of-week` ("Timer trigger for Azure Functions", Microsoft Learn). Unlike in
cron, a day must match both of its fields, and there is no `L`, `W`, `#` or 7 for Sunday. Libraries for cron
differ in both, so this reads the format itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from itertools import product

import msgspec

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_TERM = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d\d?):([0-5]\d):([0-5]\d)(?:\.\d+)?")
_LEAP_CYCLE = 8 * 366  # days: 29 February may be eight years away


class Schedule(msgspec.Struct, frozen=True):
    """A timer's schedule: the values that each NCRONTAB field allows, or an interval in seconds."""

    fields: tuple[tuple[int, ...], ...] = ()
    interval: float = 0

    def next(self, after: datetime) -> datetime:
        """
        Return the first time later than *after* when the timer is due, in UTC; for NCRONTAB in whole seconds.

        Raises ValueError if there is none, as for 30 February.
        """
        if not self.fields:
            return after + timedelta(seconds=self.interval)
        seconds, minutes, hours, days, months, weekdays = self.fields
        start = after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for ahead in range(_LEAP_CYCLE + 1):
            date = start.date() + timedelta(days=ahead)
            if date.month in months and date.day in days and date.isoweekday() % 7 in weekdays:
                earliest = start.time() if ahead == 0 else time.min
                later = (h for h in hours if h >= earliest.hour)
                times = (time(h, m, s) for h, m, s in product(later, minutes, seconds))
                for moment in times:
                    if moment >= earliest:
                        return datetime.combine(date, moment, UTC)
        raise ValueError("this schedule never occurs")


def parse(text: str) -> Schedule:
    """
    Read an NCRONTAB expression of six fields (five: at second 0) or a TimeSpan `[d.]hh:mm:ss`.

    Raises ValueError, naming the field that cannot be read.
    """
    if ":" in text:
        interval = timespan(text)
        if interval <= 0:
            raise ValueError(f"{text!r} is no interval")
        return Schedule(interval=interval)
    parts = text.split()
    if len(parts) == len(_FIELDS) - 1:
        parts.insert(0, "0")
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{text!r} has {len(parts)} fields, not 6")
    return Schedule(fields=tuple(_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)))


def timespan(text: str) -> float:
    """
    Read a .NET TimeSpan, `[d.]hh:mm:ss`, as seconds; fractions of a second are dropped.

    Raises ValueError if *text* is not one, or has 24 hours or more, since .NET takes `24:00:00` for 24 days.
    """
    found = _TIMESPAN.fullmatch(text)
    if found is None or int(found[2]) > 23:
        raise ValueError(f"{text!r} is not [d.]hh:mm:ss with hours below 24")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _field(text: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> tuple[int, ...]:
    def value(part: str) -> int:
        word = part.lower()[:3]
        number = lowest + names.index(word) if word in names else int(part)
        if not lowest <= number <= highest:
            raise ValueError(part)
        return number

    allowed: set[int] = set()
    for term in text.split(","):
        found = _TERM.fullmatch(term)
        try:
            if found is None:
                raise ValueError(term)
            first, last, step = found.groups()
            start = value(first) if first else lowest
            # `5/15` runs to the end of the field; a range that is written backwards is reversed.
            end = value(last) if last else start if first and not step else highest
            start, end = sorted((start, end))
            allowed.update(range(start, end + 1, int(step or 1)))
        except ValueError:
            raise ValueError(f"{term!r} is no {name} ({lowest}-{highest})") from None
    return tuple(sorted(allowed))
