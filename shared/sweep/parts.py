"""
How the fleet is divided where Graph cannot answer for all of it at once.

Pure: what has been asked so far says what to ask next, so a sweep that is stopped anywhere goes on where it was.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Graph's limit of rows ("Quotas and resource allocation"); an answer that long may have been cut.
MOST = 100_000
#: A device id is 40 hexadecimal digits, evenly spread; its first two make 256 groups, beyond which nothing is split.
GROUPS = 256
# Late rows may arrive between the count and the query.
_FILL = 0.95

AskStatus = Literal["whole", "cut", "timedOut", "failed"]


class Part(Struct, frozen=True):
    """The devices whose ids begin with two hexadecimal digits from *first* to *last*, both inclusive."""

    first: int = 0
    last: int = GROUPS - 1

    @property
    def name(self) -> str:
        """The part as people and keys name it: `00-7f`."""
        return f"{self.first:02x}-{self.last:02x}"

    @property
    def groups(self) -> range:
        """The groups in it."""
        return range(self.first, self.last + 1)

    @property
    def share(self) -> float:
        """Its share of the fleet."""
        return len(self.groups) / GROUPS

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The fewest beginnings of ids that say the same; none for the whole fleet."""
        if len(self.groups) == GROUPS:
            return ()
        found, at = [], self.first
        while at <= self.last:
            if at % 16 == 0 and at + 15 <= self.last:
                found.append(f"{at // 16:x}")
                at += 16
            else:
                found.append(f"{at:02x}")
                at += 1
        return tuple(found)

    @property
    def halves(self) -> tuple[Part, Part]:
        """The part in two."""
        middle = (self.first + self.last) // 2
        return Part(self.first, middle), Part(middle + 1, self.last)


class Ask(Struct, frozen=True):
    """A query to be made: for the rows of a part, or, *counting*, for how many each of its groups has."""

    part: Part
    counting: bool = False
    #: How many rows it is known to have; None where that was not counted.
    expected: int | None = None

    @property
    def name(self) -> str:
        """Name the query, so that its end can be recorded."""
        return f"{self.part.name}.counts" if self.counting else self.part.name


class Asked(Struct, frozen=True, omit_defaults=True):
    """How a query ended, at which time; `rows` of a part that was cut are those that it was known to have."""

    end: AskStatus
    at: datetime
    rows: int | None = None
    counts: dict[str, int] = {}
    reason: str = ""


class Survey(Struct):
    """Where a hunt's sweep stands: parts that came whole with their rows, never came, or are still to come."""

    whole: list[tuple[Part, int]]
    lost: list[tuple[Part, str]]
    pending: list[Ask]

    @property
    def coverage(self) -> float:
        """The share of the fleet that was looked at."""
        return sum(len(part.groups) for part, _ in self.whole) / GROUPS


def survey(asked: Mapping[str, Asked], most: int) -> Survey:
    """
    Find out where a sweep stands; an answer of *most* rows is taken for one that was cut.

    A part too large is counted, and divided into as few as fit. One that takes too long is halved, and if it was the
    first of its width, so are all others as wide, without being asked. What has an answer is never divided another
    way later: a part's own record decides, and before there is one, bounds that only become narrower.
    """
    found = Survey([], [], [])
    # Parts are asked for in the order of their names, so the least of a width was the first of it.
    first: dict[int, AskStatus] = {}
    for name in sorted(name for name in asked if not name.endswith(".counts")):
        first.setdefault(len(Part(int(name[:2], 16), int(name[3:5], 16)).groups), asked[name].end)
    too_wide = min((width for width, end in first.items() if end == "timedOut"), default=GROUPS + 1)
    too_full = min((width for width, end in first.items() if end == "cut"), default=GROUPS + 1)
    refused = min((a.rows for a in asked.values() if a.end == "cut" and a.rows), default=most)

    def visit_all(parts: Iterable[Part], counts: dict[str, int] | None) -> None:
        for part in parts:
            visit(part, counts)

    def visit(part: Part, counts: dict[str, int] | None) -> None:
        known, width = asked.get(part.name), len(part.groups)
        counted = asked.get(Ask(part, counting=True).name)
        if counted and counted.end == "whole":
            counts = counted.counts
        expected = None if counts is None else sum(counts.get(f"{n:02x}", 0) for n in part.groups)
        if known and known.end == "whole":
            found.whole.append((part, known.rows or 0))
        elif known and (known.end == "failed" or width == 1):
            found.lost.append((part, known.reason))
        elif (known and known.end == "timedOut") or (counted and counts is None):
            visit_all(part.halves, counts)
        elif counts is not None and expected is not None:
            if known or (expected >= min(most, refused) and width > 1):
                visit_all(_divide(part, counts, expected, most), counts)
            else:
                found.pending.append(Ask(part, expected=expected))
        elif not known and too_wide <= width and width > 1:
            visit_all(part.halves, counts)
        else:
            found.pending.append(Ask(part, counting=bool(known) or (too_full <= width and width > 1)))

    visit(Part(), None)
    return found


def _divide(part: Part, counts: dict[str, int], total: int, most: int) -> tuple[Part, ...]:
    """Divide a part into two or more of about as many rows each, fewer than *most* where its groups allow that."""
    target = total / max(2, ceil(total / (most * _FILL)))
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
