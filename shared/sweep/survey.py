"""
Work out from a sweep's finished queries which parts are answered, which are lost, and what to ask next.

A pure function of the record, so a sweep that is stopped at any point goes on where it was.
"""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from .parts import FILL, GROUPS, ODD, Ask, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .parts import Asked, AskStatus

_GROUP = re.compile("[0-9a-f]{2}", re.ASCII)


class Survey(Struct):
    """
    How far a hunt's sweep is.

    `whole` has the parts answered in full, each with its number of rows; `lost` those that will not be
    answered, each with the reason; `pending` the queries still to be sent.
    """

    whole: list[tuple[Part, int]]
    lost: list[tuple[Part, str]]
    pending: list[Ask]

    @property
    def coverage(self) -> float:
        """The share of the fleet that was searched, 0 to 1; less than 1 also if only `ODD` is missing."""
        missing = any(part == ODD for part, _ in self.lost)
        searched = sum(len(part.groups) for part, _ in self.whole if part != ODD) - missing
        return max(0, searched) / GROUPS


class _Bounds(NamedTuple):
    """
    What the answers so far say about parts that were not asked for yet.

    Parts of `too_wide` groups or more take too long, and those of `too_full` groups or more have too many
    rows. `full` is the smallest number of rows that was refused, and `most` the number from which an answer
    counts as cut off.
    """

    too_wide: int
    too_full: int
    full: int
    most: int


def survey(asked: Mapping[str, Asked], most: int) -> Survey:
    """
    Find out how far a hunt's sweep is, from how its queries ended (*asked*, by the name of the query).

    An answer of *most* rows or more counts as cut off: the part's rows are counted, and it is divided into as
    few parts as fit. A part that takes too long is halved, and if it was the first of its width, so are all
    others as wide or wider, without being asked for. A part that has an answer is never divided in another
    way later: its own record decides, and before there is one, bounds that only become narrower. Where the
    fleet is divided, the rows with other device ids (`ODD`) are asked for last, unless they were counted and
    there are none.
    """
    found = Survey([], [], [])
    bounds = _learn(asked, most)
    open_parts: list[tuple[Part, dict[str, int] | None]] = [(Part(), None)]
    while open_parts:
        part, counts = open_parts.pop()
        known, counted = asked.get(part.name), asked.get(Ask(part, counting=True).name)
        if counted and counted.end == "whole":
            counts = counted.counts
        if known and known.end == "whole":
            found.whole.append((part, known.rows or 0))
        elif known and (known.end == "failed" or len(part.groups) == 1):
            found.lost.append((part, known.reason))
        elif smaller := _smaller(part, known, counted, counts, bounds):
            if part == Part() and (counts is None or _rows(ODD, counts)):
                open_parts.append((ODD, counts))
            open_parts += [(each, counts) for each in reversed(smaller)]
        else:
            found.pending.append(_ask(part, known, counts, bounds))
    return found


def _learn(asked: Mapping[str, Asked], most: int) -> _Bounds:
    # Parts are asked for in the order of their names, so the first name of a width was the first asked for.
    first: dict[int, AskStatus] = {}
    for name in sorted(name for name in asked if not name.endswith(".counts") and name != ODD.name):
        first.setdefault(len(Part(int(name[:2], 16), int(name[3:5], 16)).groups), asked[name].end)
    refused = min((a.rows for a in asked.values() if a.end == "cut" and a.rows), default=most)
    return _Bounds(
        min((width for width, end in first.items() if end == "timedOut"), default=GROUPS + 1),
        min((width for width, end in first.items() if end == "cut"), default=GROUPS + 1),
        min(most, refused),
        most,
    )


def _smaller(
    part: Part, known: Asked | None, counted: Asked | None, counts: dict[str, int] | None, bounds: _Bounds
) -> tuple[Part, ...]:
    """Return the parts to ask for instead of *part*; none if *part* itself is to be asked for."""
    width = len(part.groups)
    if (known and known.end == "timedOut") or (counted and counts is None):
        return part.halves
    if counts is not None:
        expected = _rows(part, counts)
        divided = known or (expected >= bounds.full and width > 1)
        return _divide(part, counts, expected, bounds.most) if divided else ()
    return part.halves if not known and bounds.too_wide <= width and width > 1 else ()


def _ask(part: Part, known: Asked | None, counts: dict[str, int] | None, bounds: _Bounds) -> Ask:
    if counts is not None:
        return Ask(part, expected=_rows(part, counts))
    width = len(part.groups)
    return Ask(part, counting=bool(known) or (bounds.too_full <= width and width > 1))


def _rows(part: Part, counts: dict[str, int]) -> int:
    if part == ODD:
        return sum(rows for name, rows in counts.items() if not _GROUP.fullmatch(name))
    return sum(counts.get(f"{n:02x}", 0) for n in part.groups)


def _divide(part: Part, counts: dict[str, int], total: int, most: int) -> tuple[Part, ...]:
    """Divide a part into two or more of about equal rows, each fewer than *most* if its groups allow it."""
    target = total / max(2, ceil(total / (most * FILL)))
    parts: list[Part] = []
    first, before, rows = part.first, 0, 0
    for n in part.groups:
        size = counts.get(f"{n:02x}", 0)
        full = before + rows + size / 2 > target * (len(parts) + 1) or rows + size >= most
        if rows and full:
            parts.append(Part(first, n - 1))
            first, before, rows = n, before + rows, 0
        rows += size
    return (*parts, Part(first, part.last)) if parts else part.halves
