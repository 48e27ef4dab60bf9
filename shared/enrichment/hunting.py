"""Run the hunts of a plan in parallel, and record each answer as soon as it arrives."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared import telemetry
from shared.catalog.query import hunt_query
from shared.errors import GraphError, Waiting
from shared.incident import waiting
from shared.model.finding import Found
from shared.model.hunt import DEVICE_CARD
from shared.outcomes.summarizing import summarize

if TYPE_CHECKING:
    from shared.model.record import Plan, PlannedHunt, Work
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Bytes. A larger answer is summarised in a thread, one at a time: that takes about a second and 200 MB.
_LARGE = 2_000_000


class Answers(NamedTuple):
    """Every hunt's answer by its name, and the answer with the device card's rows if Graph gave it just now."""

    found: dict[str, Found]
    card: bytes | None = None


async def hunt_all(tools: Tools, work: Work, plan: Plan, known: dict[str, Found]) -> Answers:
    """
    Run the hunts of *plan* that are not *known* yet; return the answers of all.

    A hunt that Graph refuses has the reason in `failure`. Raises Waiting if a hunt must be tried again later;
    the answers of the others are recorded by then.
    """
    missing = [hunt for hunt in plan.hunts if hunt.name not in known]
    ended = await asyncio.gather(
        *(_hunt(tools, work, plan, hunt) for hunt in missing), return_exceptions=True
    )
    errors = [result for result in ended if isinstance(result, BaseException)]
    # A bug is raised rather than a wait, which would hide it; every answer is recorded by now.
    for error in sorted(errors, key=lambda error: isinstance(error, Waiting)):
        raise error
    if not missing:
        return Answers(known)
    new = [result for result in ended if isinstance(result, tuple)]
    mine = known | {found.hunt: found for found, _ in new}
    agreed = await tools.runs.agreed(work.run_id, mine)
    card = next((raw for found, raw in new if found.hunt == DEVICE_CARD), None)
    return Answers(agreed, card if agreed.get(DEVICE_CARD) == mine.get(DEVICE_CARD) else None)


async def _hunt(tools: Tools, work: Work, plan: Plan, planned: PlannedHunt) -> tuple[Found, bytes | None]:
    """Return a hunt's answer, and for the device card the raw one, unless another worker was first."""
    with tools.telemetry.hunt(planned.name) as span:
        found, raw = await _ask(tools, work, plan, planned)
        (stored,) = await tools.runs.record(work.run_id, (found,), raw)
        mine = planned.name == DEVICE_CARD and stored == found
        found = stored
        span.set_attribute("outrider.rows", found.rows)
        if found.failure:
            telemetry.failed(span, "notRun")
        return found, raw if mine else None


async def _ask(tools: Tools, work: Work, plan: Plan, planned: PlannedHunt) -> tuple[Found, bytes]:
    hunt = tools.catalog.by_name.get(planned.name)
    if hunt is None:
        return Found(planned.name, failure="the app no longer has this hunt"), b""
    take = tools.settings.max_rows + 1
    query = hunt_query(hunt, plan.entities(planned), take, planned.window.end)
    started = time.monotonic()
    raw = b""
    try:
        # A late look leaves the quota to fresh incidents, and has no place among them.
        late = work.source == "late"
        raw = await tools.graph.run_hunting_query(
            query,
            planned.window.timespan,
            yielding=late,
            name="" if late else f"{work.run_id} {hunt.name}",
        )
        summary = partial(
            summarize,
            hunt,
            max_rows=take - 1,
            seconds=time.monotonic() - started,
            indicators=plan.of_incident.indicators,
        )
        if len(raw) > _LARGE:
            async with tools.large_answers:
                found = await asyncio.to_thread(summary, raw)
        else:
            found = summary(raw)
    except GraphError as error:
        log.warning("hunt %s: %s %s %s", hunt.name, type(error).__name__, error.status, error.request_id)
        reason = waiting.why_final(error)
        at = tools.now() if reason else None
        if not reason and not (reason := waiting.why_given_up(tools, error)):
            raise waiting.wait_for(error) from error
        found = Found(hunt.name, failure=reason, seconds=round(time.monotonic() - started, 3), at=at)
    else:
        found = replace(found, at=tools.now())
    if found.at:
        tools.troubles.answered(found.at)
    log.info("hunt %s: %d rows in %.1f s", hunt.name, found.rows, found.seconds)
    return found, raw
