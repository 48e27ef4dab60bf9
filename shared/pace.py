"""Limit how many hunting queries are sent to a tenant per minute."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from shared.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINUTE = 60.0
#: Seconds. Who does not come back so long after its turn has no place any more.
GRACE = 120.0


class Quota(Protocol):
    """Who says when a hunting call may be sent: `Pace` for one process, `state.quota` for all that share a store."""

    async def reserve(self, patience: float, spare: int = 0, name: str = "") -> float:
        """
        Take the next free place, and return the seconds until it begins; the call is then sent at once.

        With *spare*, that many calls of each minute are left to others, and the place must be free at once, so
        that the call is in nobody's way. Raises Throttled, of `ours`, for a wait of more than *patience*
        seconds, which includes those of all who were refused before. Who comes back under the same
        *name* within 2 minutes of its turn has kept its place.
        """


def free_at(begins: Sequence[float], allowed: int, ahead: int, now: float, minute: float = MINUTE) -> float:
    """
    Return when a place is free for a call that has *ahead* others before it.

    *begins* are the times at which the calls so far begin, in their order; *allowed* is the number of calls in
    any *minute* seconds.
    """
    minutes, number = divmod(ahead, allowed)
    index = len(begins) - allowed + number
    free = begins[index] + minute if index >= 0 else now
    return max(now, free) + minute * minutes


def refusal(per_minute: int, wait: float, what: str = "") -> Throttled:
    """Return the error for a call whose turn comes in *wait* seconds; *what* says what else there is to the limit."""
    reason = f"waiting for its turn: HUNTS_PER_MINUTE ({per_minute}{what}) is used up"
    return Throttled(reason, retry_after=wait, status=0)


class Pace:
    """
    A limit of *per_minute* calls in any 60 seconds of one process, admitted in the order in which they first came.

    A call that is refused keeps its place among those that were refused, if it has a name. *what* adds to how errors
    name the limit.
    """

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, *, what: str = ""
    ) -> None:
        self._clock = clock
        self._begins: deque[float] = deque(maxlen=per_minute)
        self._per_minute = per_minute
        self._what = what
        #: Who was refused, in that order, and until when its place is kept.
        self._places: dict[str, float] = {}

    async def reserve(self, patience: float, spare: int = 0, name: str = "") -> float:
        """Take the next free place, as `Quota` says; this does not wait for anything."""
        now = self._clock()
        self._places = {each: until for each, until in self._places.items() if until >= now}
        ahead = list(self._places).index(name) if name in self._places else len(self._places)
        wait = free_at(self._begins, self._per_minute - spare, ahead, now) - now
        if wait > (0 if spare else patience):
            if name:
                self._places[name] = now + wait + GRACE
            raise refusal(self._per_minute, wait, self._what)
        self._places.pop(name, None)
        # All who are ahead could begin before that place, so the first one that is free is left to nobody.
        begin = free_at(self._begins, self._per_minute - spare, 0, now)
        self._begins.append(begin)
        return begin - now

    def count(self, wait: float) -> None:
        """Count a call that begins in *wait* seconds, and was admitted elsewhere."""
        self._begins.append(self._clock() + wait)
