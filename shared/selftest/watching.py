"""
Tell whether the watch looks: for `GET /api/health`, which has to be quick, and for `GET /api/selftest`.

What counts is when incidents could last be listed. A timer that is not fired, a schedule that the Functions host does
not take, a store that is not written to and a Graph that does not answer are all one thing to whoever relies on the
watch: nobody looks.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from shared.model.times import write_time
from shared.model.watching import STATE, State
from shared.schedule import parse

from .need import Need

if TYPE_CHECKING:
    from shared.state.objects import Store

log = logging.getLogger("outrider")

#: The watch is silent once as many times of its schedule have passed since it last looked.
INTERVALS = 3
#: Seconds that the store has to answer.
_LIMIT = 2.0
#: A look may begin some milliseconds before its time.
_EARLY = timedelta(seconds=1)

Status = Literal["looking", "silent", "off", "unknown"]


class Watching(Struct, frozen=True):
    """
    How the watch stands.

    `looked` is when incidents could last be listed (UTC), None where there was no look yet, or where that cannot be
    told; `found` says in words what `status` means.
    """

    status: Status
    looked: datetime | None
    found: str


async def watching(store: Store, schedule: str, now: datetime, *, started: datetime, off: bool) -> Watching:
    """
    Return how the watch stands at *now*, within 2 seconds; nothing is raised.

    It is *silent* if three times of its *schedule* have passed since incidents could last be listed, or, where they
    never were, since the process *started*. With *off* the timer is disabled, which is no fault.
    """
    if off:
        return Watching("off", None, "the watch is off (AzureWebJobs.WatchIncidents.Disabled)")
    try:
        async with asyncio.timeout(_LIMIT):
            raw = await store.get(STATE)
        looked = msgspec.json.decode(raw, type=State).looked if raw else None
    except Exception as error:  # noqa: BLE001  (whatever the store's fault is: it is another need's)
        log.warning("the watch's state cannot be read: %s", type(error).__name__)
        return Watching(
            "unknown", None, f"not told: the watch's state cannot be read ({type(error).__name__})"
        )
    silent = (looked or started) + _EARLY < parse(schedule).before(now, INTERVALS)
    since = f"since then {INTERVALS} times of WATCH_SCHEDULE ({schedule}) have passed"
    if looked:
        found = f"incidents could last be listed at {write_time(looked)}"
        return Watching("silent" if silent else "looking", looked, f"{found}; {since}" if silent else found)
    found = f"incidents were never listed; the app started at {write_time(started)}"
    return Watching("silent", None, f"{found}, and {since}") if silent else Watching("unknown", None, found)


def need_of(watch: Watching) -> Need:
    """Return the need that the watch looks; one that is off is met."""
    met = {"looking": True, "off": True, "silent": False, "unknown": None}[watch.status]
    mend = (
        "Meet the other needs first: a look that cannot list incidents, or store what it saw, is none. If they are met, "
        "see in the log whether the timer WatchIncidents is fired, and restart the app"
    )
    return Need("watch", met, watch.found, mend if met is False else "")
