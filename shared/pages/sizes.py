"""How much of each thing a body has at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

#: Takes a value from telemetry and a size in bytes of JSON; returns the value as it is shown, no larger.
Shown = Callable[[str, int], str]


class Size(NamedTuple):
    """How many of each thing a body may have at most; `text` is the size of a text in bytes of JSON."""

    hunts: int
    items: int
    rows: int
    columns: int
    text: int


def clip(value: str, size: int) -> str:
    """Cut a text to *size* bytes of JSON, its head and its tail; a character takes one to six."""
    for most in (size, size // 2, size // 6):
        cut = value if len(value) <= most else _middle_cut(value, most - len("…".encode()))
        if len(msgspec.json.encode(cut)) <= size + len('""'):
            break
    return cut


def _middle_cut(value: str, most: int) -> str:
    tail = most // 3
    return f"{value[: most - tail]}…{value[len(value) - tail :]}"
