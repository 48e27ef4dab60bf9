"""Decide what a run will do: which entities, which hunts, and over which time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from shared.catalog.select import misfit
from shared.model.entity import Chosen
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Outcome
from shared.model.record import Plan, PlannedHunt

from .windows import SKEW, window_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.catalog.load import Catalog
    from shared.incident.reading import Subject
    from shared.model.entity import Device
    from shared.model.hunt import Hunt
    from shared.model.outcome import Ending
    from shared.model.record import Work


class _Misfit(Struct, frozen=True):
    """Why a hunt cannot run; `other_kind` if there are devices, but none of the kind that the hunt is for."""

    reason: str
    other_kind: bool = False


def make_plan(work: Work, subject: Subject | None, catalog: Catalog, now: datetime) -> Plan:
    """
    Choose the hunts for the entities that *work* names, or for those of the incident, *subject*.

    Without entities there are no hunts. A hunt is in the plan's `skipped`, with its outcome and the reason,
    if the request names it but the catalogue no longer has it or there is no entity for it; if it is for
    another kind of device; if its file cannot be used; or if the incident is older than the 30 days that
    Graph keeps.
    """
    chosen = work.chosen or (subject.chosen if subject else Chosen())
    planned = Plan(chosen=chosen)
    if chosen.devices or chosen.indicators:
        planned = _choose_hunts(work, subject, chosen, catalog, now)
    known = catalog.by_name
    gone = (name for name in work.hunts if name not in known)
    skipped = (
        *planned.skipped,
        *(Outcome(name, name, "notRun", "the app no longer has this hunt") for name in gone),
    )
    planned = replace(planned, skipped=skipped)
    if subject is None:
        return planned
    return replace(
        planned,
        provider=subject.provider,
        incident_id=subject.id,
        incident_title=subject.title,
        incident_url=subject.url,
        opened=subject.opened,
        notes=subject.notes,
        # Activity that is yet to come is none: after it, nothing would be newer.
        activity={key: active for key, active in subject.activity.items() if active < now + SKEW},
    )


def _choose_hunts(
    work: Work, subject: Subject | None, chosen: Chosen, catalog: Catalog, now: datetime
) -> Plan:
    first, last = (subject.first, subject.last) if subject else (None, None)
    hunts: list[PlannedHunt] = []
    skipped: list[Outcome] = []
    for hunt in catalog.hunts:
        named = hunt.name in work.hunts
        if work.hunts and not named and hunt.name != DEVICE_CARD:
            continue
        if unfit := _why_unfit(hunt, chosen):
            if named or unfit.other_kind:
                skipped.append(_skip_hunt(hunt, "notApplicable", unfit.reason))
            continue
        window = window_of(hunt, work.lookback, first, last, now)
        if work.source == "late" and not (last and last < now + SKEW):
            # Without a time of its own, the incident would be looked at again for ever.
            window = replace(window, over=None)
        if window.end <= window.start:
            reason = "the incident is older than the 30 days that Graph keeps"
            skipped.append(_skip_hunt(hunt, "notRun", reason))
            continue
        hunts.append(PlannedHunt(hunt.name, window))
    for error in catalog.broken:
        name = error.file.stem
        skipped.append(Outcome(name, name, "notRun", f"its file cannot be used: {'; '.join(error.problems)}"))
    return Plan(chosen=chosen, hunts=tuple(hunts), skipped=tuple(skipped))


def _skip_hunt(hunt: Hunt, outcome: Ending, reason: str) -> Outcome:
    return Outcome(hunt.name, hunt.title, outcome, reason, id=hunt.id, version=hunt.version)


def _why_unfit(hunt: Hunt, chosen: Chosen) -> _Misfit | None:
    """Return why a hunt cannot run for these entities, or None; a known OS platform may save the query."""
    if hunt.entity == "indicator":
        fits = not chosen.kinds.isdisjoint(hunt.kinds)
        return None if fits else _Misfit(f"there is no indicator of kind {', '.join(hunt.kinds)}")
    if not chosen.devices:
        return _Misfit("there is no device")

    def excluded(device: Device) -> bool:
        return bool(device.os_platform) and hunt.applies_to.excludes(device.os_platform, "")

    if all(map(excluded, chosen.devices)):
        return _Misfit(misfit(hunt, chosen.devices[0].os_platform), other_kind=True)
    return None
