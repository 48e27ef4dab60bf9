"""
The tenant's hunting quota, which all processes share that have the same store.

Each call takes a place: an object that is created once, numbered through. A call is sent only a minute after the call
as many places before it as a minute may have, by the store's own clock, since those of the processes differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import math
import time
from typing import TYPE_CHECKING

from shared.errors import Throttled
from shared.pace import MINUTE, Pace, free_at, refusal

from .places import CLOCK, FOLDER, LATE, PLACES, WAITING, Places, StoreClock, latest, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from .objects import Store

log = logging.getLogger("outrider")

#: Three queues' processes on two instances: a process's share of the quota where the store does not answer.
PROCESSES = 6
#: Seconds that a call gives the store, and for which a process then keeps to its share.
PATIENCE, _PAUSE = 2.0, 30.0
#: Seconds. A listing that is older is not used: what it shows as free may have been taken, used and deleted.
_STALE = 1.0
#: Old objects are deleted so many at a time, and so many runs at most have a place in the line.
_OLD, _MOST_WAITING = 20, 500
_SAID_AGAIN = 600.0
#: Seconds. A place that begins later is not taken: others would not see it any more (`places.KEPT`).
_LONGEST = 60.0


class StoredQuota:
    """
    A limit of *per_minute* calls in any 60 seconds, over all processes that share *store*.

    Whose turn it is, is as in `shared.pace.Quota`. A store that fails, or takes more than *within* seconds, makes no
    call fail: for half a minute, this process keeps to a sixth of the limit.
    """

    def __init__(
        self,
        store: Store,
        per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        minute: float = MINUTE,
        within: float = PATIENCE,
    ) -> None:
        self._store = store
        self._per_minute = per_minute
        self._clock = clock
        self._minute = minute
        self._within = within
        self._time = StoreClock(clock)
        #: The last object that this process wrote, and from when to when, until a listing shows its time.
        self._wrote: tuple[str, float, float] | None = None
        self._part = max(1, per_minute // PROCESSES)
        self._share = Pace(self._part, clock, what=", a process's share while the store does not answer")
        self._resumes = self._says = -math.inf
        # Calls of one process would only compete for the same number, and this keeps their order.
        self._lock = asyncio.Lock()

    async def reserve(self, patience: float, spare: int = 0, name: str = "") -> float:
        """Take the next free place, as `shared.pace.Quota` says."""
        async with self._lock:
            if self._clock() >= self._resumes:
                try:
                    async with asyncio.timeout(self._within):
                        wait = await self._stored(
                            0 if spare else min(patience, _LONGEST), spare, "" if spare else _who(name)
                        )
                except Throttled:
                    raise
                except Exception as error:  # noqa: BLE001  (whatever a store raises: the call goes on)
                    self._without(error)
                else:
                    self._share.count(wait)
                    return wait
            part = spare * self._part // self._per_minute
            return await self._share.reserve(0 if spare else patience, part, "" if spare else name)

    def _without(self, error: Exception) -> None:
        now = self._clock()
        self._resumes = now + _PAUSE
        if now >= self._says:
            self._says = now + _SAID_AGAIN
            log.warning(
                "hunting quota: the store does not answer (%s); this process keeps to %d of %d calls a minute",
                type(error).__name__, self._part, self._per_minute,
            )  # fmt: skip

    async def _stored(self, patience: float, spare: int, who: str) -> float:
        line = ""
        while True:
            asked = self._clock()
            places = await self._look()
            line = places.waiting.get(who, line)
            while self._clock() - asked < _STALE:
                wait = self._wait(places, spare, places.ahead(line))
                if wait > patience and places.guessed:
                    break
                if wait > 0 and not self._time.known:
                    await self._ask_time()
                    break
                if wait > patience:
                    await self._keep(places, line, who, wait)
                    raise refusal(self._per_minute, wait)
                if who in places.waiting:
                    # Before the place is taken, so that nobody counts both; the listing may be too old after it.
                    await self._store.delete(places.waiting.pop(who))
                    continue
                left = await self._take(places, spare)
                if left is not None:
                    return left
                if spare:
                    # Who was faster may be one that waits for its place to begin.
                    break
                places = places.beaten()

    async def _look(self) -> Places:
        """List what is taken, and delete what is long past."""
        found = await self._store.listed(FOLDER)
        self._time.saw(latest(found))
        times = {each.key: each.modified for each in found}
        if self._wrote and self._wrote[0] in times:
            key, begun, ended = self._wrote
            # Others write the clock, too, so it may be later than we wrote it.
            self._time.wrote(times[key], begun, self._clock() if key == CLOCK else ended)
            self._wrote = None
        places = read(found, self._time.now(), self._per_minute)
        if len(places.past) >= _OLD:
            await self._store.delete_all(places.past)
        return places

    async def _ask_time(self) -> None:
        """Write an object, whose time the next listing shows."""
        begun = self._clock()
        await self._store.put(CLOCK, b"")
        self._wrote = CLOCK, begun, self._clock()

    def _wait(self, places: Places, spare: int, ahead: int) -> float:
        now = self._time.now()
        begin = free_at(places.begins, self._per_minute - spare, ahead, now, self._minute)
        return max(begin, places.floor) - now

    async def _take(self, places: Places, spare: int) -> float | None:
        """Take the next place; return the seconds until it begins, None if another was faster, or it is over."""
        # All who are ahead could begin before that place, so the first one that is free is left to nobody.
        tenths = math.ceil(self._wait(places, spare, 0) * 10)
        begun = self._clock()
        if not await self._store.create(_place(places.number), bytes(tenths)):
            return None
        self._wrote = _place(places.number), begun, self._clock()
        left = begun + tenths / 10 - self._clock()
        # The other half is for what comes between this and the call.
        return max(0.0, left) if left > -LATE / 2 else None

    async def _keep(self, places: Places, line: str, who: str, wait: float) -> None:
        """Keep the place in the line of a run that is refused; its order is that of its first refusal, to a second or two."""
        if who and (line or len(places.waiting) < _MOST_WAITING):
            line = line or f"{WAITING}{int(self._time.now() * 1000):015d}.{who}"
            with contextlib.suppress(Exception):
                await self._store.put(line, bytes(math.ceil(wait)))


def _place(number: int) -> str:
    return f"{PLACES}{number:09d}"


def _who(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16] if name else ""
