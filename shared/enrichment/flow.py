"""
The flow: incident -> entities -> hunts, in parallel -> outcomes -> one comment.

`work_on` does whatever a run's record lacks, so it can be stopped at any point and called again.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.comment import saying as comment
from shared.comment.verdict import verdict
from shared.incident import reading as subject
from shared.incident.posting import post
from shared.incident.waiting import Waiting
from shared.model.record import CommentResult, Done, Plan, Wait, Work
from shared.outcomes.reading import Found
from shared.sweep import flow as sweeps
from shared.tools import Tools

from . import ending, planning
from .hunting import hunt_all

if TYPE_CHECKING:
    from shared.graph.answers import Incident
    from shared.state.runs import Run

log = logging.getLogger("outrider")

#: Shorter than functionTimeout (15 minutes), which would restart the worker and all else it does.
_DEADLINE = 600


async def work_on(tools: Tools, run_id: str, *, again: bool = False) -> None:
    """
    Do what a run still lacks, or send it back to its queue to wait.

    *again* says that the run may have been worked on before. Raises only for what is a bug or a broken store.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    with tools.telemetry.run(run_id, run.work.source):
        try:
            async with asyncio.timeout(_DEADLINE):
                await _work_on(tools, run, again=again or run.wait is not None)
        except TimeoutError:
            reason = "it takes longer than 10 minutes and goes on where it was"
            await _wait(tools, run.work, reason, timedelta(0))
        except Waiting as wait:
            await _wait(tools, run.work, wait.reason, wait.delay)


async def _work_on(tools: Tools, run: Run, *, again: bool) -> None:
    if run.work.source == "sweep":
        await sweeps.sweep(tools, run, again=again)
        return
    plan, fresh = await _plan(tools, run)
    found = await hunt_all(tools, run.work, plan, run.found)
    await _finish(tools, run.work, plan, found, fresh, again=again)


async def give_up(tools: Tools, run_id: str, reason: str, *, posting: bool) -> None:
    """End a run that cannot be done: what is missing is *not run*, and *posting* says so on the incident."""
    run = await tools.runs.read(run_id)
    if run.done:
        return
    if run.work.source == "sweep":
        await sweeps.give_up(tools, run, reason, careful=not posting)
        return
    plan = run.plan or Plan(failure=reason)
    for hunt in plan.hunts:
        if hunt.name not in run.found:
            run.found[hunt.name] = Found(hunt.name, failure=reason)
    with tools.telemetry.run(run_id, run.work.source):
        try:
            async with asyncio.timeout(_DEADLINE):
                await _finish(tools, run.work, plan, run.found, None, again=True, posting=posting)
        except (Waiting, TimeoutError):
            await _finish(tools, run.work, plan, run.found, None, again=True, posting=False)


async def _plan(tools: Tools, run: Run) -> tuple[Plan, tuple[Incident, float] | None]:
    """Take the stored plan, or read the incident and make one; the incident comes with when it was read."""
    work, runs = run.work, tools.runs
    if run.plan:
        return run.plan, None
    try:
        about, fresh = await subject.read(tools, work)
    except subject.Unreadable as error:
        return await runs.fix_plan(work.run_id, Plan(failure=str(error))), None
    plan = planning.plan(work, about, tools.catalog, tools.now())
    if work.only_new and plan.incident:
        wanted = planning.wanted(plan, tools.catalog)
        share = await tools.ledger.take(plan.incident, work.run_id, wanted, tools.now())
        plan = planning.narrow(plan, tools.catalog, share)
    return await runs.fix_plan(work.run_id, plan), fresh


async def _finish(
    tools: Tools,
    work: Work,
    plan: Plan,
    found: dict[str, Found],
    fresh: tuple[Incident, float] | None,
    *,
    again: bool,
    posting: bool = True,
) -> None:
    ended = await ending.decide(tools, work.run_id, plan, found)
    content = comment.Content(
        work.run_id,
        plan.chosen,
        ended.outcomes,
        tools.catalog.by_name,
        ended.cards,
        ended.notes,
        tools.report_url(work.run_id),
    )
    said = plan.failure or verdict(content)
    results: tuple[CommentResult, ...] = ()
    if plan.incident_id:
        with tools.telemetry.comment(plan.provider) as span:
            results = (await post(tools, work, plan, content, fresh, again=again, posting=posting),)
            span.set_attribute("outrider.status", results[0].status)
    # A dry run, or another window than the hunts' own, settles nothing for those that come after.
    if plan.incident and work.comment and work.lookback is None:
        await tools.ledger.close(plan.incident, work.run_id, ended.settled, tools.now())
    status = ending.status(plan, ended, results)
    done = Done(status, said, tools.now(), ended.outcomes, results, ended.cards, ended.notes, plan.failure)
    if await tools.runs.finish(work.run_id, done):
        tools.telemetry.ended(work, done)
    log.info("run %s: %s, %d hunts", work.run_id, status, len(ended.outcomes))


async def _wait(tools: Tools, work: Work, reason: str, delay: timedelta) -> None:
    """Send the run to itself, later. Sent before it is recorded: a message too many does no harm."""
    await tools.runs.send(work, delay)
    now = tools.now()
    await tools.runs.wait(work.run_id, Wait(reason, now + delay), now)
    if delay:
        tools.telemetry.parked()
    log.warning("run %s waits %d s: %s", work.run_id, delay.total_seconds(), reason)
