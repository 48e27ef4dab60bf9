"""
Work on a run that its queue has delivered: its place in this process, its deadline, its waits, and its end.

A run that comes back, since a worker that had it died, works alone in its process (`company`), and records that
before. Only starts alone that did not end count against it: after three, it is given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.enrichment.flow import enrich, give_up_enrichment
from shared.errors import Waiting
from shared.model.record import Wait
from shared.sweep.flow import give_up_sweep, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.company import Place
    from shared.model.record import Returns, Run
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Seconds. Shorter than functionTimeout (15 minutes), which would restart the worker with all its runs.
_DEADLINE = 600
#: Counted from a run's first wait, whatever it waits for. With its last attempt, a run ends within the 25 hours
#: after which the ledger frees what it took.
_LONGEST_WAIT = timedelta(hours=24, minutes=30)
#: After as many starts alone that did not end, a run is given up.
_DEATHS = 3
#: Until a run that has to leave comes again; a sweep leaves more room.
_SOON = timedelta(seconds=2)
_SWEEPS_LATER = timedelta(seconds=30)
#: Seconds that a run waits for the others to leave, which have 20 at the most.
_TO_BE_ALONE = 60
#: Who is refused again and again records it as often, so that nobody takes it for cut off.
_STILL_HERE = timedelta(seconds=20)


class Pulse(Struct, frozen=True):
    """
    When a run at work says that it lives: `first` seconds after it began, then every `every` seconds.

    An ordinary run ends before, and so writes nothing more. Both are well below the 45 seconds of silence after
    which a run counts as cut off (`resuming`).
    """

    first: float = 30
    every: float = 20


_PULSE = Pulse()


async def work_on(tools: Tools, run_id: str, *, again: bool = False, pulse: Pulse = _PULSE) -> None:
    """
    Complete a run, or send it back to its queue to go on later.

    A run goes back if it must wait, after 10 minutes, or where it may not work now (`Company.admits`), and so does
    a late look whose time has not come; one that has waited for 24 and a half hours is given up instead. *again*
    says that its message was delivered before: the worker may have died of it. A run that is done is left alone.
    Raises RunNotFound, and NotSent if the run cannot be sent back; anything else that is raised is a bug or a
    broken store.
    """
    with tools.company.joined() as place:
        run = await tools.runs.read(run_id)
        if run.done:
            return
        early = run.work.requested - tools.now()
        if run.work.source == "late" and early > timedelta(0):
            # Its time is further away than a message can be delayed. Whole seconds count, so one more.
            await tools.runs.send(run.work, early + timedelta(seconds=1))
            return
        alone = again or run.returns.suspect
        if not tools.company.admits(place, run_id, alone=alone, sweeps=run.work.kind == "sweep"):
            await _leave(tools, run, again=again)
            return
        if run.work.source == "late" and not run.plan:
            await tools.runs.open(run_id)
        tools = tools.for_run(run)
        async with _alive(tools, run_id, pulse):
            if alone:
                await _work_alone(tools, run, place)
            elif waiting := await _work(tools, run, place, again=bool(run.wait or run.returns.last)):
                await _wait(tools, run, waiting)


async def come_back(tools: Tools, run_id: str) -> None:
    """
    Send a run to its queue again that was delivered 5 times without an end, unless it is done.

    It may have died of others each time: it starts alone next, and what it does then decides. Raises RunNotFound,
    NotSent.
    """
    run = await tools.runs.read(run_id)
    if not run.done:
        await tools.runs.came_back(run_id, "back", tools.now())
        await tools.runs.send(run.work, _SOON)


async def _leave(tools: Tools, run: Run, *, again: bool) -> None:
    """Send a run to its queue again that may not work now; one that came back records that, so that it still counts."""
    now = tools.now()
    if (again and not run.returns.suspect) or (run.returns.suspect and now - run.written > _STILL_HERE):
        await tools.runs.came_back(run.work.run_id, "back", now)
    await tools.runs.send(run.work, _SWEEPS_LATER if run.work.kind == "sweep" else _SOON)


async def _work_alone(tools: Tools, run: Run, place: Place) -> None:
    """Work on a run that came back, once nobody else is in this process; give it up after three such starts."""
    run_id = run.work.run_id
    try:
        async with asyncio.timeout(_TO_BE_ALONE):
            await tools.company.emptied(place)
    except TimeoutError:
        await _leave(tools, run, again=True)
        return
    await tools.runs.came_back(run_id, "alone", tools.now())
    # Who came meanwhile was refused, and leaves.
    await tools.company.emptied(place)
    try:
        if run.returns.deaths >= _DEATHS:
            # Commenting may be what stops the worker, so that is tried once.
            await give_up(tools, run_id, _why(run.returns), posting=run.returns.deaths == _DEATHS)
            return
        waiting = await _work(tools, run, place, again=True)
    except Exception as error:
        await tools.runs.came_back(run_id, "failed", tools.now(), type(error).__name__)
        raise
    if waiting:
        await tools.runs.came_back(run_id, "ended", tools.now())
        await _wait(tools, run, waiting)


def _why(returns: Returns) -> str:
    """Return why a run is given up after its starts alone."""
    if len(returns.failures) >= returns.deaths:
        return f"the run failed {returns.deaths} times ({returns.failures[-1]}); the app's log says where"
    return f"the run stopped its worker {returns.deaths} times while it was alone in it; the app's log says where"


async def _work(tools: Tools, run: Run, place: Place, *, again: bool) -> Waiting | None:
    """
    Do what a run's record does not hold yet; return why and how long it must wait if it is not done then.

    *again* says that an earlier delivery may have worked on it.
    """
    do = sweep if run.work.kind == "sweep" else enrich
    with tools.telemetry.run(run.work):
        try:
            async with place.within(_DEADLINE):
                await do(tools, run, again=again)
        except TimeoutError:
            if place.hurried:
                return Waiting("it makes room for another run, and goes on where it was", _SOON)
            return Waiting("it takes longer than 10 minutes and goes on where it was", timedelta(0))
        except Waiting as waiting:
            if waiting.delay:
                tools.telemetry.parked()
            return waiting
    return None


async def _wait(tools: Tools, run: Run, waiting: Waiting) -> None:
    """
    Send the run to its queue with a delay, then record why it waits: a message too many does no harm.

    After 24 and a half hours of waiting it is given up instead.
    """
    reason, run_id = waiting.reason, run.work.run_id
    left = (run.first_wait or tools.now()) + _LONGEST_WAIT - tools.now()
    if left <= timedelta(0):
        await give_up(tools, run_id, f"it has waited for more than 24 hours in all: {reason}", posting=True)
        return
    # The queue counts whole seconds: one more, so that the last attempt does not come too early.
    delay = min(waiting.delay, left + timedelta(seconds=1))
    await tools.runs.send(run.work, delay)
    now = tools.now()
    await tools.runs.wait(run_id, Wait(reason, now + delay, tools.troubles.lasting), now)
    log.warning("run %s waits %d s: %s", run_id, delay.total_seconds(), reason)


async def give_up(tools: Tools, run_id: str, reason: str, *, posting: bool) -> None:
    """
    End a run that cannot be finished: what it still lacks is *not run*, for *reason*.

    With *posting*, the result is also posted on the incident, unless that has to wait or takes longer than 10
    minutes. A run that is done is left alone. Raises RunNotFound.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    log.error("run %s is given up: %s", run_id, reason)
    tools = tools.for_run(run)
    end = give_up_sweep if run.work.kind == "sweep" else give_up_enrichment
    with tools.telemetry.run(run.work):
        try:
            async with asyncio.timeout(_DEADLINE):
                await end(tools, run, reason, posting=posting)
        except (Waiting, TimeoutError):
            await end(tools, run, reason, posting=False)


@contextlib.asynccontextmanager
async def _alive(tools: Tools, run_id: str, pulse: Pulse) -> AsyncIterator[None]:
    """Say while the block lasts that the run is worked on, if it lasts long."""

    async def beat() -> None:
        await asyncio.sleep(pulse.first)
        while True:
            try:
                await tools.runs.live(run_id, tools.now())
            except Exception as error:  # noqa: BLE001  (the work tells what is wrong with the store)
                log.warning("run %s: that it lives could not be stored: %s", run_id, type(error).__name__)
            await asyncio.sleep(pulse.every)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
