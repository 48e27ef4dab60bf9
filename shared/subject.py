"""An incident as a run sees it, whichever product tells of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from . import entities
from .contracts import Provider
from .entities import Chosen

if TYPE_CHECKING:
    from .graph import Incident


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
