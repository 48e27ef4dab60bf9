"""
The watch: start a run for every incident that opened or changed.

One stored object holds how far the watch has looked, what it saw there, and which incidents still wait for a
run. It is written before runs are started, and again after. A watch that dies in between, or whose time is up,
starts the same runs again, which does no harm: a run's id is made from its incident and the incident's last
update. `turns` says who is next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.enrichment.planning import make_plan
from shared.enrichment.sharing import wanted
from shared.errors import GraphError, NotSent
from shared.incident.reading import from_defender
from shared.model.record import Work
from shared.model.times import read_time
from shared.model.watching import STATE, Pending, State
from shared.resuming import look_after
from shared.state.entry import Standing
from shared.state.returns import AGAIN
from shared.state.runs import run_id
from shared.state.standing import share
from shared.sweep.starting import send_again
from shared.turns import in_turn, is_fresh, is_minor, runs_between_looks

if TYPE_CHECKING:
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Time that every look covers again: Defender's clock may differ from ours, and it may take minutes until an
#: update is listed.
_OVERLAP = timedelta(minutes=15)
#: After an outage, incidents are listed in steps of this length. Each step is stored, so that a look that is
#: cut short loses little.
_STEP = timedelta(hours=6)
#: Incidents of which it is found out at the same time whether they have news.
_AT_ONCE = 8
#: The most incidents that one look considers: those that the ledger knows are read.
_MOST = 200
#: After as many looks that could not find out whether there is news, the run is started, and finds out.
_TRIES = 5
#: What a look makes of a waiting incident; *unsent* keeps its place, *unknown* goes to the end of the line.
End = Literal["started", "settled", "unsent", "unknown"]


class Within(Struct, frozen=True):
    """
    The seconds that parts of a look may take; all of them are less than functionTimeout (15 minutes).

    `resuming` is for runs that were cut off, `listing` for the list of incidents, `starting` for the runs, and
    `asking` for one incident's news.
    """

    resuming: float = 30
    listing: float = 240
    starting: float = 45
    asking: float = 10


_WITHIN = Within()


class LookCounts(Struct, frozen=True):
    """
    How many incidents a look found changed, started runs for, found nothing new in, and left waiting.

    `unreadable` counts those that were listed without a readable id, for which no run can be started. `cut`
    says that the list's time was up before anything was listed.
    """

    changed: int = 0
    started: int = 0
    settled: int = 0
    waiting: int = 0
    unreadable: int = 0
    cut: bool = False


async def look(tools: Tools, within: Within = _WITHIN) -> LookCounts:
    """
    Start a run for every incident that has something that was not hunted yet, by the incident's ledger.

    Incidents below WATCH_MIN_SEVERITY are left out, and those that are resolved or merged. As many runs are
    started as the hunting quota allows, in the order of `turns.in_turn`; the other incidents wait for the
    next look, as does what is not done *within* its time. First, runs that were cut off are sent again, and a
    sweep that its timer could not send. Raises GraphError if incidents cannot be listed; the next look goes on
    from the last step that was listed.
    """
    now = tools.now()
    await send_again(tools)
    raw = await tools.store.get(STATE)
    state = msgspec.json.decode(raw, type=State) if raw else State(now - tools.settings.watch_lookback, now)
    state = replace(state, open=await look_after(tools, state.open, within.resuming))
    gap = now - state.looked
    quota = runs_between_looks(min(gap, state.gap), tools.settings.hunts_per_minute, len(tools.catalog.hunts))
    state, changed, unreadable = await _list(tools, replace(state, gap=gap), within, now)
    ends = await _start_in_turn(tools, state, quota, within, now)
    started = {_run_of(each): now + AGAIN for each in state.pending if ends.get(each.id) == "started"}
    left = tuple(
        replace(each, joined=now, tries=each.tries + 1) if ends.get(each.id) == "unknown" else each
        for each in state.pending
        if ends.get(each.id) not in ("started", "settled")
    )
    state = replace(state, pending=left, turn=state.turn + len(ends), open=state.open | started)
    await _remember(tools, state)
    counted = Counter(ends.values())
    return LookCounts(
        changed, counted["started"], counted["settled"], len(left), unreadable, state.looked < now
    )


async def _list(tools: Tools, state: State, within: Within, now: datetime) -> tuple[State, int, int]:
    """List in steps what changed, until now or until the time is up; return how much that is, as `_walk` does."""
    changed, unreadable, more = 0, 0, True
    try:
        async with asyncio.timeout(within.listing):
            while more:
                until = state.since + _STEP
                # The last step has no end, and covers the overlap: what is listed late may be as old as that.
                more = until < now - _OVERLAP
                state, count, lost = await _walk(tools, state, until if more else None, now)
                changed, unreadable = changed + count, unreadable + lost
    except TimeoutError:
        log.warning("watch: not all incidents could be listed in time; the next look goes on")
    return state, changed, unreadable


async def _walk(tools: Tools, state: State, until: datetime | None, now: datetime) -> tuple[State, int, int]:
    """
    List the incidents updated by *until*, or all without it, and store what they change in the state.

    Also returns how many changed, and how many have no readable id.
    """
    listed = await tools.graph.list_incidents(state.since, until)
    since = until or now - _OVERLAP
    pending = {each.id: each for each in state.pending}
    seen: dict[str, str] = {}
    changed = 0
    for incident in listed.incidents:
        updated = incident.updated or ""
        if (read_time(updated) or now) >= since:
            seen[incident.id] = updated
        if updated == state.seen.get(incident.id):
            continue
        if incident.is_closed or is_minor(incident.severity, tools.settings.watch_min_severity):
            pending.pop(incident.id, None)
            continue
        changed += 1
        # Who changes while it waits keeps its place.
        before = pending.get(incident.id, Pending(incident.id, "", "", "", now))
        pending[incident.id] = replace(
            before, severity=incident.severity or "", created=incident.created or "", updated=updated
        )
    state = replace(
        state, since=max(since, state.since), looked=now, seen=seen, pending=tuple(pending.values())
    )
    await _remember(tools, state)
    return state, changed, listed.unreadable


async def _remember(tools: Tools, state: State) -> None:
    await tools.store.put(STATE, msgspec.json.encode(state))


async def _start_in_turn(
    tools: Tools, state: State, quota: int, within: Within, now: datetime
) -> dict[str, End]:
    """Start up to *quota* runs; return what came of every incident that was considered, by its id."""
    ends: dict[str, End] = {}
    line = in_turn(state.pending, state.turn, now)[:_MOST]
    try:
        async with asyncio.timeout(within.starting):
            while line and (room := quota - list(ends.values()).count("started")) > 0:
                batch = line[: min(room, _AT_ONCE)]
                del line[: len(batch)]
                news = await asyncio.gather(*(_find_out(tools, each, within, now) for each in batch))
                # One after the other: the queue keeps the order in which they are sent.
                for each, end in zip(batch, news, strict=True):
                    ends[each.id] = end or await _start(tools, each, now)
    except TimeoutError:
        log.warning("watch: not all runs could be started in time; the next look goes on")
    return ends


async def _find_out(tools: Tools, each: Pending, within: Within, now: datetime) -> End | None:
    """
    Return None if an incident's run is to be started: it has news, or 5 looks could not find that out.

    Starting it without need costs a message: the run finds out itself, and waits if it has to. Until then the
    incident goes to the end of the line.
    """
    if each.tries >= _TRIES:
        log.error("watch: incident %s: its run is started, news or not", each.id)
        return None
    try:
        async with asyncio.timeout(within.asking):
            return None if await _has_news(tools, each, now) else "settled"
    except (GraphError, TimeoutError) as error:
        log.warning("watch: incident %s waits for another look: %s", each.id, type(error).__name__)
    except Exception as error:  # noqa: BLE001  (the others must have their runs)
        log.error("watch: incident %s waits for another look: %s", each.id, type(error).__name__)  # noqa: TRY400  (its text may hold values)
    return "unknown"


async def _has_news(tools: Tools, each: Pending, now: datetime) -> bool:
    """
    Return whether an incident has something that was not hunted yet.

    One that the ledger does not know is not read here. Raises GraphError; NotFound may pass (it is listed first).
    """
    before = await tools.ledger.standing(f"defender-{each.id}")
    if before is None:
        return True
    incident = await tools.graph.get_incident(each.id)
    about = from_defender(incident, each.id, tools.limits, private=False)
    if about.id != each.id:
        before = await tools.ledger.standing(f"defender-{about.id}") or Standing()
    plan = make_plan(Work("", now, ""), about, tools.catalog, now, tools.policy)
    return bool(share(before, wanted(plan, tools.catalog), now).due)


def _run_of(each: Pending) -> str:
    """Return the id of the run that an incident's last update starts."""
    return run_id(f"watch:{each.id}:{each.updated}")


async def _start(tools: Tools, each: Pending, now: datetime) -> End:
    # What could not be read may hold a worker up, and does so where nobody waits.
    urgent = each.severity == "high" and is_fresh(each, now) and each.tries < _TRIES
    work = Work(
        _run_of(each), now, "", incident_id=each.id, queue="urgent" if urgent else "runs", source="watch"
    )
    try:
        await tools.runs.start(work, chosen_key=False)
    except NotSent:
        log.warning("watch: a run could not be sent; the next look tries again")
        return "unsent"
    return "started"
