"""
The flow: incident -> entities -> hunts, in parallel -> outcomes -> one comment.

`work_on` does whatever a run's record lacks, so it can be stopped at any point and called again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from . import comment, outcomes, planning, waiting
from .catalog import DEVICE_CARD, Catalog
from .contracts import CommentResult, Done, Plan, PlannedHunt, Status, Wait, Work
from .entities import Limits, same_device
from .errors import GraphError, NotFound, PermissionDenied, Throttled, TimedOut, Unavailable
from .findings import Found, device_cards, summarize
from .posting import post_once
from .waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from .graph import Graph, Incident
    from .outcomes import Outcome
    from .runs import Runs
    from .settings import Settings

log = logging.getLogger("outrider")

#: Shorter than functionTimeout (15 minutes), which would restart the worker and all else it does.
_DEADLINE = 600
#: An answer above this is summarised in a thread, one at a time: it takes about a second and 200 MB.
_LARGE = 2_000_000


class Tools(Struct, frozen=True):
    """What a run is done with."""

    settings: Settings
    graph: Graph
    runs: Runs
    catalog: Catalog
    report_url: Callable[[str], str] = lambda _: ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    large: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def limits(self) -> Limits:
        """The caps on what one run hunts for."""
        return Limits(self.settings.max_devices, self.settings.max_indicators, self.settings.ignored)


async def work_on(tools: Tools, run_id: str, *, again: bool = False) -> None:
    """
    Do what a run still lacks, or send it back to its queue to wait.

    *again* says that the run may have been worked on before. Raises only for what is a bug or a broken store.
    """
    run = await tools.runs.read(run_id)
    if run.done:
        return
    try:
        async with asyncio.timeout(_DEADLINE):
            plan, incident, read_at = await _plan(tools, run.work, run.plan)
            found = await _hunt_all(tools, run.work, plan, run.found)
            await _finish(
                tools, run.work, plan, found, incident, read_at, again=again or run.wait is not None
            )
    except TimeoutError:
        await _wait(tools, run.work, "it takes longer than 10 minutes and goes on where it was", timedelta(0))
    except Waiting as wait:
        await _wait(tools, run.work, wait.reason, wait.delay)


async def give_up(tools: Tools, run_id: str, reason: str, *, post: bool) -> None:
    """End a run that cannot be done: what is missing is *not run*, and *post* says so on the incident."""
    run = await tools.runs.read(run_id)
    if run.done:
        return
    plan = run.plan or Plan(failure=reason)
    for hunt in plan.hunts:
        if hunt.name not in run.found:
            run.found[hunt.name] = Found(hunt.name, failure=reason)
    try:
        async with asyncio.timeout(_DEADLINE):
            await _finish(tools, run.work, plan, run.found, None, None, again=True, post=post)
    except (Waiting, TimeoutError):
        await _finish(tools, run.work, plan, run.found, None, None, again=True, post=False)


async def _plan(tools: Tools, work: Work, known: Plan | None) -> tuple[Plan, Incident | None, float | None]:
    if known:
        return known, None, None
    incident = None
    if work.incident_id:
        try:
            incident = await tools.graph.get_incident(work.incident_id)
        except NotFound as error:
            failure = f"incident {work.incident_id} cannot be read: {error.message}"
            return await tools.runs.fix_plan(work.run_id, Plan(failure=failure)), None, None
        except GraphError as error:
            if not (reason := waiting.given_up(error, tools.now() - work.requested)):
                raise waiting.until_it_passes(error) from error
            return await tools.runs.fix_plan(work.run_id, Plan(failure=reason)), None, None
    read_at = time.monotonic()
    plan = planning.plan(work, incident, tools.catalog, tools.limits, tools.now())
    return await tools.runs.fix_plan(work.run_id, plan), incident, read_at


async def _hunt_all(tools: Tools, work: Work, plan: Plan, known: dict[str, Found]) -> dict[str, Found]:
    """Run the hunts that are not recorded yet, all at once; each is recorded the moment it ends."""
    missing = [hunt for hunt in plan.hunts if hunt.name not in known]
    ended = await asyncio.gather(
        *(_hunt(tools, work, plan, hunt) for hunt in missing), return_exceptions=True
    )
    errors = [result for result in ended if isinstance(result, BaseException)]
    # A bug comes before a wait, so that it is not hidden by one; all that was found is recorded by now.
    for error in sorted(errors, key=lambda error: isinstance(error, Waiting)):
        raise error
    return known | {result.hunt: result for result in ended if isinstance(result, Found)}


async def _hunt(tools: Tools, work: Work, plan: Plan, planned: PlannedHunt) -> Found:
    hunt = tools.catalog.by_name.get(planned.name)
    if hunt is None:
        return await tools.runs.record(
            work.run_id, Found(planned.name, failure="the app no longer has this hunt")
        )
    take = tools.settings.max_rows + 1
    query = planning.query(hunt, plan.chosen, take)
    started = time.monotonic()
    raw = b""
    try:
        raw = await tools.graph.run_hunting_query(query, planned.window.timespan)
        seconds = time.monotonic() - started
        if len(raw) > _LARGE:
            async with tools.large:
                found = await asyncio.to_thread(summarize, hunt, raw, max_rows=take - 1, seconds=seconds)
        else:
            found = summarize(hunt, raw, max_rows=take - 1, seconds=seconds)
    except GraphError as error:
        log.warning("hunt %s: %s %s %s", hunt.name, type(error).__name__, error.status, error.request_id)
        reason = waiting.final(error) or waiting.given_up(error, tools.now() - work.requested)
        if not reason:
            raise waiting.until_it_passes(error) from error
        found = Found(hunt.name, failure=reason, seconds=round(time.monotonic() - started, 3))
    log.info("hunt %s: %d rows in %.1f s", hunt.name, found.rows, found.seconds)
    return await tools.runs.record(work.run_id, found, raw)


async def _finish(
    tools: Tools,
    work: Work,
    plan: Plan,
    found: dict[str, Found],
    incident: Incident | None,
    read_at: float | None,
    *,
    again: bool,
    post: bool = True,
) -> None:
    cards = await _cards(tools, work, found)
    ended = _decide(tools, plan, found, cards)
    notes = (*plan.notes, *_namesakes(plan, cards))
    card = found.get(DEVICE_CARD)
    if card and card.failure:
        notes = (*notes, f"The device card could not be read: {card.failure}")
    content = comment.Content(
        work.run_id,
        plan.chosen,
        ended,
        tools.catalog.by_name,
        cards or (),
        notes,
        tools.report_url(work.run_id),
    )
    verdict = plan.failure or comment.verdict(content)
    results: tuple[CommentResult, ...] = ()
    if plan.incident_id:
        results = (await _comment(tools, work, plan, content, incident, read_at, again=again, post=post),)
    status = _status(plan, ended, results, card)
    done = Done(status, verdict, tools.now(), ended, results, cards or (), notes, plan.failure)
    await tools.runs.finish(work.run_id, done)
    log.info("run %s: %s, %d hunts", work.run_id, status, len(ended))


async def _comment(
    tools: Tools,
    work: Work,
    plan: Plan,
    content: comment.Content,
    incident: Incident | None,
    read_at: float | None,
    *,
    again: bool,
    post: bool,
) -> CommentResult:
    def off(reason: str) -> CommentResult:
        return CommentResult(plan.incident_id, "off", reason)

    if not post:
        return CommentResult(plan.incident_id, "failed", "the run ended before its comment could be written")
    if tools.settings.comments == "off":
        return off("COMMENTS is off")
    if not work.comment:
        return off("the request said comment: false")
    if not content.outcomes:
        return off("there is no device or indicator to hunt for, so there is nothing to say")
    text = comment.render_text(
        content,
        max_chars=tools.settings.comment_max_chars,
        secrets=tools.settings.mask_secrets == "on",
    )
    try:
        return await post_once(
            tools.graph,
            tools.runs,
            run_id=work.run_id,
            incident_id=plan.incident_id,
            text=text,
            digest=comment.digest(content.outcomes),
            fresh=incident if not again and read_at is not None and time.monotonic() - read_at < 30 else None,
            now=tools.now,
        )
    except GraphError as error:
        log.warning("comment: %s %s %s", type(error).__name__, error.status, error.request_id)
        reason = waiting.given_up(error, tools.now() - work.requested)
        if not reason and isinstance(error, PermissionDenied | Throttled | Unavailable | TimedOut):
            raise waiting.until_it_passes(error) from error
        return CommentResult(plan.incident_id, "failed", reason or error.message)


def _decide(
    tools: Tools, plan: Plan, found: dict[str, Found], cards: tuple[dict[str, str], ...] | None
) -> tuple[Outcome, ...]:
    hunts = tools.catalog.by_name
    ended = list(plan.skipped)
    for planned in plan.hunts:
        if planned.name == DEVICE_CARD:
            continue
        hunt = hunts.get(planned.name)
        result = found[planned.name]
        if hunt is None:
            reason = result.failure or "the app no longer has this hunt"
            ended.append(outcomes.Outcome(planned.name, planned.name, "notRun", reason))
            continue
        ended.append(outcomes.decide(hunt, result, planned.window, plan.chosen.devices, cards))
    return tuple(sorted(ended, key=lambda outcome: outcome.hunt))


async def _cards(tools: Tools, work: Work, found: dict[str, Found]) -> tuple[dict[str, str], ...] | None:
    card = found.get(DEVICE_CARD)
    if card is None or card.failure:
        return None
    raw = await tools.runs.findings(work.run_id, DEVICE_CARD)
    return device_cards(raw) if raw else None


def _namesakes(plan: Plan, cards: tuple[dict[str, str], ...] | None) -> tuple[str, ...]:
    """Say where a name stands for several devices, since all of them were hunted."""
    notes = []
    for device in plan.chosen.devices:
        if device.id:
            continue
        matching = [c for c in cards or () if same_device(device, c["DeviceId"], c["DeviceName"])]
        if len(matching) > 1:
            notes.append(f"{len(matching)} devices are called {device.name}; all of them were hunted")
    return tuple(notes)


def _status(
    plan: Plan, ended: tuple[Outcome, ...], comments: tuple[CommentResult, ...], card: Found | None
) -> Status:
    failed = [outcome for outcome in ended if outcome.outcome == "notRun"]
    if plan.failure or (failed and len(failed) == len(ended)):
        return "failed"
    if failed or (card and card.failure) or any(result.status == "failed" for result in comments):
        return "completedWithFailures"
    return "completed"


async def _wait(tools: Tools, work: Work, reason: str, delay: timedelta) -> None:
    """Send the run to itself, later. Sent before it is recorded: a message too many does no harm."""
    await tools.runs.send(work, delay)
    now = tools.now()
    await tools.runs.wait(work.run_id, Wait(reason, now + delay), now)
    log.warning("run %s waits %d s: %s", work.run_id, delay.total_seconds(), reason)
