"""An incident or a request -> what a run will do: which entities, which hunts, over which time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.catalog.load import DEVICE_CARD, Catalog, Hunt
from shared.entities.choosing import Chosen, Device, Indicator
from shared.kql import write as kql
from shared.model.record import Plan, PlannedHunt, Work
from shared.outcomes.deciding import Outcome, Window, misfit

if TYPE_CHECKING:
    from shared.incident.reading import Subject
    from shared.settings import Settings
    from shared.state.ledger import Share

# "Data of the past 30 days" (security API overview, quotas).
_KEPT = timedelta(days=30)


def plan(work: Work, about: Subject | None, catalog: Catalog, now: datetime) -> Plan:
    """Choose the hunts for the entities of a request, or of the incident it is *about*."""
    chosen = work.chosen or (about.chosen if about else Chosen())
    first, last = (about.first, about.last) if about else (None, None)
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
    planned = Plan(chosen=chosen, hunts=tuple(hunts), skipped=tuple(skipped))
    if about is None:
        return planned
    return replace(
        planned,
        provider=about.provider,
        incident_id=about.id,
        incident_title=about.title,
        incident_url=about.url,
        notes=about.notes,
    )


def keys(hunt: Hunt, chosen: Chosen) -> tuple[str, ...]:
    """Name each pair of *hunt* and an entity it would hunt for, in their order, as the ledger does."""
    return tuple(_key(hunt, entity) for entity in _for(hunt, chosen))


def wanted(plan: Plan, catalog: Catalog) -> frozenset[str]:
    """Name all that *plan* is about, the hunts that it skips included."""
    hunts = catalog.by_name
    names = [planned.name for planned in plan.hunts] + [outcome.hunt for outcome in plan.skipped]
    return frozenset(
        key
        for name in names
        if name in hunts and name != DEVICE_CARD
        for key in keys(hunts[name], plan.chosen)
    )


def narrow(plan: Plan, catalog: Catalog, share: Share) -> Plan:
    """Leave of *plan* what is due; an incident that was hunted before is hunted only for what is new."""
    hunts = catalog.by_name
    left: list[PlannedHunt] = []
    for planned in plan.hunts:
        hunt = hunts[planned.name]
        some = tuple(e for e in _for(hunt, plan.chosen) if _key(hunt, e) in share.due)
        if some and planned.name != DEVICE_CARD:
            left.append(replace(planned, chosen=_only(some)))
    skipped = tuple(
        outcome
        for outcome in plan.skipped
        if share.first or (outcome.hunt in hunts and set(keys(hunts[outcome.hunt], plan.chosen)) & share.due)
    )
    every: tuple[Device | Indicator, ...] = (*plan.chosen.devices, *plan.chosen.indicators)
    some = tuple(
        e
        for e in every
        if any(e in _for(hunt, plan.chosen) and _key(hunt, e) in share.due for hunt in catalog.hunts)
    )
    chosen = replace(_only(some), dropped=plan.chosen.dropped if share.first else ())
    card = [
        h for h in plan.hunts if h.name == DEVICE_CARD and any(x.chosen and x.chosen.devices for x in left)
    ]
    tried = (h.name for h in left if set(keys(hunts[h.name], h.chosen or chosen)) <= share.tried)
    return replace(
        plan,
        chosen=chosen,
        hunts=tuple(sorted((*left, *card), key=lambda planned: planned.name)),
        skipped=skipped,
        follow_up=not share.first,
        tried=tuple(tried),
    )


def _for(hunt: Hunt, chosen: Chosen) -> tuple[Device | Indicator, ...]:
    if hunt.entity == "device":
        return chosen.devices
    return tuple(indicator for indicator in chosen.indicators if indicator.kind in hunt.kinds)


def _key(hunt: Hunt, entity: Device | Indicator) -> str:
    name = (
        f"{entity.kind}:{entity.value}"
        if isinstance(entity, Indicator)
        else f"device:{entity.id or entity.name.lower()}"
    )
    return f"{hunt.id}@{hunt.version} {name}"


def _only(some: tuple[Device | Indicator, ...]) -> Chosen:
    return Chosen(
        tuple(entity for entity in some if isinstance(entity, Device)),
        tuple(entity for entity in some if isinstance(entity, Indicator)),
    )


def portal(plan: Plan, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """Where each hunt's query opens in the portal, as far as it fits into an address."""
    hunts = catalog.by_name
    links = {
        planned.name: kql.portal_link(
            query(hunts[planned.name], plan.entities(planned), settings.max_rows + 1), settings.cloud.portal
        )
        for planned in plan.hunts
        if planned.name in hunts
    }
    return {name: link for name, link in links.items() if link}


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
