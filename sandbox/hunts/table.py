"""Rows as a table for a terminal, and whole, as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING, Any

from shared.comment.neutral import csv_cell
from shared.outcomes.cells import cell_text

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


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Return *rows* as CSV, a header and a line each, in which no cell is a formula or a live link."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(csv_cell, columns))
    writer.writerows([csv_cell(cell_text(row.get(name))) for name in columns] for row in rows)
    return out.getvalue().rstrip("\n")


def _json(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Return *rows* as a JSON list of objects, in ASCII: values are exact, and a terminal obeys none of them."""
    return json.dumps([{name: row.get(name) for name in columns} for row in rows], indent=1)


#: The forms that hold all values, each with what writes *columns* of *rows* in it.
WHOLE = {"csv": _csv, "json": _json}


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
