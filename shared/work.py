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


async def work_on(tools: Tools, run_id: str, *, again: bool = False) -> None:
    """
    Complete a run, or send it back to its queue to go on later.

    A run goes back if it must wait, or after 10 minutes. *again* says that it may have been worked on before.
    A run that is done is left alone. Raises RunNotFound, and NotSent if the run cannot be sent back; anything
    else that is raised is a bug or a broken store.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    again = again or run.wait is not None
    with tools.telemetry.run(run.work):
        try:
            async with asyncio.timeout(_DEADLINE):
                if run.work.kind == "sweep":
                    await sweep(tools, run, again=again)
                else:
                    await enrich(tools, run, again=again)
        except TimeoutError:
            reason = "it takes longer than 10 minutes and goes on where it was"
            await _wait(tools, run.work, reason, timedelta(0))
        except Waiting as wait:
            await _wait(tools, run.work, wait.reason, wait.delay)


async def give_up(tools: Tools, run_id: str, reason: str, *, posting: bool) -> None:
    """
    End a run that cannot be finished: what it still lacks is *not run*, for *reason*.

    With *posting*, the result is also posted on the incident, unless that has to wait or takes longer than 10
    minutes. A run that is done is left alone. Raises RunNotFound.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
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
    await tools.runs.wait(work.run_id, Wait(reason, now + delay), now)
    if delay:
        tools.telemetry.parked()
    log.warning("run %s waits %d s: %s", work.run_id, delay.total_seconds(), reason)
