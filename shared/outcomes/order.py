"""Put what a hunt found in the order in which it is worth reading."""

from __future__ import annotations

from collections import Counter
from math import inf
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.finding import Group

#: So many groups of one process come before those of others.
_IN_A_ROW = 3
#: Columns that say where or when a row is from, or why it was asked for, but not what happened.
_WHERE = frozenset({"devicename", "deviceid", "indicator", "timestamp"})
_PROCESS = ("initiatingprocessfilename", "processname", "process", "filename")


def in_order(groups: Iterable[Group], shown: Sequence[str]) -> list[Group]:
    """
    Return groups in order: those that hold an indicator of the incident, then the rarest, then the latest.

    Rare is first what few devices of the fleet have, where that was counted; what was not counted follows what was. Among
    these, rare is, within the answer, what has a value that few rows have: a process, an account or a port. A column of which
    more than half of the values are seen once says nothing, as each connection's address would. Of one process, three
    groups come before those of others.
    """
    # In which order equals came is by chance.
    groups = sorted(groups, key=attrgetter("values"))
    groups.sort(key=attrgetter("last"), reverse=True)
    ranks = [
        (*_place(group), rarity, group.count)
        for group, rarity in zip(groups, _rarity(groups, shown), strict=True)
    ]
    ordered = [group for _, group in sorted(zip(ranks, groups, strict=True), key=itemgetter(0))]
    process = next((n for name in _PROCESS for n, column in enumerate(shown) if column.lower() == name), None)
    if process is None:
        return ordered
    seen: Counter[tuple[bool, float, str]] = Counter()
    first: list[Group] = []
    later: list[Group] = []
    for group in ordered:
        seen[key := (*_place(group), group.values[process].lower())] += 1
        (first if seen[key] <= _IN_A_ROW else later).append(group)
    return sorted([*first, *later], key=_place)


def _place(group: Group) -> tuple[bool, float]:
    """Return what goes before all else: hits, and how few devices of the fleet have it."""
    return not group.hits, group.devices or inf


def _rarity(groups: list[Group], shown: Sequence[str]) -> list[int]:
    """Return of each group how many rows have the rarest of its values that says something."""
    counted: list[list[int]] = []
    for n, column in enumerate(shown):
        if column.lower() in _WHERE:
            continue
        counts: Counter[str] = Counter()
        for group in groups:
            counts[group.values[n]] += group.count
        if 2 * sum(count == 1 for count in counts.values()) <= sum(counts.values()):
            counted.append([counts[group.values[n]] for group in groups])
    return [*map(min, zip(*counted, strict=True))] if counted else [group.count for group in groups]
