"""Read a sweep's rows into one form, whatever the hunt, for counting and ranking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.outcomes.cells import cell_text
from shared.outcomes.reading import decode_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from msgspec import Raw

    from shared.outcomes.answer import Answer

    from .summary import NewRow

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", re.ASCII)
#: Between the values of a destination without an address.
JOINT = " · "
#: A million rows of it still fit the 64 bits in which a process's connections are summed.
_MOST = 10**9


class FleetRow(NamedTuple):
    """
    One row of a sweep.

    Read from the columns DeviceId, DeviceName, Process, RemoteIP, RemotePort, Connections, LastSeen and Days,
    as far as the answer has them, and from the column that the sweep's `new` names (`first`). `device` is the
    id or, without one, the name. The other columns of strings are `details`; without RemoteIP, their values
    joined are the `destination`, too. Times are as Graph writes them. A text that is missing is '', and a
    count that is missing is 1.
    """

    device: str
    name: str
    process: str
    destination: str
    port: str
    connections: int
    first: str
    last: str
    days: int
    details: tuple[tuple[str, str], ...]


def read_rows(answer: Answer, new: str) -> Iterator[FleetRow]:
    """Yield the rows of *answer*; *new* is the column of the first time."""
    names = {column.name for column in answer.schema}
    new = find_column(answer, new)
    known = {"DeviceId", "DeviceName", "Process", "RemoteIP", new, "LastSeen"}
    others = [c.name for c in answer.schema if c.type == "String" and c.name not in known]
    last_seen = "LastSeen" if "LastSeen" in names else new
    for row in decode_rows(answer):
        details = tuple([(name, cell_text(row[name])) for name in others])
        first = cell_text(row.get(new))
        name = cell_text(row.get("DeviceName"))
        yield FleetRow(
            cell_text(row.get("DeviceId")).lower() or name.lower(),
            name,
            cell_text(row.get("Process")),
            cell_text(row["RemoteIP"]) if "RemoteIP" in names else joint(value for _, value in details),
            cell_text(row.get("RemotePort")),
            _number(row.get("Connections")),
            first,
            cell_text(row.get(last_seen)) or first,
            _number(row.get("Days")),
            details,
        )


def joint(values: Iterable[str]) -> str:
    """Join values by JOINT, which none of them has then: it is written as its number there."""
    return JOINT.join(value.replace("·", r"\u00b7") for value in values)


def are_addressless(rows: Sequence[NewRow]) -> bool:
    """Tell whether new rows are of a hunt without RemoteIP, whose details already stand as their destinations."""
    return any(row.destination == joint(row.details.values()) for row in rows[:1])


def new_rows(answer: Answer, new: str, since: datetime) -> Iterator[tuple[Raw, dict[str, Any]]]:
    """Yield each row first seen at *since* or later, by the column *new*: as Graph sent it, and decoded."""
    start = f"{since:%Y-%m-%dT%H:%M:%S.%f}"
    column = find_column(answer, new)
    for raw, row in zip(answer.results, decode_rows(answer), strict=True):
        if cell_text(row.get(column)) >= start:
            yield raw, row


def why_unreadable(answer: Answer, new: str) -> str:
    """
    Return why nobody can tell which of an answer's rows are new; '' if it can be told.

    It needs the column *new*, with nothing but times in it. A row that has none there is no reason: the tally
    counts such rows.
    """
    column = find_column(answer, new)
    if not column:
        return f"its rows have no column {new} (sweep.new), so nobody knows which of them are new"
    times = (cell_text(row.get(column)) for row in decode_rows(answer))
    if all(not time or _TIME.fullmatch(time) for time in times):
        return ""
    return f"its column {new} (sweep.new) has values that are no times, so nobody knows which rows are new"


def find_column(answer: Answer, name: str) -> str:
    """Return the column of an answer that *name* means, in whatever case Graph writes it; '' if none."""
    names = [column.name for column in answer.schema]
    return name if name in names else next((each for each in names if each.lower() == name.lower()), "")


def _number(value: Any) -> int:
    """Read a count, at most a billion; a value that is not a number counts as one."""
    try:
        return min(max(0, int(value)), _MOST)
    except (TypeError, ValueError, OverflowError):
        return 1
