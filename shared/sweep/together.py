"""
Ask for many hunts of a sweep in one call.

Only hunts whose rows were counted before share a call, and each call of this kind is sent once: what Graph does not
answer so, or not as it should, is asked for hunt by hunt (`asking`).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.catalog.query import MOST_CHARACTERS, MOST_HUNTS
from shared.errors import GraphError, PermissionDenied, Throttled
from shared.incident import waiting
from shared.kql.batch import batch_query
from shared.kql.write import fleet_leg
from shared.model.outcome import Window
from shared.outcomes.unpacking import unpack
from shared.state.refusals import BATCHES

from .asking import leave_time, wait_or_give_up
from .parts import FILL, Ask, Asked, Part
from .rows import why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.kql.write import Leg
    from shared.model.hunt import Hunt
    from shared.model.record import Plan
    from shared.outcomes.answer import Answer
    from shared.tools import Tools

    from .record import SweepRecord

log = logging.getLogger("outrider")

#: Rows that the columns of one hunt take in an answer to many; the widest of Defender's tables has fewer columns.
_COLUMNS = 100


class Swept(NamedTuple):
    """A hunt of a sweep, and its window."""

    hunt: Hunt
    window: Window

    def leg(self, whole: Window, then: str = "") -> Leg:
        """Write it over the whole fleet, for a call over the window *whole*; *then* follows its `summarize`."""
        sweep = self.hunt.sweep
        return fleet_leg(
            self.hunt.query,
            end=self.window.end,
            start=None if self.window == whole else self.window.start,
            summarize=f"{sweep.summarize.rstrip() if sweep else ''}{then}",
            applies_to=self.hunt.applies_to,
        )


def hunts_of(tools: Tools, plan: Plan) -> list[Swept]:
    """Return the hunts of *plan* that the app still has to sweep with, in its order."""
    known = tools.catalog.by_name
    return [
        Swept(hunt, planned.window)
        for planned in plan.hunts
        if (hunt := known.get(planned.name)) and hunt.sweep
    ]


def around(plan: Plan) -> Window:
    """Return the window that holds those of all hunts of *plan*, which must have one."""
    windows = [planned.window for planned in plan.hunts]
    return Window(min(window.start for window in windows), max(window.end for window in windows))


async def takes_batches(tools: Tools) -> bool:
    """Tell whether hunts may share a call: unless HUNT_BATCH is off, or this tenant was found to refuse that."""
    return tools.settings.batches and BATCHES not in await tools.refusals.known(tools.now())


async def send(
    tools: Tools, record: SweepRecord, call: str, legs: Mapping[str, Leg], whole: Window
) -> bytes | None:
    """
    Send one call for *legs* over the window *whole*, and return Graph's answer; *call* is its name in the record.

    None where a worker has sent it before, and where Graph refuses it, or has no answer within its limits. Raises Waiting
    if Graph may answer later, and GivenUp if the sweep has waited for too long; the call is then sent again only if Graph
    has not begun with it.
    """
    names = list(legs)
    if not await record.try_once(call, names):
        return None
    started = time.monotonic()
    raw = None
    try:
        raw = await tools.graph.run_hunting_query(batch_query(legs), whole.timespan, yielding=True)
    except (PermissionDenied, Throttled) as error:
        await record.try_again(call)
        raise wait_or_give_up(tools, error) from error
    except GraphError as error:
        if not (reason := waiting.why_final(error)):
            raise wait_or_give_up(tools, error) from error
        log.warning("sweep: %d hunts in one call, now one by one: %s", len(names), reason)
    tools.troubles.answered(tools.now())
    log.info("sweep: %d hunts in one call in %.1f s", len(names), time.monotonic() - started)
    return raw


def take_apart(raw: bytes, names: Iterable[str], most: int) -> dict[str, Answer]:
    """Return the answers in *raw*, by their hunts; none where it cannot be read, or may have been cut off."""
    try:
        answers = unpack(raw, names).answers
    except GraphError as error:
        log.warning("sweep: an answer to several hunts, now one by one: %s", error.message[:200])
        return {}
    rows = sum(len(each.schema) + len(each.results) + each.unreadable for each in answers.values())
    if rows >= most:
        log.warning("sweep: an answer to several hunts, now one by one: it has %d rows, and may be cut", rows)
        return {}
    return answers


async def ask_together(tools: Tools, plan: Plan, record: SweepRecord, started: float) -> None:
    """
    Ask for the hunts whose rows fit into one answer in one call, or in as few as possible, and record each.

    What is not answered so is left to `ask_all`: a hunt whose rows were not counted, or that shares its answer with no
    other; whose call failed; or of whose answer something cannot be read. Raises as `ask_all` does.
    """
    fleet = await record.fleet()
    if not fleet or len(fleet.rows) < 2 or not await takes_batches(tools):
        return
    whole = around(plan)
    left = await _left(tools, plan, record, fleet.rows)
    for group in _groups(left, fleet.rows, whole, record.most):
        leave_time(started)
        names = [each.hunt.name for each in group]
        legs = {each.hunt.name: each.leg(whole) for each in group}
        raw = await send(tools, record, f"rows/{names[0]}", legs, whole)
        if raw is None:
            continue
        async with tools.large_answers:
            answers = await asyncio.to_thread(take_apart, raw, names, record.most)
            del raw
            for each in group if answers else ():
                await _keep(tools, record, each.hunt, answers.pop(each.hunt.name, None))
            # As in `ask_all`: cycles in the libraries keep an answer in memory.
            gc.collect()


async def _left(tools: Tools, plan: Plan, record: SweepRecord, rows: Mapping[str, int]) -> list[Swept]:
    """Return the hunts whose rows were counted, and that nobody has asked for yet."""
    tried = await record.tried()
    return [
        each
        for each in hunts_of(tools, plan)
        if each.hunt.name in rows
        and each.hunt.name not in tried
        and not await record.asked(each.hunt.name)
        and not await record.summary(each.hunt.name)
    ]


async def _keep(tools: Tools, record: SweepRecord, hunt: Hunt, answer: Answer | None) -> None:
    """Record a hunt's answer as if it had been asked alone; one that is not whole, or odd, is left out."""
    new = hunt.sweep.new if hunt.sweep else ""
    reason = "it is not whole"
    if answer and not answer.unreadable:
        reason = await asyncio.to_thread(why_unreadable, answer, new)
    if answer is None or reason:
        log.warning(
            "sweep %s: asked alone, since its answer with others cannot be used: %s", hunt.name, reason
        )
        return
    rows = len(answer.results)
    raw = await asyncio.to_thread(msgspec.json.encode, answer)
    await record.end(hunt.name, Ask(Part()), Asked("whole", tools.now(), rows), raw)


def _groups(swept: list[Swept], rows: Mapping[str, int], whole: Window, most: int) -> list[list[Swept]]:
    """Divide hunts into as few calls as possible, in their order; those that would be alone in one are left out."""
    groups: list[list[Swept]] = []
    room: list[tuple[float, int]] = []
    for each in swept:
        size = rows[each.hunt.name] + _COLUMNS
        length = len(each.leg(whole).query)
        for n, group in enumerate(groups):
            free, characters = room[n]
            if size <= free and length <= characters and len(group) < MOST_HUNTS:
                group.append(each)
                room[n] = free - size, characters - length
                break
        else:
            groups.append([each])
            room.append((FILL * most - size, MOST_CHARACTERS - length))
    return [group for group in groups if len(group) > 1]
