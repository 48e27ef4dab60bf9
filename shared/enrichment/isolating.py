"""
Find out which of the hunts in a call Graph refuses, so that what is wrong with one costs the others nothing.

A refusal that names a table or a column takes out the hunts that use it; any other is halved. What takes too long is asked
in groups; what is too large, with a tenth of the rows. Only refusals of the query are remembered for other incidents, never
what an attacker on a device can cause: size and time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import BadQuery, ResultTooLarge, TimedOut, Waiting
from shared.incident import waiting
from shared.kql.read import read_query
from shared.state.refusals import A_HUNT, A_TABLE, BATCHES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from shared.catalog.query import Asked
    from shared.errors import GraphError
    from shared.model.hunt import Hunt

    from .asking import Asking

log = logging.getLogger("outrider")

#: Calls of the two rounds after a call that took too long: 13 in all.
_FIRST, _SECOND = 8, 5
_NAMED = re.compile(
    r"Failed to resolve (?P<kind>table or column|column or scalar|scalar|table|column)(?: expression)? named '(?P<name>[^']{1,200})'"
)
#: The query was stopped for what it costs, also where Graph calls it a bad one.
_PREEMPTED = re.compile(r"exceeded the allowed limits|preempted", re.IGNORECASE)


class Named(NamedTuple):
    """What a refusal says that the tenant does not have."""

    name: str
    table: bool


def hunt_key(hunt: Hunt) -> str:
    """Return the name under which the refusal of a hunt is remembered: of this version of its query alone."""
    text = f"{hunt.id}@{hunt.version}\n{hunt.query}"
    return f"hunt-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def table_key(table: str) -> str:
    """Return the name under which it is remembered that the tenant lacks a table."""
    return (
        f"table-{hashlib.sha256(table.encode()).hexdigest()[:32]}-{re.sub('[^A-Za-z0-9_]', '', table)[:60]}"
    )


class Isolating:
    """The calls of one run, and those that its refusals lead to."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._tools = asking.tools

    async def settle(self, asked: Sequence[Asked], take: int) -> None:
        """
        Ask for *asked* in one call, and in as many more as its refusal takes; each hunt has an answer or a reason then.

        Raises Waiting where Graph may answer later; what was answered by then is recorded.
        """
        if not self._asking.batched and len(asked) > 1:
            await together(self.settle([each], take) for each in asked)
        elif asked and (error := await self._asking.ask(asked, take)):
            await self._refused(asked, take, error)

    async def _refused(self, asked: Sequence[Asked], take: int, error: GraphError) -> None:
        if isinstance(error, ResultTooLarge):
            await self._too_large(asked, take, error)
        elif isinstance(error, TimedOut) or _PREEMPTED.search(error.message):
            await self._too_slow(asked, take, error)
        elif (
            (named := _named(error))
            and (users := [each for each in asked if _uses(each, named)])
            and (named.table or len(users) < len(asked) or len(asked) == 1)
        ):
            await self._end(users, error, named)
            await self.settle([each for each in asked if each not in users], take)
        elif len(asked) == 1:
            await self._alone(asked[0], take, error)
        else:
            await self._halved(asked, take)

    async def _halved(self, asked: Sequence[Asked], take: int) -> None:
        # One after the other: if the form is what is refused, the first hunt that is asked alone shows it.
        for half in halves(asked):
            await self.settle(half, take)

    async def _alone(self, asked: Asked, take: int, error: GraphError) -> None:
        """Ask for a refused hunt as it stands: if it is answered so, the tenant takes no batches."""
        if self._asking.batched and not self._asking.proven and isinstance(error, BadQuery):
            self._asking.batched = False
            again = await self._asking.ask([asked], take)
            if again is None:
                log.error("this tenant takes no batches (%s): set HUNT_BATCH=off", error.message[:200])
                until = self._tools.now() + A_TABLE
                await self._tools.refusals.remember(BATCHES, error.message[:1000], until)
                return
            self._asking.batched = True
            error = again
        await self._end([asked], error, _named(error))

    async def _too_large(self, asked: Sequence[Asked], take: int, error: GraphError) -> None:
        fewer = max(2, self._tools.settings.max_rows // 10)
        if take > fewer:
            await self.settle(asked, fewer)
        elif len(asked) > 1:
            await self._halved(asked, take)
        else:
            await self._asking.fail(_names(asked), waiting.why_final(error))

    async def _too_slow(self, asked: Sequence[Asked], take: int, error: GraphError) -> None:
        """Ask in groups, and for those of the groups that take too long again in other groups, or alone."""
        if len(asked) == 1:
            await self._asking.fail(_names(asked), _too_long(error, 1))
            return
        left = asked
        for calls in (_FIRST, _SECOND):
            groups = _groups(left, calls)
            failed = await asyncio.gather(
                *(self._once(group, take) for group in groups), return_exceptions=True
            )
            _raise_first(failed)
            left = [each for group, slow in zip(groups, failed, strict=True) if slow for each in group]
            for group, slow in zip(groups, failed, strict=True):
                if slow and (len(group) == 1 or calls == _SECOND):
                    await self._asking.fail(_names(group), _too_long(error, len(group)))
                    left = [each for each in left if each not in group]
            if not left:
                return

    async def _once(self, group: Sequence[Asked], take: int) -> bool:
        """Ask for a group in one call; return whether it takes too long."""
        error = await self._asking.ask(group, take)
        if error is None:
            return False
        if isinstance(error, TimedOut) or _PREEMPTED.search(error.message):
            return True
        await self._refused(group, take, error)
        return False

    async def _end(self, asked: Sequence[Asked], error: GraphError, named: Named | None) -> None:
        """Record that the tenant refuses hunts, and remember it."""
        now, words = self._tools.now(), error.message[:1000]
        if named and named.table:
            await self._asking.lack(_names(asked), named.name)
            await self._tools.refusals.remember(table_key(named.name), named.name, now + A_TABLE)
            return
        await self._asking.fail(_names(asked), waiting.why_final(error))
        if isinstance(error, BadQuery):
            for each in asked:
                await self._tools.refusals.remember(hunt_key(each.hunt), words, now + A_HUNT)


def _named(error: GraphError) -> Named | None:
    found = _NAMED.search(error.message) if isinstance(error, BadQuery) else None
    return Named(found["name"], "table" in found["kind"]) if found else None


def _uses(asked: Asked, named: Named) -> bool:
    reading = read_query(asked.hunt.query, scoped=asked.hunt.entity == "device")
    return named.name in (reading.reads if named.table and reading.reads is not None else reading.names)


def _too_long(error: GraphError, together: int) -> str:
    if together == 1:
        return (
            waiting.why_final(error)
            if isinstance(error, TimedOut)
            else f"Graph stopped the query: {error.message[:200]}"
        )
    return f"its query, or one of {together - 1} others in the same call, ran longer than Graph allows"


def _groups(asked: Sequence[Asked], most: int) -> list[list[Asked]]:
    """Divide hunts into at most so many groups of about the same size, in their order."""
    count = min(most, len(asked))
    bounds = [len(asked) * n // count for n in range(count + 1)]
    return [list(asked[start:end]) for start, end in pairwise(bounds)]


def halves(asked: Sequence[Asked]) -> list[list[Asked]]:
    """Divide hunts in two; one alone is left as it is."""
    middle = len(asked) // 2
    return [list(half) for half in (asked[:middle], asked[middle:]) if half]


def _names(asked: Sequence[Asked]) -> list[str]:
    return [each.hunt.name for each in asked]


async def together(calls: Iterable[Awaitable[None]]) -> None:
    """Await all *calls*; what one raises is raised once all have ended."""
    _raise_first(await asyncio.gather(*calls, return_exceptions=True))


def _raise_first(results: Sequence[object]) -> None:
    """Raise the first error among *results*; a bug before a wait, which would hide it."""
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in sorted(errors, key=lambda error: isinstance(error, Waiting)):
        raise error
