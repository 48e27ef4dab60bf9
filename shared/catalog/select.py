"""Check the hunts that a caller names, and name the pairs of hunt and entity for the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import InvalidRequest
from shared.kql.binding import MOST_VALUES
from shared.model.entity import hidden
from shared.model.finding import indicators_digest
from shared.model.hunt import DEVICE_CARD, HASHES

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model.entity import Chosen, Device, Indicator
    from shared.model.finding import Found
    from shared.model.hunt import Hunt

    from .load import Catalog


#: Characters of a name, and problems, that an answer repeats.
_SHOWN, _SHOWN_PROBLEMS = 60, 20


def check_named(
    catalog: Catalog, names: Collection[str], *, devices: bool, kinds: Collection[str], most: int
) -> None:
    """
    Check the *names* of the hunts that a run is to take, which may hunt for *devices* and these *kinds* of indicator.

    Raises InvalidRequest for a name that is not in the catalogue, for a hunt that has nothing to hunt for, and for
    *most* (MAX_HUNTS) hunts and more: what somebody names is refused, and never left out without a word.
    """
    known = catalog.by_name
    problems = []
    for name in dict.fromkeys(names):
        hunt = known.get(name)
        if hunt is None:
            problems.append(f"there is no hunt {name[:_SHOWN]!r}")
        elif not (devices if hunt.entity == "device" else not set(hunt.kinds).isdisjoint(kinds)):
            needs = "a device" if hunt.entity == "device" else f"an indicator ({', '.join(hunt.kinds)})"
            problems.append(f"the hunt {name} needs {needs}")
    _refuse(problems, "these hunts cannot run", f"there are {', '.join(known)}")
    if (count := len(set(names) - {DEVICE_CARD})) > most:
        raise InvalidRequest(
            f"{count} hunts are named: one run takes at most {most} (MAX_HUNTS); name fewer, or start several"
        )


def select_for_sweep(catalog: Catalog, names: Collection[str] = ()) -> tuple[Hunt, ...]:
    """
    Return the hunts that can sweep the fleet: all of them, or those in *names*.

    Raises InvalidRequest for a name that is not one of these hunts; the message lists them.
    """
    able = {hunt.name: hunt for hunt in catalog.hunts if hunt.sweep}
    known = catalog.by_name
    problems = [
        f"the hunt {name} has no sweep block" if name in known else f"there is no hunt {name[:_SHOWN]!r}"
        for name in dict.fromkeys(names)
        if name not in able
    ]
    _refuse(problems, "these hunts cannot sweep", f"these have a sweep block: {', '.join(able) or 'none'}")
    return tuple(hunt for hunt in able.values() if not names or hunt.name in names)


def _refuse(problems: list[str], together: str, there: str) -> None:
    """Raise InvalidRequest with the first 20 problems, what they are *together*, and once which hunts *there* are."""
    if len(problems) == 1:
        raise InvalidRequest(f"{problems[0]}; {there}", (f"{problems[0]}; {there}",))
    if problems:
        rest = len(problems) - _SHOWN_PROBLEMS
        more = (f"and {rest} more",) if rest > 0 else ()
        raise InvalidRequest(f"{together}; {there}", (*problems[:_SHOWN_PROBLEMS], *more))


def ledger_keys(hunt: Hunt, chosen: Chosen) -> tuple[str, ...]:
    """Return the ledger's key for *hunt* and each entity that it would hunt for, in the entities' order."""
    return tuple(ledger_key(hunt, entity) for entity in entities_of(hunt, chosen))


def entities_of(hunt: Hunt, chosen: Chosen) -> tuple[Device | Indicator, ...]:
    """Return what *hunt* would hunt for among *chosen*: all devices, or the indicators of its kinds."""
    if hunt.entity == "device":
        return chosen.devices
    lengths = {HASHES.get(kind) for kind in hunt.binds.values()} - {None}
    return tuple(
        indicator
        for indicator in chosen.indicators
        if indicator.kind in hunt.kinds and (not lengths or len(indicator.value) in lengths)
    )


def asked_of(hunt: Hunt, chosen: Chosen) -> tuple[Device | Indicator, ...]:
    """Return those of `entities_of` that one query asks for: of a query made for one value, the first MOST_VALUES."""
    entities = entities_of(hunt, chosen)
    return entities[:MOST_VALUES] if hunt.binds else entities


def ledger_key(hunt: Hunt, entity: Device | Indicator) -> str:
    """Return the ledger's key for a hunt, its version and one entity, hashed; a new version makes a new key."""
    return f"{_version_of(hunt)} {hidden(entity.key)}"


def finding_keys(hunt: Hunt, found: Found) -> frozenset[str]:
    """
    Name what a hunt found, for the ledger: one key for each entity that has rows.

    The same rows have the same key. Context has one key an entity, whatever its rows, since more of what is normal
    is no news; and one for each device with hits, by the indicators that they hold: another one is news.
    """
    version = _version_of(hunt)
    if hunt.role != "context":
        return frozenset(
            f"{version} {hidden(entity)} {part.digest[:16]}" for entity, part in found.per_entity.items()
        )
    hits = [(place.id or place.name.lower(), place.digest) for place in found.hit_places]
    if found.hit_rows and not hits:
        hits = [("", indicators_digest(value for group in found.groups for value in group.hits))]
    return frozenset(
        [f"{version} {hidden(entity)}" for entity in found.per_entity]
        + [f"{version} {hidden(entity)} {digest[:16]}" for entity, digest in hits]
    )


def _version_of(hunt: Hunt) -> str:
    # Without blanks: the first one ends it in a key.
    return f"{hunt.id}@{'_'.join(hunt.version.split())}"


def misfit(hunt: Hunt, os_platform: str, device_type: str = "") -> str:
    """Say in words why a hunt is not for a device of this platform and type."""
    kind = " ".join(filter(None, (os_platform, device_type.lower())))
    wanted = " ".join(
        filter(
            None, (" or ".join(hunt.applies_to.os_platform), " or ".join(hunt.applies_to.device_type).lower())
        )
    )
    return f"it is a {kind}, the hunt is for {wanted}"
