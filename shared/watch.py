"""
The watch: start a run for every incident that opened or changed.

One stored object holds how far the watch has looked, what it saw there, and which incidents still wait for a
run. It is written before runs are started, and again after. A watch that dies in between starts the same runs
again, which does no harm: a run's id is made from its incident and the incident's last update.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.enrichment.planning import make_plan
from shared.enrichment.sharing import wanted
from shared.errors import GraphError, NotFound, NotSent
from shared.incident.reading import from_defender
from shared.model.record import Work
from shared.model.times import read_time
from shared.state.ledger import share
from shared.state.runs import run_id

if TYPE_CHECKING:
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Time that every look covers again: Defender's clock may differ from ours, and it may take minutes until an
#: update is listed.
_OVERLAP = timedelta(minutes=15)
#: After an outage, incidents are listed in steps of this length. Each step is stored, so that a look that is
#: cut short loses little.
_STEP = timedelta(hours=6)
#: An incident that changed longer ago is backlog: it is started as the quota allows, and new ones go first.
_FRESH = timedelta(minutes=15)
_AT_ONCE = 8
_SEVERITIES = ("informational", "low", "medium", "high")
_STATE = "watch/state"


class Pending(Struct, frozen=True, omit_defaults=True):
    """An incident that waits for its run; the times are as Graph writes them, '' if there is none."""

    id: str
    severity: str
    created: str
    updated: str


class State(Struct, frozen=True, omit_defaults=True):
    """
    What the watch stores.

    The next look begins at `since`; the last one was at `looked`. `seen` has the incidents updated since
    `since`, by their id, with the time of their last update, so that the overlap of two looks starts nothing
    twice. `pending` has those that wait for a run.
    """

    since: datetime
    looked: datetime
    seen: dict[str, str] = {}
    pending: tuple[Pending, ...] = ()


class LookCounts(Struct, frozen=True):
    """
    How many incidents a look found changed, started runs for, found nothing new in, and left waiting.

    `unreadable` counts those that were listed without a readable id, for which no run can be started.
    """

    changed: int = 0
    started: int = 0
    settled: int = 0
    waiting: int = 0
    unreadable: int = 0


async def look(tools: Tools) -> LookCounts:
    """
    Start a run for every incident that has something that was not hunted yet, by the incident's ledger.

    Incidents below WATCH_MIN_SEVERITY are left out, and those that are resolved or merged. Backlog is started
    as far as the hunting quota allows. Raises GraphError if incidents cannot be listed; the next look goes on
    from the last step that was listed.
    """
    now = tools.now()
    raw = await tools.store.get(_STATE)
    state = msgspec.json.decode(raw, type=State) if raw else State(now - tools.settings.watch_lookback, now)
    quota = _quota(tools, now - state.looked)
    changed, unreadable, more = 0, 0, True
    while more:
        until = state.since + _STEP
        more = until < now
        state, count, lost = await _walk(tools, state, until if more else None, now)
        changed, unreadable = changed + count, unreadable + lost
    chosen = _first(state.pending, now, quota)
    gate = asyncio.Semaphore(_AT_ONCE)
    news = await asyncio.gather(*(_has_news(tools, gate, each, now) for each in chosen))
    # One after the other: the queue keeps the order in which they are sent.
    ends = [await _start(tools, each, now) if new else new for each, new in zip(chosen, news, strict=True)]
    over = {each for each, end in zip(chosen, ends, strict=True) if end is not None}
    state = replace(state, pending=tuple(each for each in state.pending if each not in over))
    await _remember(tools, state)
    return LookCounts(changed, ends.count(True), ends.count(False), len(state.pending), unreadable)


async def _walk(tools: Tools, state: State, until: datetime | None, now: datetime) -> tuple[State, int, int]:
    """
    List the incidents updated by *until*, or all without it, and store what they change in the state.

    Also returns how many changed, and how many have no readable id.
    """
    listed = await tools.graph.list_incidents(state.since, until)
    since = until or now - _OVERLAP
    lowest = _SEVERITIES.index(tools.settings.watch_min_severity)
    pending = {each.id: each for each in state.pending}
    seen: dict[str, str] = {}
    changed = 0
    for incident in listed.incidents:
        updated = incident.updated or ""
        if (read_time(updated) or now) >= since:
            seen[incident.id] = updated
        if updated == state.seen.get(incident.id):
            continue
        # A severity that is not known here ranks highest: nothing says that it is low.
        rank = _SEVERITIES.index(incident.severity) if incident.severity in _SEVERITIES else len(_SEVERITIES)
        if incident.is_closed or rank < lowest:
            pending.pop(incident.id, None)
            continue
        changed += 1
        pending[incident.id] = Pending(incident.id, incident.severity or "", incident.created or "", updated)
    state = State(max(since, state.since), now, seen, tuple(pending.values()))
    await _remember(tools, state)
    return state, changed, listed.unreadable


async def _remember(tools: Tools, state: State) -> None:
    await tools.store.put(_STATE, msgspec.json.encode(state))


def _first(pending: tuple[Pending, ...], now: datetime, quota: int) -> list[Pending]:
    """Return all fresh incidents, then backlog by quota; the most severe first, then the oldest."""

    def order(each: Pending) -> tuple[int, str]:
        rank = _SEVERITIES.index(each.severity) if each.severity in _SEVERITIES else len(_SEVERITIES)
        return -rank, each.created

    ordered = sorted(pending, key=order)
    fresh = [each for each in ordered if _is_fresh(each, now)]
    backlog = [each for each in ordered if not _is_fresh(each, now)]
    return fresh + backlog[: max(1, quota - len(fresh))]


def _is_fresh(each: Pending, now: datetime) -> bool:
    updated = read_time(each.updated)
    return updated is None or updated > now - _FRESH


def _quota(tools: Tools, passed: timedelta) -> int:
    """Return how many runs the hunting quota allows in the time that has *passed* since the last look."""
    minutes = min(max(passed / timedelta(minutes=1), 1), 10)
    return int(minutes * tools.settings.hunts_per_minute / max(1, len(tools.catalog.hunts)))


async def _has_news(tools: Tools, gate: asyncio.Semaphore, each: Pending, now: datetime) -> bool | None:
    """
    Return whether an incident has something that was not hunted yet; None if that cannot be found out now.

    An incident that the ledger does not know is not read here: its run reads it.
    """
    async with gate:
        entries = await tools.ledger.entries(f"defender-{each.id}")
        if not entries:
            return True
        try:
            incident = await tools.graph.get_incident(each.id)
        except NotFound:
            return False
        except GraphError as error:
            log.warning("watch: an incident waits for the next look: %s", type(error).__name__)
            return None
    about = from_defender(incident, each.id, tools.limits, private=False)
    if about.id != each.id:
        entries = await tools.ledger.entries(f"defender-{about.id}")
    plan = make_plan(Work("", now, ""), about, tools.catalog, now)
    return bool(share(entries, wanted(plan, tools.catalog), now).due)


async def _start(tools: Tools, each: Pending, now: datetime) -> bool | None:
    """Start a run and return True; None if it has to be tried again."""
    queue = "urgent" if each.severity == "high" and _is_fresh(each, now) else "runs"
    name = run_id(f"watch:{each.id}:{each.updated}")
    work = Work(name, now, "", incident_id=each.id, queue=queue, source="watch")
    try:
        await tools.runs.start(work, chosen_key=False)
    except NotSent:
        log.warning("watch: a run could not be sent; the next look tries again")
        return None
    return True
