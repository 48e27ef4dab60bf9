"""Rows as a table for a terminal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.telemetry.engine import Row

_BETWEEN = "  "
_LEAST = 6  # characters of a column, however narrow the terminal
_WIDTH = 120  # characters of a line where the terminal has none


def table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """
    Return *rows* as lines of aligned columns, no wider than the terminal where that is possible.

    Where a line would be too long, the longest columns are cut, with `…`. A character that is not printed is shown as `?`.
    """
    cells = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    longest = [max(len(row[n]) for row in cells) for n in range(len(columns))]
    widths = _fitted(
        longest, shutil.get_terminal_size((_WIDTH, 24)).columns - len(_BETWEEN) * (len(columns) - 1)
    )
    lines = [
        _BETWEEN.join(
            _cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def _fitted(longest: list[int], room: int) -> list[int]:
    """Return the columns' widths: all as wide as the one limit at which they fit into *room*, or as their own texts."""
    limit = max(longest, default=0)
    while limit > _LEAST and sum(min(width, limit) for width in longest) > room:
        limit -= 1
    return [min(width, limit) for width in longest]


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
