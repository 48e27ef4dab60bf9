"""
When a timer is due: NCRONTAB, in UTC, as the Functions host reads it.

`second minute hour day month day-of-week` ("Timer trigger for Azure Functions", Microsoft Learn), or five fields,
without the seconds. A field is `*`, a number, a name or a range of them, with a step or without, or a list of these.
Unlike in cron, a day must match both of its fields, and there is no `L`, `W`, `#` or 7 for Sunday. Libraries for
cron differ in both, so this reads the format itself.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(?:\*|([0-9]+|[a-z]+)(?:-([0-9]+|[a-z]+))?)(?:/([0-9]+))?")
#: Days. 29 February may be eight years away, and one on a certain day of the week forty.
_CYCLE = 40 * 366
_SECOND = timedelta(seconds=1)


class Schedule(Struct, frozen=True):
    """The instants at which a timer is due, all of whole seconds: the values that each NCRONTAB field allows."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def next(self, after: datetime) -> datetime:
        """Return the first instant later than *after*, in UTC. Raises ValueError if there is none in 40 years."""
        return self.ahead(after, 1)

    def latest(self, now: datetime) -> datetime:
        """Return the last instant that is not after *now*, in UTC. Raises ValueError if there is none in 40 years."""
        return self.before(now, 1)

    def before(self, now: datetime, count: int) -> datetime:
        """
        Return the instant that is *count* instants back from *now*, of which `latest` is the first, in UTC.

        Raises ValueError if there is none in 40 years.
        """
        earlier = self._earlier(now.astimezone(UTC).replace(microsecond=0))
        for _ in range(count - 1):
            next(earlier)
        return next(earlier)

    def ahead(self, now: datetime, count: int) -> datetime:
        """
        Return the instant that is *count* instants ahead of *now*, of which `next` is the first, in UTC.

        Raises ValueError if there is none in 40 years.
        """
        later = self._later(now.astimezone(UTC).replace(microsecond=0) + _SECOND)
        for _ in range(count - 1):
            next(later)
        return next(later)

    def _later(self, start: datetime) -> Iterator[datetime]:
        """Yield the instants from *start* on."""
        for ahead in range(_CYCLE):
            day = start.date() + timedelta(days=ahead)
            if self._has(day):
                earliest = start.time() if ahead == 0 else time.min
                hours = (hour for hour in self.hours if hour >= earliest.hour)
                for each in product(hours, self.minutes, self.seconds):
                    if (moment := time(*each)) >= earliest:
                        yield datetime.combine(day, moment, UTC)
        raise ValueError("this schedule never occurs")

    def _earlier(self, end: datetime) -> Iterator[datetime]:
        """Yield the instants from *end* back."""
        for back in range(_CYCLE):
            day = end.date() - timedelta(days=back)
            if self._has(day):
                last = end.time() if back == 0 else time.max
                hours = (hour for hour in reversed(self.hours) if hour <= last.hour)
                for each in product(hours, reversed(self.minutes), reversed(self.seconds)):
                    if (moment := time(*each)) <= last:
                        yield datetime.combine(day, moment, UTC)
        raise ValueError("this schedule never occurs")

    def _has(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays


def parse(text: str) -> Schedule:
    """
    Read an NCRONTAB expression of six fields, or of five: then it is due at second 0.

    Raises ValueError, which names the field that cannot be read, and says what to write; also if it never occurs.
    An interval such as `00:05:00` is wrong: plans that scale by themselves, such as Flex Consumption, do not take it.
    """
    if re.fullmatch(r"[0-9.]*:[0-9:.]+", text):
        raise ValueError(
            "intervals are not taken on a plan that scales by itself; write NCRONTAB, as in 0 */5 * * * *"
        )
    parts = text.lower().split()
    if len(parts) == len(_FIELDS) - 1:
        parts.insert(0, "0")
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"it has {len(parts)} fields; write six, second minute hour day month day-of-week, as in 0 0 6 * * *"
        )
    found = Schedule(*(_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)))
    if not any(min(found.days) <= _LENGTHS[month - 1] for month in found.months):
        raise ValueError("it never occurs: none of its months has that day")
    return found


def why_no_schedule(text: str) -> str:
    """Return why *text* cannot be read, and what to write instead; '' if it can."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


def _field(text: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the values that a field allows, sorted. Raises ValueError, which says what is wrong with it."""
    allowed: set[int] = set()
    for term in text.split(","):
        if not (values := _values(term, lowest, highest, names)):
            raise ValueError(
                f"{term!r} is no {name}; write * or a number from {lowest} to {highest}, as in 0 0 6 * * *"
            )
        allowed |= values
    return tuple(sorted(allowed))


def _values(term: str, lowest: int, highest: int, names: tuple[str, ...]) -> set[int]:
    """Return the values that one term of a field allows; none if it cannot be read."""
    found = _TERM.fullmatch(term)
    if found is None:
        return set()
    first, last, step = found.groups()
    start = _value(first, lowest, names) if first else lowest
    # `5/15` runs to the end of the field.
    end = _value(last, lowest, names) if last else start if first and not step else highest
    every = int(step[:9]) if step else 1
    # A range that is written backwards is read forwards.
    start, end = sorted((start, end))
    return set(range(start, end + 1, every)) if lowest <= start <= end <= highest and every else set()


def _value(word: str, lowest: int, names: tuple[str, ...]) -> int:
    """Return the number of a word, which may be the beginning of a name; -1 if it is none."""
    if word.isdigit():
        return int(word[:9])
    return next((n for n, name in enumerate(names, lowest) if name.startswith(word)), -1)
