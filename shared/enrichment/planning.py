"""Decide what a run will do: which entities, which hunts, and over which time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.catalog.choosing import About, Policy, choose_hunts
from shared.catalog.select import entities_of
from shared.model.entity import Chosen, Device, Dropped
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Outcome
from shared.model.record import Plan, PlannedHunt

from .windows import SKEW, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.catalog.choosing import Choice
    from shared.catalog.load import Catalog
    from shared.incident.reading import Subject
    from shared.model.hunt import Hunt
    from shared.model.outcome import Ending
    from shared.model.record import Work

_NO_HUNT = "the app has no hunt that can be used: GET /api/health says what is wrong with its files"
_NAMED = {
    "device": "a device",
    "ip": "an IP address",
    "url": "a URL",
    "domain": "a domain",
    "fileHash": "a file hash",
}


def make_plan(
    work: Work, subject: Subject | None, catalog: Catalog, now: datetime, policy: Policy | None = None
) -> Plan:
    """
    Choose the hunts for the entities that *work* names, or for those of the incident, *subject*.

    Without entities there are no hunts, and an entity that no hunt takes is in `chosen.dropped`. *policy* says
    which hunts run by themselves, and how many; None is that of an app without settings. A hunt is in the plan's
    `skipped`, with its outcome and the reason, if the request names it but the catalogue no longer has it or
    there is no entity for it; if it is for another kind of device; or if the incident is older than the 30 days
    that Graph keeps. What the run has no room for is in `beyond`, and counted in a note. The plan fails where no hunt can be used at all.
    """
    chosen = work.chosen or (subject.chosen if subject else Chosen())
    planned = Plan(chosen=chosen)
    if chosen.devices or chosen.indicators:
        planned = _choose_hunts(work, subject, chosen, catalog, now, policy or Policy())
    known = catalog.by_name
    gone = (name for name in work.hunts if name not in known)
    skipped = (
        *planned.skipped,
        *(Outcome(name, name, "notRun", "the app no longer has this hunt") for name in gone),
    )
    usable = any(hunt.name != DEVICE_CARD for hunt in catalog.hunts)
    planned = replace(planned, skipped=skipped, failure="" if usable else _NO_HUNT)
    if subject is None:
        return planned
    return replace(
        planned,
        provider=subject.provider,
        incident_id=subject.id,
        incident_title=subject.title,
        incident_url=subject.url,
        opened=subject.opened,
        notes=(*subject.notes, *planned.notes),
        # Activity that is yet to come is none: after it, nothing would be newer.
        activity={key: active for key, active in subject.activity.items() if active < now + SKEW},
    )


def _choose_hunts(
    work: Work, subject: Subject | None, chosen: Chosen, catalog: Catalog, now: datetime, policy: Policy
) -> Plan:
    first, last = (subject.first, subject.last) if subject else (None, None)
    attack = (subject.techniques, subject.tactics) if subject else ((), ())
    choices = choose_hunts(catalog, About(chosen, work.hunts, *attack), policy)
    hunts: list[PlannedHunt] = []
    skipped: list[Outcome] = []
    for choice in choices:
        hunt = choice.hunt
        if not choice.runs:
            if choice.fate == "otherKind" or hunt.name in work.hunts:
                skipped.append(_skip_hunt(hunt, "notApplicable", choice.why))
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
    beyond = tuple(choice.hunt.name for choice in choices if choice.fate == "beyond")
    return Plan(
        chosen=_taken(chosen, choices, work.hunts),
        hunts=tuple(hunts),
        skipped=tuple(skipped),
        beyond=beyond,
        techniques=attack[0],
        tactics=attack[1],
        notes=(_left_out(len(beyond), policy.most),) if beyond else (),
    )


def _skip_hunt(hunt: Hunt, outcome: Ending, reason: str) -> Outcome:
    return Outcome(hunt.name, hunt.title, outcome, reason, id=hunt.id, version=hunt.version)


def _left_out(count: int, most: int) -> str:
    hunts = "1 hunt was" if count == 1 else f"{count:,} hunts were"
    return f"{hunts} left out: one run takes at most {most}, the nearest to the alerts first (MAX_HUNTS)"


def _taken(chosen: Chosen, choices: Iterable[Choice], names: tuple[str, ...]) -> Chosen:
    """Return what of *chosen* some hunt takes, or is told not to apply to; the rest is in `dropped`, with the reason."""
    choices = [choice for choice in choices if choice.hunt.name != DEVICE_CARD or DEVICE_CARD in names]
    taken = {e for c in choices if c.fate in ("runs", "otherKind") for e in entities_of(c.hunt, chosen)}
    beyond = {e for c in choices if c.fate == "beyond" for e in entities_of(c.hunt, chosen)}
    dropped = []
    for entity in chosen.entities:
        if entity in taken:
            continue
        kind, value = ("device", entity.label) if isinstance(entity, Device) else (entity.kind, entity.value)
        by = "no hunt that was named takes" if names else "no hunt takes"
        reason = f"{by} {_NAMED[kind]}"
        if entity in beyond:
            reason = f"the hunts for {_NAMED[kind]} were left out (MAX_HUNTS)"
        dropped.append(Dropped(kind, value, reason))
    return Chosen(
        tuple(device for device in chosen.devices if device in taken),
        tuple(indicator for indicator in chosen.indicators if indicator in taken),
        (*chosen.dropped, *dropped),
    )
