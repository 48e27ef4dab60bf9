"""Read Graph's answer to a hunt, whether it was asked alone or with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import GraphError

from .cells import cell_text
from .rows import across, read_columns
from .unpacking import answer_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .answer import Answer

#: The columns of the device card without which it says nothing about a device.
_CARD = ("DeviceId", "DeviceName", "LastSeen")
_OTHER_FACTS = ("OSPlatform", "DeviceType")


def decode_answer(raw: bytes, hunt: str = "") -> Answer:
    """
    Decode Graph's answer, but not its rows; every row that is left in it can be decoded.

    Of an answer to several hunts in one query, it is what *hunt* would have been answered alone. What is nested too
    deeply in a row is a text that says so. Columns that only the rows have are added to the schema. Raises GraphError
    if it is no `huntingQueryResults`, also without a list of rows: that is not no rows; and if it is one of
    several hunts, but does not say which rows are this one's, and what their columns are.
    """
    return answer_to(raw, hunt)


def decode_rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the rows, column -> value, under the schema's names even if the rows' casing differs."""
    names = [*dict.fromkeys(column.name for column in answer.schema)]
    for rows, values in read_columns(answer.results, answer.schema, names):
        for row in across(rows, [*values.values()]):
            yield dict(zip(names, row, strict=True))


def column_texts(answer: Answer, name: str) -> set[str]:
    """Return the texts of all values in the column *name*, of which '' is none; there are none without the column."""
    columns = [column for column in answer.schema if column.name == name]
    if not columns:
        return set()
    found: set[str] = set()
    for _, values in read_columns(answer.results, columns, [name]):
        found.update(map(cell_text, values[name]))
    return found - {""}


def device_cards(raw: bytes, hunt: str = "") -> tuple[dict[str, str], ...]:
    """
    Decode the device card's answer: one row per device, column -> text; *hunt* is its name in an answer to several.

    Raises GraphError if the answer, or one of its rows, cannot be decoded, or if a device's id, name or time
    is not in it: nobody knows then which devices have a card.
    """
    answer = decode_answer(raw, hunt)
    rows = list(decode_rows(answer))
    if answer.unreadable or (rows and not {column.name for column in answer.schema}.issuperset(_CARD)):
        raise GraphError("a row, or a column, cannot be read")
    facts = dict.fromkeys(_OTHER_FACTS, "")
    return tuple(facts | {name: cell_text(value) for name, value in row.items()} for row in rows)
