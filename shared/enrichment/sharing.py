"""Leave out of a plan what the ledger says was hunted, so that the runs on one incident repeat nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.catalog.select import entities_of, ledger_key, ledger_keys
from shared.entities.choosing import limit
from shared.model.entity import NOT_WANTED, Chosen, Device, Indicator, hidden
from shared.model.hunt import DEVICE_CARD

if TYPE_CHECKING:
    from datetime import datetime

    from shared.catalog.load import Catalog
    from shared.entities.choosing import Limits
    from shared.model.record import Plan, PlannedHunt, Work
    from shared.state.standing import Log, Share
    from shared.tools import Tools


async def take_share(tools: Tools, work: Work, plan: Plan) -> tuple[Plan, Log | None]:
    """
    Take from the incident's ledger what is due, up to the most that one run hunts for.

    Returns the plan for it, and the log as it was left, None where it was not read.

    A person's run takes everything. A dry run, and one with a lookback of its own, takes nothing from the
    ledger: it hunts all, and others will hunt it again.
    """
    catalog, limits = tools.catalog, tools.limits
    if not work.counts:
        return replace(plan, chosen=limit(plan.chosen, limits), activity={}), None
    share = await tools.ledger.take(
        plan.incident,
        work.run_id,
        wanted(plan, catalog),
        tools.now(),
        late=work.source == "late",
        everything=not work.only_new,
        within=lambda due: _within(plan, limits, due),
    )
    return narrow(plan, catalog, share, limits), share.log


def wanted(plan: Plan, catalog: Catalog) -> dict[str, datetime | None]:
    """
    Return every pair of hunt and entity that *plan* is about, as the ledger names it.

    With each comes the last activity of its entity, None where unknown. Skipped hunts are included; the
    device card, and hunts that the catalogue no longer has, are not.
    """
    hunts = catalog.by_name
    names = [planned.name for planned in plan.hunts] + [outcome.hunt for outcome in plan.skipped]
    return {
        ledger_key(hunts[name], entity): plan.activity.get(entity.key)
        for name in names
        if name in hunts and name != DEVICE_CARD
        for entity in entities_of(hunts[name], plan.chosen)
    }


def narrow(plan: Plan, catalog: Catalog, share: Share, limits: Limits) -> Plan:
    """
    Return *plan* reduced to the pairs of hunt and entity that are due in *share*.

    An incident that was hunted before is thus hunted only for what is new. Every hunt that is left carries
    its own entities. `follow_up` says whether the incident was told about before, and `tried` names the hunts
    all of whose pairs were tried before. The device card runs if something of a device is due. Entities beyond
    *limits* are in `dropped`.
    """
    hunts = catalog.by_name
    left: list[PlannedHunt] = []
    for planned in plan.hunts:
        hunt = hunts[planned.name]
        some = tuple(e for e in entities_of(hunt, plan.chosen) if ledger_key(hunt, e) in share.due)
        if some and planned.name != DEVICE_CARD:
            left.append(replace(planned, chosen=_only(some)))
    skipped = tuple(
        outcome
        for outcome in plan.skipped
        if share.first
        or (outcome.hunt in hunts and set(ledger_keys(hunts[outcome.hunt], plan.chosen)) & share.due)
    )
    chosen = _due(plan, share.due)
    beyond = limit(_due(plan, share.due | share.left), limits).dropped
    card = [planned for planned in plan.hunts if planned.name == DEVICE_CARD and chosen.devices]
    tried = (h.name for h in left if set(ledger_keys(hunts[h.name], h.chosen or chosen)) <= share.tried)
    # What nobody misses is told once; a gap is told again, since it may have come since the last comment.
    dropped = (drop for drop in plan.chosen.dropped if share.first or drop.reason not in NOT_WANTED)
    return replace(
        plan,
        chosen=replace(chosen, dropped=(*dropped, *beyond)),
        hunts=(*card, *left),
        skipped=skipped,
        follow_up=not share.first,
        tried=tuple(tried),
        told=tuple(sorted(share.told)),
        left=bool(beyond),
        activity={},
        named=Chosen(plan.chosen.devices, plan.chosen.indicators),
    )


def _within(plan: Plan, limits: Limits, due: frozenset[str]) -> frozenset[str]:
    """Return the part of *due* that one run hunts for: the limits count what is due, not what there is."""
    one_run = limit(_due(plan, due), limits)
    kept = {hidden(entity.key) for entity in one_run.entities}
    return frozenset(key for key in due if key.partition(" ")[2] in kept)


def _due(plan: Plan, due: frozenset[str]) -> Chosen:
    """Return the entities of *plan* of which something is *due*."""
    keys = {key.partition(" ")[2] for key in due}
    return _only(tuple(entity for entity in plan.chosen.entities if hidden(entity.key) in keys))


def _only(some: tuple[Device | Indicator, ...]) -> Chosen:
    return Chosen(
        tuple(entity for entity in some if isinstance(entity, Device)),
        tuple(entity for entity in some if isinstance(entity, Indicator)),
    )
