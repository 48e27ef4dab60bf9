"""A run, from its queue to its flow: its deadline, its waits, and its end where it cannot be done."""

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

#: Seconds. Shorter than functionTimeout (15 minutes), which would restart the worker and all else it does.
_DEADLINE = 600


async def work_on(tools: Tools, run_id: str, *, again: bool = False) -> None:
    """
    Do what a run still lacks, or send it back to its queue to wait.

    *again* says that the run may have been worked on before. Raises RunNotFound; anything else that is raised is a bug
    or a broken store.
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
    End a run that cannot be done: what it still lacks is *not run*, for *reason*.

    *posting* says so on the incident, too, unless that takes too long. Raises RunNotFound.
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
    """Send the run to itself, later. Sent before it is recorded: a message too many does no harm."""
    await tools.runs.send(work, delay)
    now = tools.now()
    await tools.runs.wait(work.run_id, Wait(reason, now + delay), now)
    if delay:
        tools.telemetry.parked()
    log.warning("run %s waits %d s: %s", work.run_id, delay.total_seconds(), reason)
