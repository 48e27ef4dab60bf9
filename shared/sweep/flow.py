"""
The flow of a sweep: every hunt with a `sweep` block -> the whole fleet -> what is new since yesterday.

Queries run one at a time, so that incidents have the tenant's quota whenever they need it. `sweep` does only
what the run's record does not hold yet, so it can be stopped at any point and called again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import GivenUp, OutriderError
from shared.model.outcome import Outcome, Window
from shared.model.record import Done, Plan, PlannedHunt

from . import ending
from .asking import ask_all
from .comments import Comments, comment_on_incidents
from .counting import count_fleet
from .fleet import Fleet
from .parts import ROW_LIMIT
from .record import SweepRecord
from .starting import send_again
from .survey import survey
from .tally import Tally
from .together import ask_together, hunts_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from shared.catalog.load import Catalog
    from shared.model.hunt import Hunt, Sweep
    from shared.model.record import Run, Work
    from shared.tools import Tools

    from .summary import SweepSummary

log = logging.getLogger("outrider")


async def sweep(tools: Tools, run: Run, *, again: bool, most: int = ROW_LIMIT) -> None:
    """
    Complete a sweep: do whatever its record does not hold yet.

    *again* says that an earlier delivery may have worked on it. An answer of *most* rows or more counts as
    cut off. Raises Waiting if the sweep must go on later.
    """
    started, work = time.monotonic(), run.work
    record = SweepRecord(tools.store, work.run_id, most)
    plan = run.plan or await tools.runs.store_plan(work.run_id, _plan(work, tools.catalog, tools.now()))
    reason = ""
    try:
        await count_fleet(tools, plan, record)
        await ask_together(tools, plan, record, started)
        for hunt, window in hunts_of(tools, plan):
            if not await record.summary(hunt.name):
                await ask_all(tools, record, hunt, window, started)
    except GivenUp as given_up:
        reason = str(given_up)
    await _finish(tools, work, plan, record, reason, again=again)


async def give_up_sweep(tools: Tools, run: Run, reason: str, *, posting: bool, most: int = ROW_LIMIT) -> None:
    """
    End a sweep that cannot be finished, with the answers it has; the rest is *not run*, for *reason*.

    With *posting*, comments are posted, and Waiting is raised if that is only possible later. Without,
    nothing is posted and no stored rows are read, since reading them may be what stopped the worker: a hunt
    that has no summary yet is then *not run*. *most* is as in `sweep`.
    """
    record = SweepRecord(tools.store, run.work.run_id, most)
    plan = run.plan or Plan(failure=reason)
    await _finish(tools, run.work, plan, record, reason, again=True, tally=posting, posting=posting)


def _plan(work: Work, catalog: Catalog, now: datetime) -> Plan:
    hunts = [
        PlannedHunt(hunt.name, Window(now - _lookback(hunt, hunt.sweep), now))
        for hunt in catalog.hunts
        if hunt.sweep and (not work.hunts or hunt.name in work.hunts)
    ]
    reasons = dict.fromkeys(work.hunts, "the app no longer has this hunt to sweep with")
    gone = sorted(reasons.keys() - {planned.name for planned in hunts})
    skipped = (Outcome(name, name, "notRun", reasons[name]) for name in gone)
    return Plan(hunts=tuple(hunts), skipped=tuple(skipped), made=now)


def _lookback(hunt: Hunt, sweep: Sweep) -> timedelta:
    """Return how far back a hunt sweeps: no further than its query itself looks."""
    return sweep.lookback if hunt.reach is None else min(sweep.lookback, hunt.reach)


async def _finish(
    tools: Tools,
    work: Work,
    plan: Plan,
    record: SweepRecord,
    reason: str,
    *,
    again: bool,
    tally: bool = True,
    posting: bool = True,
) -> None:
    """Summarise every hunt, comment on open incidents, and record how the sweep ended."""
    fleet = await record.fleet() or Fleet(failure=reason)
    summaries: list[SweepSummary] = []
    outcomes = list(plan.skipped)
    for planned in plan.hunts:
        hunt = tools.catalog.by_name.get(planned.name)
        if hunt is None or hunt.sweep is None:
            gone = "the app no longer has this hunt to sweep with"
            outcomes.append(Outcome(planned.name, planned.name, "notRun", gone))
            continue
        summary = await _summarize(tools, record, hunt, planned.window, fleet, reason, tally=tally)
        summaries.append(summary)
        outcomes.append(ending.sweep_outcome(summary, fleet))
    comments = Comments()
    if posting:
        comments = await comment_on_incidents(tools, work, record, tuple(summaries), again=again)
    failed = (f"How many devices there are could not be read: {fleet.failure}",) if fleet.failure else ()
    notes = (*failed, *comments.notes)
    status = ending.sweep_status(outcomes, ending.coverage(summaries), comments.results)
    said = plan.failure or ending.sweep_verdict(summaries, outcomes)
    done = Done(status, said, tools.now(), tuple(outcomes), comments.results, (), notes, plan.failure)
    if await tools.runs.finish(work, done, plan):
        tools.telemetry.ended(work, done)
        await send_again(tools, older=timedelta(0))
    log.info("sweep %s: %s, %d hunts", work.run_id, status, len(outcomes))


async def _summarize(
    tools: Tools, record: SweepRecord, hunt: Hunt, window: Window, fleet: Fleet, reason: str, *, tally: bool
) -> SweepSummary:
    """Summarise the parts that were answered; those that were not asked for are lost, for *reason*."""
    if stored := await record.summary(hunt.name):
        return stored
    found = survey(await record.asked(hunt.name) if tally else {}, record.most)
    found.lost += [(ask.part, reason) for ask in found.pending]
    counted = Tally(hunt, window)
    for read in (counted.count, counted.rank):
        for each in tuple(found.whole):
            try:
                async with tools.large_answers:
                    # No variable holds the part, up to 50 MB: it would stay in memory while the next is read.
                    await asyncio.to_thread(read, await record.rows(hunt.name, each[0]))
            except OutriderError as error:
                found.whole.remove(each)
                found.lost.append((each[0], str(error)))
    return await record.keep_summary(counted.summary(found, fleet.size(hunt.applies_to)))
