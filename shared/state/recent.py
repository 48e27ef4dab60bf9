"""
How often each hunt ran of late: counted in the ends of some recent runs, at the price of a listing and 50 reads.

A run's id is a hash or random, and a listing is sorted by name. So where there are more runs than one call lists, those
that it lists are a sample of all, drawn by chance, and so are the last of them to end a sample of those that ended then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from shared.model.hunt import DEVICE_CARD

if TYPE_CHECKING:
    from .objects import Store

log = logging.getLogger("outrider")

#: Objects: what Azure lists in one call. A run has about eight.
_LISTED = 5_000
#: Runs whose ends are read.
_READ = 50
#: Seconds that the store has for all of it.
_LIMIT = 2.0
#: Of a hunt that looked, whether or not it found something.
_LOOKED = frozenset({"found", "nothingFound", "nothingSoFar"})


class Ran(Struct, frozen=True):
    """In how many of the runs a hunt looked, in how many of these it found something, and in how many it could not run."""

    looked: int = 0
    found: int = 0
    failed: int = 0


class Recent(Struct, frozen=True):
    """
    What was counted: `hunts`, by name, in so many `runs`.

    The runs are those that ended last; `since` is when the first of them did, None for none. `all` is false where they
    are drawn by chance from more. `uncounted` says why nothing was counted, '' where it was.
    """

    runs: int = 0
    since: datetime | None = None
    all: bool = True
    hunts: dict[str, Ran] = {}
    uncounted: str = ""


class _Outcome(Struct):
    hunt: str
    outcome: str


class _Done(Struct):
    """What is counted of a run's end (`model.record.Done`)."""

    outcomes: tuple[_Outcome, ...] = ()
    #: The rows of the device card, which is no outcome.
    cards: tuple[msgspec.Raw, ...] = ()


async def count_recent(store: Store) -> Recent:
    """Count in how many recent runs each hunt ran, within 2 seconds; nothing is raised."""
    try:
        async with asyncio.timeout(_LIMIT):
            return await _count(store)
    except Exception as error:  # noqa: BLE001  (whatever the store's fault is: the page has more to show)
        log.warning("recent runs cannot be counted: %s", type(error).__name__)
        return Recent(uncounted=f"the store cannot be read now ({type(error).__name__})")


async def _count(store: Store) -> Recent:
    listed, whole = await store.some("runs/", _LISTED)
    ends = sorted((each.modified, each.key) for each in listed if each.key.endswith("/done"))[-_READ:]
    # Storage deletes runs that expire meanwhile.
    lines = list(filter(None, await asyncio.gather(*(store.get_line(key) for _, key in ends))))
    looked, found, failed = Counter[str](), Counter[str](), Counter[str]()
    for line in lines:
        done = msgspec.json.decode(line, type=_Done)
        told = {outcome.hunt: outcome.outcome for outcome in done.outcomes}
        told |= {DEVICE_CARD: "found"} if done.cards else {}
        looked.update(name for name, ending in told.items() if ending in _LOOKED)
        found.update(name for name, ending in told.items() if ending == "found")
        failed.update(name for name, ending in told.items() if ending == "notRun")
    names = looked.keys() | failed.keys()
    return Recent(
        len(lines),
        datetime.fromtimestamp(ends[0][0], UTC) if ends else None,
        whole,
        {name: Ran(looked[name], found[name], failed[name]) for name in names},
    )
