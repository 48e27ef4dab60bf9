"""
What a listing of the hunting quota's objects tells, and what the store's clock shows.

`quota/places/{number}` is a place in the minute: it begins a tenth of a second after its last write for each byte that
it has. `quota/waiting/{order}.{who}` is a run that was refused: its turn comes so many seconds after its last write as it
has bytes. `quota/clock` is written by whoever asks for the time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from shared.pace import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .objects import Listed

FOLDER = "quota/"
CLOCK = f"{FOLDER}clock"
PLACES = f"{FOLDER}places/"
WAITING = f"{FOLDER}waiting/"
#: Seconds by which a call may be sent after its place begins.
LATE = 1.0
#: Seconds for which places are kept: those that count, those that begin within a minute, and a minute more.
KEPT = 180.0
#: Seconds. The clocks of this process and of the store run differently by less than a thousandth (NTP: 0.0005).
_STEADY, _EXACT = 0.999, 600.0


class Places(NamedTuple):
    """The places that are taken, as far as they count, and who waits for one."""

    #: The number of the next place.
    number: int
    #: The latest times at which the calls so far are sent, by number; infinite for one that is not known.
    begins: list[float]
    #: When the last one begins that did not do so at once: nobody overtakes it.
    floor: float
    #: Who was refused -> the name of its object; who was refused first is first.
    waiting: dict[str, str]
    #: The names of the objects that count no more.
    past: list[str]

    def ahead(self, line: str) -> int:
        """Return how many were refused before the one whose object is *line*; '' is for one that was not refused."""
        return sum(not line or each < line for each in self.waiting.values())

    @property
    def guessed(self) -> bool:
        """Whether somebody took a place since the listing: who waits may be fewer by now."""
        return bool(self.begins) and math.isinf(self.begins[-1])

    def beaten(self) -> Places:
        """Return the places after somebody took the next one, of which it is not known when it begins."""
        return self._replace(number=self.number + 1, begins=[*self.begins, math.inf])


def read(found: Iterable[Listed], now: float, most: int) -> Places:
    """
    Read a listing; *now* is the store's time, and *most* the number of calls in a minute.

    A number that is missing between two that count counts as the one after it: a folder that is listed while others
    write to it may leave one out.
    """
    objects = list(found)
    taken = {number: each for each in objects if (number := _number(each)) is not None}
    last = max(taken, default=0)
    # A place from the future is one from before the store's clock was set back.
    counting = {
        number: each for number, each in taken.items() if abs(each.modified + each.size / 10 - now) <= KEPT
    }
    begins: list[float] = []
    for number in range(last, max(min(counting, default=last + 1), last - most + 1) - 1, -1):
        each = counting.get(number)
        begins.append(_begin(each) + LATE if each else begins[-1] if begins else 0.0)
    refused = sorted((each, who) for each in objects if (who := _who(each)))
    waiting = {who: each.key for each, who in refused if now <= each.modified + each.size + GRACE}
    old = [each.key for number, each in taken.items() if number not in counting and number != last]
    return Places(
        last + 1,
        begins[::-1],
        max((_begin(each) for each in counting.values() if each.size), default=0.0),
        waiting,
        [*old, *(each.key for each, _ in refused if each.key not in waiting.values())],
    )


def latest(found: Iterable[Listed]) -> float:
    """Return when the newest place was taken, else when anything was written, 0 for nothing."""
    objects = list(found)
    places = [(number, each.modified) for each in objects if (number := _number(each)) is not None]
    return max(places)[1] if places else max((each.modified for each in objects), default=0.0)


def _number(each: Listed) -> int | None:
    name = each.key.removeprefix(PLACES)
    return int(name) if name != each.key and name.isdecimal() else None


def _who(each: Listed) -> str:
    order, _, who = each.key.removeprefix(WAITING).partition(".")
    return who if order.isdecimal() else ""


def _begin(each: Listed) -> float:
    """Return the latest time at which a place begins: Azure cuts the fractions of the second off."""
    return each.modified + (0.0 if each.modified % 1 else 1.0) + each.size / 10


class StoreClock:
    """The least that the store's clock shows, counted on from what it showed with *clock*, this process's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told, self._at = 0.0, -math.inf
        self._exact = -math.inf

    def now(self) -> float:
        """Return the seconds that the store's clock shows at least; 0 while nothing is known of it."""
        return self._told + (self._clock() - self._at) * _STEADY if self._told else 0.0

    @property
    def known(self) -> bool:
        """Whether it was exact, within a second or two, in the last 10 minutes."""
        return self._clock() - self._exact < _EXACT

    def saw(self, modified: float) -> None:
        """Take in that a listing, which has just come, shows an object of this time."""
        if modified > self.now():
            self._told, self._at = modified, self._clock()

    def wrote(self, modified: float, begun: float, ended: float) -> None:
        """Take in that an object that was written from *begun* to *ended*, by this process's clock, has this time."""
        passed = self._clock()
        # Later than that only if the store's clock was set back since: what was known is worth nothing.
        set_back = self.now() - (passed - begun) * _STEADY > modified + 2
        if set_back or modified > self.now() - (passed - ended) * _STEADY:
            self._told, self._at = modified, ended
        if ended - begun < LATE:
            self._exact = max(self._exact, ended)
