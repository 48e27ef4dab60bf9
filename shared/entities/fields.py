"""
Fields of Sentinel's JSON, read whatever their casing and their type.

Its incident trigger writes camelCase or PascalCase, also mixed; none of these functions raises.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


def folded(value: Any) -> dict[str, Any]:
    """Return an object with its keys in lower case; {} for anything else."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list, or in JSON text that holds one, as the table SecurityAlert does; [] for anything else."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Return a text, or a whole number as text, since ids come as both; '' for anything else."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def time_of(value: Any) -> datetime | None:
    """Return a time in UTC, which also is its zone if it names none; None for anything else (.NET writes year 1 for none)."""
    try:
        when = datetime.fromisoformat(text_of(value))
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if when.year > 1 else None
