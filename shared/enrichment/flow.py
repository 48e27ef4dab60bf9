"""
The flow of an enrichment: incident -> entities -> hunts, in parallel -> outcomes -> one comment.

`enrich` does only what the run's record does not hold yet, so it can be stopped at any point and called
again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.comment.content import Content
from shared.comment.verdict import verdict
from shared.errors import UnreadableIncident
from shared.incident.posting import post
from shared.incident.reading import read_incident
from shared.model.entity import Chosen
from shared.model.finding import Found
from shared.model.record import Done, Plan

from .ending import decide_all, run_status
from .hunting import Answers, hunt_all
from .late import late_note, late_work
from .planning import make_plan
from .sharing import take_share

if TYPE_CHECKING:
    from shared.model.incident import Snapshot
    from shared.model.record import CommentResult, Run, Work
    from shared.state.standing import Log
    from shared.tools import Tools

    from .ending import Decision

log = logging.getLogger("outrider")


async def enrich(tools: Tools, run: Run, *, again: bool) -> None:
    """
    Complete an enrichment: do whatever its record does not hold yet.

    *again* says that an earlier delivery may have worked on it. Raises Waiting if the run must go on later.
    """
    begun = await _plan(tools, run)
    answers = await hunt_all(tools, run.work, begun.plan, run.found)
    await _finish(tools, run.work, begun, answers, again=again)


async def give_up_enrichment(tools: Tools, run: Run, reason: str, *, posting: bool) -> None:
    """
    End an enrichment that cannot be finished, with the answers it has.

    Hunts without an answer are *not run*, for *reason*. With *posting* the comment is posted, and Waiting is
    raised if that is only possible later; without, nothing is posted.
    """
    plan = run.plan or Plan(failure=reason)
    for hunt in plan.hunts:
        if hunt.name not in run.found:
            run.found[hunt.name] = Found(hunt.name, failure=reason)
    await _finish(tools, run.work, _Begun(plan), Answers(run.found), again=True, posting=posting)


class _Begun(NamedTuple):
    """A run's plan; and where this delivery made it, the incident and its log in the ledger as they were then."""

    plan: Plan
    snapshot: Snapshot | None = None
    log: Log | None = None


async def _plan(tools: Tools, run: Run) -> _Begun:
    """Return the stored plan, or read the incident, make a plan and store it."""
    work = run.work
    if run.plan:
        return _Begun(run.plan)
    try:
        subject, snapshot = await read_incident(tools, work)
    except UnreadableIncident as error:
        return _Begun(await _keep(tools, work, Plan(failure=str(error))))
    if work.source == "late" and subject and subject.closed:
        closed = make_plan(work, replace(subject, chosen=Chosen()), tools.catalog, tools.now(), tools.policy)
        note = "The incident was closed before its window was over: it was not looked at again"
        return _Begun(await _keep(tools, work, replace(closed, notes=(*closed.notes, note))))
    log = None
    plan = make_plan(work, subject, tools.catalog, tools.now(), tools.policy)
    if plan.incident:
        plan, log = await take_share(tools, work, plan)
    return _Begun(await _keep(tools, work, plan), snapshot, log)


async def _keep(tools: Tools, work: Work, plan: Plan) -> Plan:
    """Store a plan with its time, and return the one that is stored."""
    return await tools.runs.store_plan(work.run_id, replace(plan, made=tools.now()))


async def _finish(
    tools: Tools,
    work: Work,
    begun: _Begun,
    answers: Answers,
    *,
    again: bool,
    posting: bool = True,
) -> None:
    """Decide how every hunt ended, post the comment, update the ledger, and record how the run ended."""
    plan = begun.plan
    decision = await decide_all(tools, work.run_id, plan, *answers)
    notes = (*decision.notes, *late_note(tools, work, plan, decision))
    content = Content(
        work.run_id,
        plan.chosen,
        decision.outcomes,
        tools.catalog.by_name,
        decision.cards,
        notes,
        tools.report_url(work.run_id),
        named=plan.of_incident,
    )
    results: tuple[CommentResult, ...] = ()
    if plan.incident_id:
        with tools.telemetry.comment(plan.provider) as span:
            results = (await post(tools, work, plan, content, begun.snapshot, again=again, posting=posting),)
            span.set_attribute("outrider.status", results[0].status)
        await _settle(tools, work, begun, decision, results[0])
    done = Done(
        run_status(plan, decision, results),
        plan.failure or verdict(content, mask=tools.settings.masks),
        tools.now(),
        decision.outcomes,
        results,
        decision.cards,
        notes,
        plan.failure,
    )
    if await tools.runs.finish(work, done, plan, answers.found):
        tools.telemetry.ended(work, done)
    log.info("run %s: %s, %d hunts", work.run_id, done.status, len(done.outcomes))


async def _settle(
    tools: Tools, work: Work, begun: _Begun, decision: Decision, comment: CommentResult
) -> None:
    """Start the late look, and record in the ledger what was looked at and what stands on the incident."""
    plan = begun.plan
    unsaid = comment.status == "failed"
    stands = comment.status in ("written", "alreadyThere")
    if late := late_work(tools, work, plan, decision, unsaid=unsaid):
        await tools.runs.start(late, chosen_key=False, delay=late.requested - tools.now())
    if not (plan.incident and work.comment):
        return
    # What was not told is hunted again, and so is what a run with a lookback of its own has hunted.
    looked = {} if unsaid or not work.counts else decision.looked
    await tools.ledger.close(
        plan.incident,
        work.run_id,
        tools.now(),
        ended=[key for key, over in looked.items() if over is None],
        looked={key: over for key, over in looked.items() if over},
        told=decision.findings if stands else (),
        said=work.counts and (stands or plan.follow_up) and not unsaid,
        log=begun.log,
    )
