"""Write a hunt's rows, all of them, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.comment import neutral
from shared.comment.cells import write_name
from shared.comment.secrets import mask_secrets
from shared.outcomes.cells import cell_text
from shared.outcomes.reading import decode_answer, decode_rows

if TYPE_CHECKING:
    from collections.abc import Iterator


def json_rows(raw: bytes, most: int, *, mask: bool, hunt: str = "") -> dict[str, Any]:
    """
    Return the first *most* rows of Graph's answer *raw* for a JSON body: `columns`, their names, and `rows`.

    Values are exact, except that *mask* replaces what looks like a secret. A column's name, which may come from a
    value, is harmless as plain text. Of an answer to several hunts, the rows are those of *hunt*. Raises GraphError if
    the answer is not understood.
    """
    answer = decode_answer(raw, hunt)
    columns = _names([column.name for column in answer.schema], mask=mask)
    rows = [
        {shown: _masked(row[name]) if mask else row[name] for name, shown in columns.items()}
        for row in _first(decode_rows(answer), most)
    ]
    return {"columns": list(columns.values()), "rows": rows}


def csv_rows(raw: bytes, most: int, *, mask: bool, hunt: str = "") -> bytes:
    """
    Return the first *most* rows of Graph's answer *raw* as CSV, a header and one line per row.

    UTF-8 with a byte order mark, by which Excel recognises it; no formulas and no live links. *mask* replaces
    what looks like a secret. Of an answer to several hunts, the rows are those of *hunt*. Raises GraphError if the
    answer is not understood.
    """
    answer = decode_answer(raw, hunt)
    names = [column.name for column in answer.schema]
    # Rows repeat their values, so each is made harmless once.
    cell = lru_cache(10_000)(lambda value: neutral.csv_cell(mask_secrets(value) if mask else value))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral.csv_cell(shown) for shown in _names(names, mask=mask).values()])
    for row in _first(decode_rows(answer), most):
        writer.writerow([cell(cell_text(row[name])) for name in names])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "backslashreplace")


def _names(columns: list[str], *, mask: bool) -> dict[str, str]:
    """Return how each column's name is written; no two are written alike."""
    shown: dict[str, str] = {}
    for column in dict.fromkeys(columns):
        name = write_name(column, mask=mask)
        shown[column] = f"{name} ({len(shown) + 1})" if name in shown.values() else name
    return shown


def _masked(value: Any) -> Any:
    """Mask secrets in a value, as the CSV does; an object or list becomes text only if it holds a secret."""
    if not isinstance(value, str | dict | list):
        return value
    plain = cell_text(value)
    masked = mask_secrets(plain)
    return value if masked == plain else masked


def _first(every: Iterator[dict[str, Any]], most: int) -> Iterator[dict[str, Any]]:
    for _, row in zip(range(most), every, strict=False):
        yield row
