"""Work on a run that its queue has delivered: its deadline, its waits, and its end if it cannot be done."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.enrichment.flow import enrich, give_up_enrichment
from shared.errors import Waiting
from shared.model.record import Wait
from shared.sweep.flow import give_up_sweep, sweep

if TYPE_CHECKING:
    from shared.model.record import Work
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Seconds. Shorter than functionTimeout (15 minutes), which would restart the worker with all its runs.
_DEADLINE = 600
#: Counted from a run's first wait, whatever it waits for. With its last attempt, a run ends within the 25 hours
#: after which the ledger frees what it took.
_LONGEST_WAIT = timedelta(hours=24, minutes=30)


async def work_on(tools: Tools, run_id: str, *, again: bool = False) -> None:
    """
    Complete a run, or send it back to its queue to go on later.

    A run goes back if it must wait, or after 10 minutes, and so does a late look whose time has not come; one
    that has waited for 24 and a half hours is given up instead. *again* says that it may have been worked on
    before. A run that is done is left alone. Raises RunNotFound, and NotSent if the run cannot be sent back; anything
    else that is raised is a bug or a broken store.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    early = run.work.requested - tools.now()
    if run.work.source == "late" and early > timedelta(0):
        # Its time is further away than a message can be delayed. Whole seconds count, so one more.
        await tools.runs.send(run.work, early + timedelta(seconds=1))
        return
    again = again or run.wait is not None
    tools = tools.for_run(run)
    with tools.telemetry.run(run.work):
        try:
            async with asyncio.timeout(_DEADLINE):
                if run.work.kind == "sweep":
                    await sweep(tools, run, again=again)
                else:
                    await enrich(tools, run, again=again)
        except TimeoutError:
            wait = Waiting("it takes longer than 10 minutes and goes on where it was", timedelta(0))
        except Waiting as raised:
            wait = raised
        else:
            return
        left = (run.first_wait or tools.now()) + _LONGEST_WAIT - tools.now()
        if left > timedelta(0):
            # The queue counts whole seconds: one more, so that the last attempt does not come too early.
            await _wait(tools, run.work, wait.reason, min(wait.delay, left + timedelta(seconds=1)))
            return
    await give_up(tools, run_id, f"it has waited for more than 24 hours in all: {wait.reason}", posting=True)


async def give_up(tools: Tools, run_id: str, reason: str, *, posting: bool) -> None:
    """
    End a run that cannot be finished: what it still lacks is *not run*, for *reason*.

    With *posting*, the result is also posted on the incident, unless that has to wait or takes longer than 10
    minutes. A run that is done is left alone. Raises RunNotFound.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    tools = tools.for_run(run)
    end = give_up_sweep if run.work.kind == "sweep" else give_up_enrichment
    with tools.telemetry.run(run.work):
        try:
            async with asyncio.timeout(_DEADLINE):
                await end(tools, run, reason, posting=posting)
        except (Waiting, TimeoutError):
            await end(tools, run, reason, posting=False)


async def _wait(tools: Tools, work: Work, reason: str, delay: timedelta) -> None:
    """Send the run to its queue with a delay, then record why it waits: a message too many does no harm."""
    await tools.runs.send(work, delay)
    now = tools.now()
    await tools.runs.wait(work.run_id, Wait(reason, now + delay, tools.troubles.lasting), now)
    if delay:
        tools.telemetry.parked()
    log.warning("run %s waits %d s: %s", work.run_id, delay.total_seconds(), reason)
