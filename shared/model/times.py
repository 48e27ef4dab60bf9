"""Times as Graph writes them: ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def write_time(when: datetime) -> str:
    """Write a time in UTC with microseconds and `Z`; it must have a time zone."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(text: str | None) -> datetime | None:
    """Read a time as UTC; None for no time, an unreadable one, or the year 1, which Graph writes for none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text and not text.startswith("0001") else None
    except ValueError:
        return None
