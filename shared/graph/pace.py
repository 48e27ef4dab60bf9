"""Limit how many hunting queries are sent to a tenant per minute."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from shared.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """A limit of *per_minute* calls in any 60 seconds, admitted in the order in which they come."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: deque[float] = deque(maxlen=per_minute)

    def reserve(self, patience: float, spare: int = 0) -> float:
        """
        Take the next free slot, and return the seconds until it begins.

        With *spare*, that many calls of each minute are left to others, and the slot must be free at once, so
        that the call is in nobody's way. Raises Throttled, of `ours`, for a wait of more than *patience*
        seconds.
        """
        now = self._clock()
        allowed = (self._slots.maxlen or 1) - spare
        start = max(now, self._slots[-allowed] + 60) if len(self._slots) >= allowed else now
        if start - now > (0 if spare else patience):
            reason = f"waiting for its turn: HUNTS_PER_MINUTE ({self._slots.maxlen}) is used up"
            raise Throttled(reason, retry_after=start - now, status=0)
        self._slots.append(start)
        return start - now
