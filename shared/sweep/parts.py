"""How the fleet is divided where Graph cannot answer for all of it at once, and what is asked of each part."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    pass

#: Graph's limit of rows ("Quotas and resource allocation"); an answer that long may have been cut.
MOST = 100_000
#: A device id is 40 hexadecimal digits, evenly spread; its first two make 256 groups, beyond which nothing is split.
GROUPS = 256

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
