"""Times as Graph writes them: ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

#: Times from outside are kept so far from the first and the last that there are, that any window fits beside them.
_FIRST, _LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def write_time(when: datetime) -> str:
    """Write a time in UTC with microseconds and `Z`; it must have a time zone."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(text: str | None) -> datetime | None:
    """
    Read a time as UTC, also one without a zone; never raises.

    None for no time, an unreadable one, one that lies outside the years 2 to 9999 in UTC, and the year 1,
    which Graph and .NET write for none.
    """
    try:
        when = datetime.fromisoformat(text or "")
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(when, _FIRST), _LAST) if when.year > 1 else None
