"""What one hunt returned, as it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Group(Struct, frozen=True, array_like=True):
    """
    Rows with the same values in the columns that a hunt shows.

    `count` is how many events they are: what several indicators fit is one. `first` and `last` are the earliest and the
    latest time among them, as Graph writes it; '' without a time column. `hits` are the incident's own indicators that
    they hold, other than those that they were found by. `devices` is on how many devices of the fleet its value of the
    column that is counted (`Found.prevalence`) was in the hunt's window, 0 where that was not counted; `since` is the first
    time there, as Graph writes it.
    """

    values: tuple[str, ...]
    count: int
    first: str
    last: str
    hits: tuple[str, ...] = ()
    devices: int = 0
    since: str = ""


class Prevalence(Struct, frozen=True):
    """
    On how many devices of the fleet values of a *column* were in a hunt's window.

    `values` has the number of devices and the first time, as Graph writes it, of each value that was counted. Numbers are
    exact up to 1,000; above, they have a standard deviation of 0.8 % ("dcount() (aggregation function)", Microsoft Learn).
    """

    column: str
    #: How many devices there are; 0 where that is not known, and where no value has a count.
    fleet: int = 0
    #: Why nothing was counted; '' where it was.
    uncounted: str = ""
    values: Mapping[str, tuple[int, str]] = {}


class Place(Struct, frozen=True, array_like=True):
    """
    A device that rows are on, and how many events; its id in lower case, '' where unknown.

    `digest` is that of the incident's indicators that the rows hold, where they are hits (SHA-256 in hex).
    """

    id: str
    name: str
    events: int
    digest: str = ""


def indicators_digest(values: Iterable[str]) -> str:
    """Return the digest of a set of indicators (SHA-256 in hex), whatever their order and case."""
    return hashlib.sha256("\n".join(sorted({value.lower() for value in values})).encode()).hexdigest()


class Part(Struct, frozen=True, array_like=True):
    """
    The rows of one entity: how many, and their digest (SHA-256 in hex, independent of their order).

    `name` is the DeviceName beside the DeviceId, in lower case; '' where there is none.
    """

    rows: int
    digest: str
    name: str = ""


class Found(Struct, frozen=True, rename="camel"):
    """A summary of one hunt's answer, small enough for a run record; the rows are stored separately."""

    hunt: str
    #: Rows in the answer, at most MAX_ROWS.
    rows: int = 0
    #: Whether there were more rows than that.
    more: bool = False
    #: SHA-256 in hex over all `rows`, independent of their order; '' where there is no answer.
    digest: str = ""
    #: Every column of the answer.
    columns: tuple[str, ...] = ()
    #: The columns that are shown.
    shown: tuple[str, ...] = ()
    #: The rows, grouped by the columns shown, at most 200, in the order of `outcomes.order`.
    groups: tuple[Group, ...] = ()
    #: What the groups' `devices` count, without `values`; None for a hunt of which nothing is to be counted.
    prevalence: Prevalence | None = None
    #: How many groups there were before that limit.
    group_count: int = 0
    #: At most 10 rows, hits first, column -> value.
    first_rows: tuple[dict[str, Any], ...] = ()
    #: What each entity's rows are, by its key in lower case: a DeviceId, or the DeviceName of a row without
    #: one; for an indicator hunt the Indicator. Rows that name none are under ''.
    per_entity: dict[str, Part] = {}
    #: How long Graph took, waits and retries included.
    seconds: float = 0.0
    #: Why there is no answer; '' where there is one.
    failure: str = ""
    #: The table that the tenant lacks; '' where that is not why there is no answer.
    lacks: str = ""
    #: When Graph answered or refused, in UTC; None where it did neither.
    at: datetime | None = None
    #: Rows that were in the answer, too, and cannot be read.
    unreadable: int = 0
    #: How many events the rows are; 0 where that was not counted.
    events: int = 0
    #: Events that hold an indicator of the incident, other than one that they were found by.
    hit_rows: int = 0
    #: The devices that these are on, most events first: at most 200 of `hit_place_count`.
    hit_places: tuple[Place, ...] = ()
    hit_place_count: int = 0
    #: For an indicator hunt, the devices that its rows are on, most events first: at most 200 of `place_count`.
    places: tuple[Place, ...] = ()
    place_count: int = 0

    @property
    def count(self) -> int:
        """How many events it found; what several indicators fit is one."""
        return self.events or self.rows
