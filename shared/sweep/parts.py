"""The parts into which the fleet is divided if Graph cannot answer for all of it, and their queries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

#: Graph's limit of rows ("Quotas and resource allocation"); an answer of that many may have been cut off.
ROW_LIMIT = 100_000
#: A device id is 40 hexadecimal digits, evenly distributed. Its first two make 256 groups of devices, which
#: are not divided any further.
GROUPS = 256
#: Answers are filled to this share of the limit: more rows may arrive between the count and the query.
FILL = 0.95

#: How a query ended: answered in full, too many rows for one answer, timed out, or refused for good.
AskStatus = Literal["whole", "cut", "timedOut", "failed"]


class Part(Struct, frozen=True):
    """The devices whose ids begin with two hexadecimal digits from `first` to `last`, both inclusive."""

    first: int = 0
    last: int = GROUPS - 1

    @property
    def name(self) -> str:
        """The part's name in store keys, addresses and messages, such as `00-7f`; `other` for `ODD`."""
        return "other" if self.first == GROUPS else f"{self.first:02x}-{self.last:02x}"

    @property
    def groups(self) -> range:
        """The numbers of the part's groups, from 0 to 255."""
        return range(self.first, self.last + 1)

    @property
    def share(self) -> float:
        """The part's share of the fleet, 0 to 1, by its number of groups; `ODD` counts as one of them."""
        return len(self.groups) / GROUPS

    @property
    def prefixes(self) -> tuple[str, ...]:
        """
        The fewest prefixes of device ids, of one or two digits, for the part; none for the whole fleet.

        That of `ODD` is empty, as `fleet_query` takes it.
        """
        if len(self.groups) == GROUPS:
            return ()
        if self.first == GROUPS:
            return ("",)
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
        """The lower and the upper half of the part, which must have two groups or more."""
        middle = (self.first + self.last) // 2
        return Part(self.first, middle), Part(middle + 1, self.last)


#: The rows whose device ids do not begin with two hexadecimal digits, or are empty: where the fleet is divided,
#: no other part has them.
ODD = Part(GROUPS, GROUPS)


class Ask(Struct, frozen=True):
    """A query to be sent: for a part's rows or, if `counting`, for how many each of its groups has."""

    part: Part
    counting: bool = False
    #: How many rows the part is known to have; None if they were not counted.
    expected: int | None = None

    @property
    def name(self) -> str:
        """The name under which the query's end is recorded."""
        return f"{self.part.name}.counts" if self.counting else self.part.name


class Asked(Struct, frozen=True, omit_defaults=True):
    """
    How a query ended, and when.

    `rows` is the number of rows of a full answer; otherwise, how many the part was known to have, None if
    they were not counted. `counts` is the answer of a counting query: a group's two digits -> rows. `reason`
    says why there is no full answer.
    """

    end: AskStatus
    at: datetime
    rows: int | None = None
    counts: dict[str, int] = {}
    reason: str = ""
