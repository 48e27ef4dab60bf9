"""How many hunting queries a tenant is sent in a minute."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from shared.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """
    Admit at most `per_minute` calls in any 60 seconds, in the order they came.

    A call that would wait longer than `patience` seconds is refused with Throttled, as Graph itself would. One that
    leaves *spare* calls of each minute to others never waits in their way: it is refused unless it can go at once.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: deque[float] = deque(maxlen=per_minute)

    def reserve(self, patience: float, spare: int = 0) -> float:
        """Take the next free slot and return the seconds until it."""
        now = self._clock()
        allowed = (self._slots.maxlen or 1) - spare
        start = max(now, self._slots[-allowed] + 60) if len(self._slots) >= allowed else now
        if start - now > (0 if spare else patience):
            raise Throttled("HUNTS_PER_MINUTE is used up", retry_after=start - now, status=0)
        self._slots.append(start)
        return start - now
