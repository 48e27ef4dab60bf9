"""Give groups of rows the number of devices of the fleet that their values are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.errors import GraphError
from shared.model.finding import Prevalence

from .reading import decode_answer, decode_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.model.finding import Group
    from shared.model.hunt import Hunt

    from .unpacking import Batch


def with_prevalence(
    groups: Iterable[Group], shown: Sequence[str], prevalence: Prevalence | None
) -> Iterator[Group]:
    """Yield *groups*, which show the columns *shown*, each with the count of its value; as they are for None."""
    at = shown.index(prevalence.column) if prevalence and prevalence.column in shown else None
    if prevalence is None or at is None:
        yield from groups
        return
    for group in groups:
        devices, since = prevalence.values.get(group.values[at], (0, ""))
        yield replace(group, devices=devices, since=since) if devices > 0 else group


def recorded(prevalence: Prevalence | None, groups: Iterable[Group]) -> Prevalence | None:
    """
    Return what is kept beside *groups*: *prevalence* without values.

    Where none of them has a count, how many devices there are is left out, too: hunts that share a call are told that in
    any case, and a hunt that is asked alone only where it has values to count.
    """
    if not prevalence:
        return None
    fleet = prevalence.fleet if any(group.devices for group in groups) else 0
    return replace(prevalence, fleet=fleet, values={})


def counts_of(hunt: Hunt, batch: Batch) -> Prevalence | None:
    """Return what an answer to several hunts counted for *hunt*; None for a hunt of which nothing is to be counted."""
    if not hunt.prevalence:
        return None
    values = batch.counted.get(hunt.name, {}).get(hunt.prevalence, {})
    return Prevalence(hunt.prevalence, batch.fleet or 0, values=values)


def read_counts(raw: bytes, column: str) -> Prevalence:
    """
    Read Graph's answer to `prevalence_query`, which counted values of *column*.

    Raises GraphError where it is not understood, or a row of it cannot be read: a value without a count is told from one
    that was not counted.
    """
    answer = decode_answer(raw)
    values: dict[str, tuple[int, str]] = {}
    for row in decode_rows(answer):
        value, devices, first = (row.get(name) for name in ("Value", "Devices", "First"))
        if not isinstance(value, str) or not isinstance(devices, int) or isinstance(devices, bool):
            raise GraphError("a row of the counts over the fleet is not understood")
        values[value] = devices, first if isinstance(first, str) else ""
    if answer.unreadable:
        raise GraphError("a row of the counts over the fleet cannot be read")
    fleet, _ = values.pop("", (0, ""))
    return Prevalence(column, fleet, values=values)
