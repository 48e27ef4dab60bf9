"""Which hunts fit what there is to hunt for, and the names of what each would hunt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import InvalidRequest
from shared.model.entity import Indicator
from shared.model.hunt import DEVICE_CARD

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model.entity import Chosen, Device
    from shared.model.hunt import Hunt

    from .load import Catalog


def select(
    catalog: Catalog, *, devices: bool, kinds: Collection[str], names: Collection[str] = ()
) -> tuple[Hunt, ...]:
    """
    Return the hunts for what is there, *devices* or indicators of these *kinds*; *names* narrows them.

    The device card is always among the hunts for devices. Raises InvalidRequest for a name that is not in the
    catalogue, and for a named hunt that what is there cannot start.
    """
    fitting = {
        hunt.name: hunt
        for hunt in catalog.hunts
        if (devices if hunt.entity == "device" else not set(hunt.kinds).isdisjoint(kinds))
    }
    known = catalog.by_name
    problems = []
    for name in dict.fromkeys(names):
        if name not in known:
            problems.append(f"there is no hunt {name}; there are {', '.join(known)}")
        elif name not in fitting:
            hunt = known[name]
            needs = "a device" if hunt.entity == "device" else f"an indicator ({', '.join(hunt.kinds)})"
            problems.append(f"the hunt {name} needs {needs}")
    if problems:
        raise InvalidRequest(problems[0] if len(problems) == 1 else "these hunts cannot run", tuple(problems))
    return tuple(
        hunt for hunt in fitting.values() if not names or hunt.name in names or hunt.name == DEVICE_CARD
    )


def select_for_sweep(catalog: Catalog, names: Collection[str] = ()) -> tuple[Hunt, ...]:
    """
    Return the hunts that sweep, all or those of these *names*.

    Raises InvalidRequest for a name that is that of none, saying which there are.
    """
    able = {hunt.name: hunt for hunt in catalog.hunts if hunt.sweep}
    known = catalog.by_name
    problems = []
    for name in dict.fromkeys(names):
        if name not in able:
            what = f"the hunt {name} has no sweep block" if name in known else f"there is no hunt {name[:60]}"
            problems.append(f"{what}; these have one: {', '.join(able) or 'none'}")
    if problems:
        raise InvalidRequest(
            problems[0] if len(problems) == 1 else "these hunts cannot sweep", tuple(problems)
        )
    return tuple(hunt for hunt in able.values() if not names or hunt.name in names)


def pairs(hunt: Hunt, chosen: Chosen) -> tuple[str, ...]:
    """Name each pair of *hunt* and an entity it would hunt for, in the order of the entities."""
    return tuple(pair(hunt, entity) for entity in entities_of(hunt, chosen))


def entities_of(hunt: Hunt, chosen: Chosen) -> tuple[Device | Indicator, ...]:
    """Return what *hunt* would hunt for among *chosen*: all devices, or the indicators of its kinds."""
    if hunt.entity == "device":
        return chosen.devices
    return tuple(indicator for indicator in chosen.indicators if indicator.kind in hunt.kinds)


def pair(hunt: Hunt, entity: Device | Indicator) -> str:
    """Name a hunt, its version and one entity, as the ledger does: a changed hunt is another pair."""
    name = (
        f"{entity.kind}:{entity.value}"
        if isinstance(entity, Indicator)
        else f"device:{entity.id or entity.name.lower()}"
    )
    return f"{hunt.id}@{hunt.version} {name}"


def misfit(hunt: Hunt, os_platform: str, device_type: str = "") -> str:
    """Say why a hunt is not for a device of this platform and type."""
    kind = " ".join(filter(None, (os_platform, device_type.lower())))
    wanted = " ".join(
        filter(
            None, (" or ".join(hunt.applies_to.os_platform), " or ".join(hunt.applies_to.device_type).lower())
        )
    )
    return f"it is a {kind}, the hunt is for {wanted}"
