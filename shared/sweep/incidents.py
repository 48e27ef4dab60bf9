"""
Find the open incidents whose devices have new rows, reading as few of them as possible.

A list of incidents has no devices, so each incident has to be read to know them. What was read is remembered in
one stored object, with the incident's last update: as long as that stays the same, so do the devices.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.errors import GivenUp, GraphError, NotFound
from shared.incident.reading import Subject, from_defender
from shared.model.entity import Device
from shared.model.incident import Snapshot
from shared.model.record import CommentResult
from shared.model.times import read_time

from .asking import wait_or_give_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.incident import Incident
    from shared.tools import Tools

#: Incidents that were last updated longer ago get no comment.
_KEPT = timedelta(days=30)
#: An incident that changed just before it was read may still be changing, without another time.
_SETTLED = timedelta(minutes=15)
_AT_ONCE = 8
_REMEMBERED = "sweeps/incidents"


class Known(Struct, frozen=True, omit_defaults=True):
    """The devices of an incident at its last update, which is as Graph writes it."""

    updated: str
    devices: tuple[Device, ...] = ()


class Affected(Struct, frozen=True):
    """An open incident whose devices have new rows, as it was read."""

    snapshot: Snapshot
    about: Subject


class _Read(Struct, frozen=True):
    """What reading an incident gave: what to remember of it, and the incident if it is affected."""

    known: Known | None
    affected: Affected | None


async def find_affected(
    tools: Tools, has_news: Callable[[Device], bool]
) -> tuple[list[Affected], list[CommentResult]]:
    """
    Return the open incidents with a device that *has_news*, sorted by id, and those that could not be read.

    Incidents updated in the last 30 days are looked at. Those that have to be read are read up to 8 at a time. If
    incidents cannot be listed, that is one *failed* result with an empty id. Raises Waiting if Graph may answer
    later; what was read until then is not read again.
    """
    try:
        listed = await tools.graph.list_incidents(tools.now() - _KEPT)
    except GraphError as error:
        return [], [_unread(tools, error, "")]
    opened = {each.id: each for each in listed.incidents if not each.is_closed}
    known = {
        name: each
        for name, each in (await _remembered(tools)).items()
        if name in opened and each.updated == opened[name].updated
    }
    gate = asyncio.Semaphore(_AT_ONCE)
    due = [name for name in sorted(opened) if name not in known or any(map(has_news, known[name].devices))]
    ended = await asyncio.gather(*(_read(tools, gate, name, has_news) for name in due))
    affected: dict[str, Affected] = {}
    for name, end in zip(due, ended, strict=True):
        if isinstance(end, _Read):
            known |= {name: end.known} if end.known else {}
            affected |= {end.affected.about.id: end.affected} if end.affected else {}
    await tools.store.put(_REMEMBERED, msgspec.json.encode(known))
    unread = [
        _unread(tools, end, name) for name, end in zip(due, ended, strict=True) if isinstance(end, GraphError)
    ]
    if listed.unreadable:
        reason = f"{listed.unreadable} listed incidents cannot be read, not even their ids"
        unread.append(CommentResult("", "failed", reason))
    return [affected[name] for name in sorted(affected)], unread


async def _remembered(tools: Tools) -> dict[str, Known]:
    raw = await tools.store.get(_REMEMBERED)
    try:
        return msgspec.json.decode(raw, type=dict[str, Known]) if raw else {}
    except msgspec.DecodeError:
        return {}


async def _read(
    tools: Tools, gate: asyncio.Semaphore, name: str, has_news: Callable[[Device], bool]
) -> _Read | GraphError:
    async with gate:
        try:
            incident = await tools.graph.get_incident(name)
        except GraphError as error:
            return error
    # All of its devices: MAX_DEVICES limits what is hunted for, and nothing is hunted for here.
    limits = replace(tools.limits, devices=sys.maxsize)
    about = from_defender(incident, incident.id, limits, private=False)
    settled = incident.id == name and _is_settled(tools, incident)
    # It may have been merged or closed since it was listed.
    hit = not incident.is_closed and any(map(has_news, about.chosen.devices))
    return _Read(
        Known(incident.updated or "", about.chosen.devices) if settled else None,
        Affected(Snapshot(incident, time.monotonic()), about) if hit else None,
    )


def _is_settled(tools: Tools, incident: Incident) -> bool:
    updated = read_time(incident.updated)
    return updated is not None and updated < tools.now() - _SETTLED


def _unread(tools: Tools, error: GraphError, incident_id: str) -> CommentResult:
    """Return the result of an incident that cannot be read. Raises Waiting if it may be readable later."""
    if isinstance(error, NotFound):
        return CommentResult(incident_id, "failed", f"it was listed but cannot be read: {error.message}")
    raised = wait_or_give_up(tools, error)
    if not isinstance(raised, GivenUp):
        raise raised from error
    return CommentResult(incident_id, "failed", str(raised))
