"""An incident as a run sees it, whichever product tells of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from shared.entities import choosing as entities
from shared.entities.choosing import Chosen
from shared.errors import GraphError, NotFound
from shared.model.record import Provider, Work
from shared.sentinel import body as sentinel_body

from . import waiting

if TYPE_CHECKING:
    from shared.graph.answers import Incident
    from shared.sentinel.body import SentinelIncident
    from shared.tools import Tools


class Unreadable(Exception):
    """The incident cannot be read, and waiting would not help."""


class Subject(Struct, frozen=True):
    """What planning needs of an incident."""

    provider: Provider
    id: str
    title: str = ""
    url: str = ""
    chosen: Chosen = Chosen()
    first: datetime | None = None
    last: datetime | None = None
    notes: tuple[str, ...] = ()


def from_defender(incident: Incident, asked: str, limits: entities.Limits, *, private: bool) -> Subject:
    """Read Graph's incident; *asked* is the id it was asked for by, another one where incidents were merged."""
    evidence = [item for alert in incident.alerts or () for item in alert.evidence or ()]
    first, last = _activity(incident)
    merged = (f"Incident {asked} was merged into incident {incident.id}",) if incident.id != asked else ()
    return Subject(
        "defender",
        incident.id,
        incident.display_name or "",
        incident.incident_web_url or "",
        entities.from_evidence(evidence, limits, private=private),
        first,
        last,
        merged,
    )


def from_sentinel(
    incident: SentinelIncident, found: list[dict[str, object]], limits: entities.Limits, *, private: bool
) -> Subject:
    """Read an incident of Microsoft Sentinel's own; *found* are entities that the incident itself has by now."""
    first = incident.first_activity or incident.created
    return Subject(
        "sentinel",
        incident.arm_id,
        incident.title,
        incident.url,
        sentinel_body.choose((*incident.entities, *found), limits, private=private),
        first,
        incident.last_activity or first,
    )


async def read(tools: Tools, work: Work) -> tuple[Subject | None, tuple[Incident, float] | None]:
    """
    Read the incident that a run is about; Graph's comes along as it was, with when it was read.

    Raises Unreadable, or Waiting where it may be readable later.
    """
    private = bool(work.hunts)
    try:
        if work.sentinel:
            found, notes = await _entities(tools, work.sentinel)
            about = from_sentinel(work.sentinel, found, tools.limits, private=private)
            return replace(about, notes=notes), None
        if not work.incident_id:
            return None, None
        incident = await tools.graph.get_incident(work.incident_id)
    except NotFound as error:
        what = work.sentinel.title if work.sentinel else work.incident_id
        raise Unreadable(f"incident {what} cannot be read: {error.message}") from error
    except GraphError as error:
        reason = waiting.given_up(error, tools.now() - work.requested)
        raise Unreadable(reason) if reason else waiting.until_it_passes(error) from error
    about = from_defender(incident, work.incident_id, tools.limits, private=private)
    return about, (incident, time.monotonic())


async def _entities(
    tools: Tools, incident: SentinelIncident
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Ask the incident itself: a playbook's body has 50 entities at most, and those of the first seconds."""
    try:
        return await tools.arm.get_entities(incident.arm_id), ()
    except NotFound:
        raise
    except GraphError as error:
        if not incident.entities:
            raise
        note = f"Microsoft Sentinel did not show all its entities ({error.message[:100]}): there may be more"
        return [], (note,)


def _activity(incident: Incident) -> tuple[datetime | None, datetime | None]:
    def times(*names: str) -> list[datetime]:
        found = (read_time(getattr(alert, name)) for alert in incident.alerts or () for name in names)
        return [time for time in found if time]

    created = read_time(incident.created)
    firsts = times("first_activity") or times("created") or [t for t in (created,) if t]
    lasts = times("last_activity", "first_activity") or firsts
    return (min(firsts), max(lasts)) if firsts else (None, None)


def read_time(text: str | None) -> datetime | None:
    """Read Graph's time as UTC; None where there is none (Graph also writes year 1 for that)."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text and not text.startswith("0001") else None
    except ValueError:
        return None
