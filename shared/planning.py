"""An incident or a request -> what a run will do: which entities, which hunts, over which time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from . import entities, kql
from .catalog import DEVICE_CARD, Catalog, Hunt
from .contracts import Plan, PlannedHunt, Work
from .outcomes import Outcome, Window, misfit

if TYPE_CHECKING:
    from .entities import Chosen, Device
    from .graph import Incident

# "Data of the past 30 days" (security API overview, quotas).
_KEPT = timedelta(days=30)


def plan(
    work: Work, incident: Incident | None, catalog: Catalog, limits: entities.Limits, now: datetime
) -> Plan:
    """Choose entities and hunts; never raises for what an incident holds."""
    chosen = work.chosen or entities.Chosen()
    notes: list[str] = []
    first = last = None
    if incident:
        first, last = _activity(incident)
        if work.chosen is None:
            evidence = [item for alert in incident.alerts or () for item in alert.evidence or ()]
            chosen = entities.from_evidence(evidence, limits, private=bool(work.hunts))
        if work.incident_id and incident.id != work.incident_id:
            notes.append(f"Incident {work.incident_id} was merged into incident {incident.id}")
    hunts: list[PlannedHunt] = []
    skipped: list[Outcome] = []
    anything = bool(chosen.devices or chosen.indicators)
    for hunt in catalog.hunts if anything else ():
        named = hunt.name in work.hunts
        if work.hunts and not named and hunt.name != DEVICE_CARD:
            continue
        if reason := _unfit(hunt, chosen):
            if named or reason.startswith("it is"):
                skipped.append(_skip(hunt, "notApplicable", reason))
            continue
        window = _window(hunt, work.lookback, first, last, now)
        if window.end <= window.start:
            skipped.append(_skip(hunt, "notRun", "the incident is older than the 30 days that Graph keeps"))
            continue
        hunts.append(PlannedHunt(hunt.name, window))
    known = catalog.by_name
    gone = (name for name in work.hunts if name not in known)
    skipped += [Outcome(name, name, "notRun", "the app no longer has this hunt") for name in gone]
    for error in catalog.broken if anything else ():
        name = error.file.stem
        skipped.append(Outcome(name, name, "notRun", f"its file cannot be used: {'; '.join(error.problems)}"))
    return Plan(
        incident.id if incident else "",
        (incident.display_name or "") if incident else "",
        (incident.incident_web_url or "") if incident else "",
        chosen,
        tuple(hunts),
        tuple(skipped),
        tuple(notes),
    )


def query(hunt: Hunt, chosen: Chosen, take: int) -> str:
    """Bind a hunt to the entities of a run, for at most *take* rows."""
    if hunt.entity == "device":
        return kql.device_query(hunt.query, chosen.devices, take=take, applies_to=hunt.applies_to)
    return kql.indicator_query(hunt.query, chosen.indicators, take=take)


def _skip(hunt: Hunt, outcome: str, reason: str) -> Outcome:
    return Outcome(hunt.name, hunt.title, outcome, reason, id=hunt.id, version=hunt.version)  # type: ignore[arg-type]


def _unfit(hunt: Hunt, chosen: Chosen) -> str:
    """Why a hunt cannot start from these entities; what evidence says of the devices spares a call."""
    if hunt.entity == "indicator":
        fits = not chosen.kinds.isdisjoint(hunt.kinds)
        return "" if fits else f"there is no indicator of kind {', '.join(hunt.kinds)}"
    if not chosen.devices:
        return "there is no device"

    def excluded(device: Device) -> bool:
        return bool(device.os_platform) and hunt.applies_to.excludes(device.os_platform, "")

    return misfit(hunt, chosen.devices[0].os_platform) if all(map(excluded, chosen.devices)) else ""


def _window(
    hunt: Hunt, asked: timedelta | None, first: datetime | None, last: datetime | None, now: datetime
) -> Window:
    """
    Anchor a window to the incident: from its first activity less lookback to its last plus lookahead.

    At most the hunt's maxWindow, whose most recent part is kept, unless the caller asked for a lookback; and within
    the 30 days that Graph keeps.
    """
    card = hunt.name == DEVICE_CARD
    lookback = hunt.lookback if card or asked is None else asked
    end = min(now, last + hunt.lookahead) if last else now
    start = (min(first, end) if first else end) - lookback
    cuts = []
    if not asked and end - start > hunt.max_window:
        cuts.append(f"the last {_days(hunt.max_window)} of {_days(end - start)}")
        start = end - hunt.max_window
    if start < now - _KEPT:
        if not card:
            cuts.append("Graph keeps 30 days")
        start = now - _KEPT
    return Window(start, end, "" if card else "; ".join(cuts), hunt.own_window)


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{span / timedelta(hours=1):.0f} hours"


def _activity(incident: Incident) -> tuple[datetime | None, datetime | None]:
    def times(*names: str) -> list[datetime]:
        found = (_time(getattr(alert, name)) for alert in incident.alerts or () for name in names)
        return [time for time in found if time]

    created = _time(incident.created)
    firsts = times("first_activity") or times("created") or [t for t in (created,) if t]
    lasts = times("last_activity", "first_activity") or firsts
    return (min(firsts), max(lasts)) if firsts else (None, None)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text and not text.startswith("0001") else None
    except ValueError:
        return None
