"""Read an incident, of Defender or of Sentinel alone, into the one form that planning works with."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from shared.entities import defender, sentinel
from shared.entities.fields import words_in
from shared.errors import GraphError, NotFound, Unavailable, UnreadableIncident, Waiting
from shared.model.entity import Chosen
from shared.model.incident import Snapshot
from shared.model.record import Provider, Work
from shared.model.times import read_time

from . import waiting

if TYPE_CHECKING:
    from shared.entities.choosing import Limits
    from shared.model.incident import Incident, SentinelIncident
    from shared.tools import Tools

#: An incident is listed, or passed on by a playbook, before it can be read everywhere. The delays double.
_APPEARING = timedelta(minutes=30)
_SOON, _LATER = timedelta(seconds=15), timedelta(minutes=5)


#: The fields of a Defender incident that hold its entities.
_HOLDERS = frozenset({"alerts", "evidence"})


class Subject(Struct, frozen=True):
    """
    What planning needs to know about an incident.

    `id` is a Defender incident's number or a Sentinel incident's path in Resource Manager. `first` and `last`
    are the times of its first and last activity, `opened` is when it was created (UTC; None if not known).
    `notes` are sentences for the comment. `hidden` is the one that names what could not be read, if entities
    may be among that; else ''.
    """

    provider: Provider
    id: str
    title: str = ""
    url: str = ""
    chosen: Chosen = Chosen()
    first: datetime | None = None
    last: datetime | None = None
    opened: datetime | None = None
    notes: tuple[str, ...] = ()
    #: By the key of an entity, the last activity of the alerts that name it, where it is known.
    activity: dict[str, datetime] = {}
    #: Whether it was resolved.
    closed: bool = False
    hidden: str = ""
    #: The ATT&CK techniques and tactics of its alerts, each once, in their order.
    techniques: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()


def from_defender(incident: Incident, asked: str, limits: Limits, *, private: bool) -> Subject:
    """
    Return the subject of a Defender incident that was read with its alerts.

    *asked* is the id under which it was requested; if that is not the incident's own, it was merged, and a
    note says so, and another names what of the incident could not be read. *limits* caps the entities;
    *private* includes private and reserved addresses.
    """
    evidence = [item for alert in incident.alerts or () for item in alert.evidence or ()]
    unreadable = defender.count_unreadable(evidence)
    note = _unread(incident.unread, unreadable, "evidence")
    first, last = _activity(incident)
    merged = (f"Incident {asked} was merged into incident {incident.id}",) if incident.id != asked else ()
    return Subject(
        "defender",
        incident.id,
        incident.display_name or "",
        incident.incident_web_url or "",
        defender.from_evidence(evidence, limits, private=private),
        first,
        last,
        read_time(incident.created),
        (*merged, *([note] if note else [])),
        hidden=note if unreadable or not _HOLDERS.isdisjoint(incident.unread) else "",
        activity=_active(incident),
        closed=incident.is_closed,
        techniques=words_in(*(alert.techniques for alert in incident.alerts or ())),
        tactics=words_in(
            *(each for alert in incident.alerts or () for each in (alert.category, alert.categories))
        ),
    )


def from_sentinel(incident: SentinelIncident, found: list[Any], limits: Limits, *, private: bool) -> Subject:
    """
    Return the subject of an incident that only Microsoft Sentinel has, as a playbook sent it.

    *found* are the entities that the incident has by now; they are added to those that came with it. A note
    says how many cannot be read. *limits* caps the entities; *private* includes private and reserved
    addresses.
    """
    entities = (*incident.entities, *found)
    note = _unread((), sentinel.count_unreadable(entities), "entities")
    first = incident.first_activity or incident.created
    last = incident.last_activity or first
    chosen = sentinel.from_entities(entities, limits, private=private)
    return Subject(
        "sentinel",
        incident.arm_id,
        incident.title,
        incident.url,
        chosen,
        first,
        last,
        incident.created,
        (note,) if note else (),
        hidden=note,
        activity={entity.key: last for entity in chosen.entities} if last else {},
        closed=incident.status.lower() == "closed",
        techniques=incident.techniques,
        tactics=incident.tactics,
    )


async def read_incident(tools: Tools, work: Work) -> tuple[Subject | None, Snapshot | None]:
    """
    Read the incident that a run is about; both results are None if it is about none.

    The snapshot, a Defender incident as it was read, is None for Sentinel's. Private and reserved addresses
    are included if *work* names its hunts. What cannot be read of an incident is named in a note, unless
    nothing is left to hunt for. Raises UnreadableIncident if the incident does not exist or has not been
    readable for too long (`waiting.why_given_up`), and Waiting if it may be readable later.
    """
    private = bool(work.hunts)
    try:
        if work.sentinel:
            found, notes = await _entities(tools, work.sentinel)
            subject = from_sentinel(work.sentinel, found, tools.limits, private=private)
            subject = replace(subject, notes=(*subject.notes, *notes))
            _refuse_hidden(subject, "Azure")
            if not notes:
                tools.troubles.answered(tools.now())
            return subject, None
        if not work.incident_id:
            return None, None
        incident = await tools.graph.get_incident(work.incident_id)
        subject = from_defender(incident, work.incident_id, tools.limits, private=private)
        _refuse_hidden(subject, "Microsoft Graph")
        tools.troubles.answered(tools.now())
        return subject, Snapshot(incident, time.monotonic())
    except NotFound as error:
        what = work.sentinel.title if work.sentinel else work.incident_id
        age = tools.now() - work.requested
        if work.only_new and age < _APPEARING:
            delay = min(max(age, _SOON), _LATER)
            raise Waiting(f"incident {what} is not readable yet: {error.message}", delay) from error
        raise UnreadableIncident(f"incident {what} cannot be read: {error.message}") from error
    except GraphError as error:
        reason = waiting.why_given_up(tools, error)
        raise UnreadableIncident(reason) if reason else waiting.wait_for(error) from error


def _unread(fields: tuple[str, ...], count: int, what: str) -> str:
    """Return a note that names the *fields* that could not be read and counts *what* else; '' for nothing."""
    parts = [*fields, *([f"{what} ({count})"] if count else [])]
    return f"Part of the incident could not be read: {', '.join(parts)}" if parts else ""


def _refuse_hidden(subject: Subject, service: str) -> None:
    """Raise Unavailable if there is nothing to hunt for but what cannot be read."""
    if subject.hidden and not (subject.chosen.devices or subject.chosen.indicators):
        raise Unavailable(f"nothing of it can be hunted. {subject.hidden}", service=service)


async def _entities(tools: Tools, incident: SentinelIncident) -> tuple[list[Any], tuple[str, ...]]:
    """
    Read the incident's entities from Sentinel, with a note for the comment if that fails.

    A playbook's body has at most 50 entities, and only those of the incident's first seconds. Raises
    GraphError if the incident does not exist, or if nothing could be read and the playbook sent no entities
    either.
    """
    try:
        return await tools.arm.get_entities(incident.arm_id), ()
    except NotFound:
        raise
    except GraphError as error:
        if not incident.entities:
            raise
        note = f"Microsoft Sentinel did not show all its entities ({error.message[:100]}): there may be more"
        return [], (note,)


def _active(incident: Incident) -> dict[str, datetime]:
    active: dict[str, datetime] = {}
    for alert in incident.alerts or ():
        times = (alert.last_activity, alert.first_activity, alert.created)
        when = next((time for text in times if (time := read_time(text))), None)
        if when:
            for key in {key for item in alert.evidence or () for key in defender.entity_keys(item)}:
                active[key] = max(when, active.get(key, when))
    return active


def _activity(incident: Incident) -> tuple[datetime | None, datetime | None]:
    def times(*names: str) -> list[datetime]:
        found = (read_time(getattr(alert, name)) for alert in incident.alerts or () for name in names)
        return [time for time in found if time]

    created = read_time(incident.created)
    firsts = times("first_activity") or times("created") or [t for t in (created,) if t]
    lasts = times("last_activity", "first_activity") or firsts
    return (min(firsts), max(lasts)) if firsts else (None, None)
