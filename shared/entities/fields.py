"""
Read fields of Sentinel's JSON, whatever their casing and type.

The incident trigger writes camelCase or PascalCase, even mixed. None of these functions raises.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


def folded(value: Any) -> dict[str, Any]:
    """Return an object with its keys in lower case; {} for anything else."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def objects_in(value: Any) -> list[dict[str, Any]]:
    """
    Return the objects in a list; [] for anything else.

    The list may also be JSON text, as in the table SecurityAlert.
    """
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """
    Return a string without surrounding blanks, or a whole number as text; '' for anything else.

    Ids come as both.
    """
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def time_of(value: Any) -> datetime | None:
    """
    Return an ISO 8601 time in UTC; None for anything else, and for the year 1, which .NET writes for none.

    A time without a zone is taken as UTC.
    """
    try:
        when = datetime.fromisoformat(text_of(value))
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if when.year > 1 else None
