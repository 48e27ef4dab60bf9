"""
Read fields of Sentinel's JSON, whatever their casing and type.

The incident trigger writes camelCase or PascalCase, even mixed. None of these functions raises.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.decoding import decode_any
from shared.model.times import read_time

_LONGEST_WORD, _MOST_WORDS = 60, 100


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
            value = decode_any(value)
        except msgspec.DecodeError:
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """
    Return a string without surrounding blanks, or a whole number as text; '' for anything else.

    Ids come as both.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        return str(value).strip()
    except ValueError:  # of more digits than Python writes
        return ""


def words_in(*values: Any) -> tuple[str, ...]:
    """
    Return the texts in *values*, and in the lists among them, each once; at most 100, of at most 60 characters.

    What is longer, or no text, is left out.
    """
    every = (item for value in values for item in (value if isinstance(value, list) else [value]))
    words = dict.fromkeys(filter(None, map(text_of, every)))
    return tuple(word for word in words if len(word) <= _LONGEST_WORD)[:_MOST_WORDS]


def is_text(value: Any) -> bool:
    """Tell whether a field can be read as text: a string, a whole number, or nothing at all."""
    return value is None or isinstance(value, str) or bool(text_of(value))


def time_of(value: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC, as `read_time` does; None for anything else."""
    return read_time(text_of(value))
