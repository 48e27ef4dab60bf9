"""Limit a query's rows so that none of those it is about is crowded out by the rows of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import anchored

if TYPE_CHECKING:
    from datetime import datetime

    from .read import Reading

_WHOSE, _RANK = "_Whose", "_Rank"


def divides(reading: Reading, key: str) -> bool:
    """Tell whether the rows of a query can be limited for each value of the column *key*; '' is one that is added to all."""
    return (not key or key in reading.carries) and reading.names.isdisjoint({_WHOSE, _RANK})


def limit(take: int) -> list[str]:
    """Return the lines that limit a query to any *take* rows."""
    return [f"| take {take}"]


def fair_limit(reading: Reading, key: str, take: int, end: datetime) -> list[str]:
    """
    Return the lines that limit a query to *take* rows, spread over the values of *key*, in any case.

    The rows of each value are numbered, in the query's own order or latest first, and those with the lowest
    numbers stay, sorted by these: while there are fewer values than rows, each has at least one,
    and it is not the last. Columns are the query's, and so is its clock, which stands at *end*.
    """
    order = anchored(reading.order, end) or ("Timestamp desc" if "Timestamp" in reading.carries else "")
    return [
        f"| extend {_WHOSE} = tolower(tostring({key}))",
        f"| sort by {_WHOSE} asc{f', {order}' if order else ''}",
        f"| extend {_RANK} = row_number(1, {_WHOSE} != prev({_WHOSE}))",
        f"| sort by {_RANK} asc{f', {order}' if order else ''}",
        f"| take {take}",
        f"| project-away {_WHOSE}, {_RANK}",
    ]
