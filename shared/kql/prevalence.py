"""
Count over the fleet: on how many devices values are, and how many devices there are.

`dcount` is exact up to 1,000; above, it is an estimate with a standard deviation of 0.8 % ("dcount() (aggregation
function)", Microsoft Learn).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .front import within
from .literals import dynamic, literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

#: Values of one hunt that are counted over the fleet; what is beyond them has no count.
MOST_COUNTED = 1_000
#: Characters of the values in one query: nobody documents how many of a query Graph takes.
_MOST_CHARACTERS = 150_000
#: One row, with the number of devices that sent anything in the call's timespan.
FLEET = "DeviceInfo\n| summarize Devices = dcount(DeviceId)"


class Counted(NamedTuple):
    """What is counted over the fleet: the values that a hunt's rows have in *column*, in a *table* and a window."""

    column: str
    table: str
    start: datetime
    end: datetime


def prevalence_query(counted: Counted, values: Iterable[str]) -> str:
    """
    Write the query that counts *values* over the fleet, for a hunt that is asked alone.

    Its rows are Value, Devices and First (the first time in the window of *counted*) of each value that the fleet has, and
    one whose Value is '': how many devices there are in the call's timespan, without a First. At most MOST_COUNTED values,
    the first as they are sorted, in 150,000 characters are counted. Raises ValueError where there is no value.
    """
    wanted = sorted(set(values) - {""})[:MOST_COUNTED]
    sizes = accumulate(len(literal(value)) for value in wanted)
    wanted = [value for value, size in zip(wanted, sizes, strict=True) if size <= _MOST_CHARACTERS]
    if not wanted:
        raise ValueError("no value to count")
    rows = "\n".join(count(counted, "_Values"))
    return f'let _Values = {dynamic(wanted)};\nunion\n({rows}),\n({FLEET}\n| extend Value = "")'


def count(counted: Counted, values: str) -> tuple[str, ...]:
    """Return the lines that count *values*, a table or an array as KQL, as Value, Devices and First."""
    column = counted.column
    return (
        f"{counted.table}{within(counted.start, counted.end)}",
        f"| where {column} in ({values})",
        f"| summarize Devices = dcount(DeviceId), First = min(Timestamp) by Value = {column}",
    )
