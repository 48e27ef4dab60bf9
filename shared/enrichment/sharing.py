"""Leave out of a plan what the ledger says was hunted, so that the runs on one incident repeat nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.catalog.select import entities_of, ledger_key, ledger_keys
from shared.model.entity import Chosen, Device, Indicator
from shared.model.hunt import DEVICE_CARD

if TYPE_CHECKING:
    from shared.catalog.load import Catalog
    from shared.model.record import Plan, PlannedHunt
    from shared.state.ledger import Share


def wanted(plan: Plan, catalog: Catalog) -> frozenset[str]:
    """
    Return every pair of hunt and entity that *plan* is about, as the ledger names it.

    Skipped hunts are included; the device card, and hunts that the catalogue no longer has, are not.
    """
    hunts = catalog.by_name
    names = [planned.name for planned in plan.hunts] + [outcome.hunt for outcome in plan.skipped]
    return frozenset(
        key
        for name in names
        if name in hunts and name != DEVICE_CARD
        for key in ledger_keys(hunts[name], plan.chosen)
    )


def narrow(plan: Plan, catalog: Catalog, share: Share) -> Plan:
    """
    Return *plan* reduced to the pairs of hunt and entity that are due in *share*.

    An incident that was hunted before is thus hunted only for what is new. Every hunt that is left carries
    its own entities. `follow_up` says whether the incident was hunted before, and `tried` names the hunts all
    of whose pairs were tried before. The device card runs if a hunt for devices is left.
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
    every: tuple[Device | Indicator, ...] = (*plan.chosen.devices, *plan.chosen.indicators)
    some = tuple(
        e
        for e in every
        if any(
            e in entities_of(hunt, plan.chosen) and ledger_key(hunt, e) in share.due for hunt in catalog.hunts
        )
    )
    chosen = replace(_only(some), dropped=plan.chosen.dropped if share.first else ())
    card = [
        h for h in plan.hunts if h.name == DEVICE_CARD and any(x.chosen and x.chosen.devices for x in left)
    ]
    tried = (h.name for h in left if set(ledger_keys(hunts[h.name], h.chosen or chosen)) <= share.tried)
    return replace(
        plan,
        chosen=chosen,
        hunts=tuple(sorted((*left, *card), key=lambda planned: planned.name)),
        skipped=skipped,
        follow_up=not share.first,
        tried=tuple(tried),
    )


def _only(some: tuple[Device | Indicator, ...]) -> Chosen:
    return Chosen(
        tuple(entity for entity in some if isinstance(entity, Device)),
        tuple(entity for entity in some if isinstance(entity, Indicator)),
    )
