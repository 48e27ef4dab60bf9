"""Limit how many hunting queries are sent to a tenant per minute."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from shared.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable


#: Seconds. Who does not come back so long after its turn has no place any more.
_GRACE = 120.0


class Pace:
    """
    A limit of *per_minute* calls in any 60 seconds, admitted in the order in which they first came.

    A call that is refused keeps its place among those that were refused, if it has a name.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: deque[float] = deque(maxlen=per_minute)
        self._per_minute = per_minute
        #: Who was refused, in that order, and until when its place is kept.
        self._places: dict[str, float] = {}

    def reserve(self, patience: float, spare: int = 0, name: str = "") -> float:
        """
        Take the next free slot, and return the seconds until it begins.

        With *spare*, that many calls of each minute are left to others, and the slot must be free at once, so
        that the call is in nobody's way. Raises Throttled, of `ours`, for a wait of more than *patience*
        seconds, which includes those of all who were refused before. Who comes back under the same
        *name* within 2 minutes of its turn has kept its place.
        """
        now = self._clock()
        self._places = {each: until for each, until in self._places.items() if until >= now}
        ahead = list(self._places).index(name) if name in self._places else len(self._places)
        wait = self._start(self._per_minute - spare, 0 if spare else ahead, now) - now
        if wait > (0 if spare else patience):
            if name:
                self._places[name] = now + wait + _GRACE
            reason = f"waiting for its turn: HUNTS_PER_MINUTE ({self._per_minute}) is used up"
            raise Throttled(reason, retry_after=wait, status=0)
        self._places.pop(name, None)
        # All who are ahead could begin before that slot, so the first one that is free is left to nobody.
        start = self._start(self._per_minute - spare, 0, now)
        self._slots.append(start)
        return start - now

    def _start(self, allowed: int, ahead: int, now: float) -> float:
        """Return when a slot is free for a call that has *ahead* others before it."""
        minutes, number = divmod(ahead, allowed)
        index = len(self._slots) - allowed + number
        free = self._slots[index] + 60 if index >= 0 else now
        return max(now, free) + 60 * minutes
