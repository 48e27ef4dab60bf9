"""
Who works in this process: a run that came back stands alone.

A run that kills its worker takes all others with it that are at work there. So a run that has come back, since
a worker that had it may have died of it, works while no other run is at work in its process. The others of its
batch leave, and come again; the watch and the HTTP functions are no company.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds that enrichments have to end when another run is to be alone: hunts take less, unless Graph is slow.
GRACE = 20.0


class Place:
    """
    One delivery of a run in this process, from its beginning to its end.

    `at_work` is whether it was admitted, and `hurried` whether it has to leave for another run to be alone.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.sweeps = False
        self.at_work = False
        self.hurried = False
        self._by = math.inf
        self._limit: asyncio.Timeout | None = None

    def within(self, seconds: float) -> asyncio.Timeout:
        """Return the time-out to work in: *seconds*, or less where the run has to leave."""
        self._limit = asyncio.timeout_at(min(_now() + seconds, self._by))
        return self._limit

    def hurry(self, seconds: float) -> None:
        """Have the run leave in *seconds* at the latest."""
        self.hurried, self._by = True, min(self._by, _now() + seconds)
        if self._limit and not self._limit.expired():
            self._limit.reschedule(min(self._limit.when() or self._by, self._by))


class Company:
    """
    The deliveries in this process, and the one of them that is, or is about to be, alone.

    Enrichments have *grace* seconds to end when another run is to be alone.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._places: list[Place] = []
        self._alone: Place | None = None
        self._left = asyncio.Event()

    @contextmanager
    def joined(self) -> Iterator[Place]:
        """Take a place for one delivery, and leave it at the end."""
        place = Place()
        self._places.append(place)
        try:
            yield place
        finally:
            self._places.remove(place)
            if self._alone is place:
                self._alone = None
            self._left.set()

    def admits(self, place: Place, run_id: str, *, alone: bool, sweeps: bool) -> bool:
        """
        Tell whether a run may work now, *alone* or among others; one that may not leaves, and comes again.

        Nobody is admitted beside a run that is alone, nor a run that is at work here already. A run that is to be
        alone has the others leave: sweeps at once, enrichments within their grace. Sweeps give way to
        enrichments: one is alone only where nobody is at work, and until somebody comes.
        """
        others = [each for each in self._places if each.at_work]
        if self._alone and self._alone.sweeps and not sweeps:
            self._alone.hurry(0)
        if self._alone or any(each.run_id == run_id for each in others) or (alone and sweeps and others):
            return False
        place.run_id, place.sweeps, place.at_work = run_id, sweeps, True
        if alone:
            self._alone = place
            for each in others:
                each.hurry(0 if each.sweeps else self._grace)
        return True

    async def emptied(self, place: Place) -> None:
        """Wait until *place* is the only one."""
        while self._places != [place]:
            self._left.clear()
            await self._left.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
