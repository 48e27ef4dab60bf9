"""
Choose what is hunted for among an incident's entities: each once, the most suspicious first.

Entities that are left out are returned, too, with the reason. `limit` takes as many as one run hunts for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from shared.model.entity import CLEAN, IGNORED, INDICATOR_KINDS, PRIVATE, Chosen, Device, Dropped, Indicator

from .indicators import is_ignored, is_private

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Graph's evidenceVerdict as a rank; the lowest is the worst.
MALICIOUS, SUSPICIOUS, UNKNOWN = range(3)
_RANKS = {"malicious": MALICIOUS, "suspicious": SUSPICIOUS}
#: Of Graph's evidenceRole, those of who attacks, and that of what is only named beside it.
_ATTACKING = frozenset({"attacker", "commandAndControl", "compromised", "suspicious"})
_BESIDE = frozenset({"contextual"})
#: Of Graph's evidenceRemediationStatus, those after which no harm is left.
_OVER = frozenset({"remediated", "prevented", "blocked"})
# What Defender calls clean is not hunted.
_CLEAN = "noThreatsFound"


class Limits(Struct, frozen=True):
    """
    The most that one run hunts for: devices in total, and indicators of each kind.

    `ignored` holds the addresses, CIDRs, domains and hashes (lower case) that are never hunted.
    """

    devices: int = 50
    indicators: int = 100
    ignored: frozenset[str] = frozenset()


class Seen(NamedTuple):
    """What a product says of a piece of evidence, in Graph's words; '' and none where it says nothing."""

    verdict: str = ""
    roles: frozenset[str] = frozenset()
    remediation: str = ""

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Its place among others: the lowest first, by verdict, by role, and what is over last."""
        role = 0 if self.roles & _ATTACKING else 2 if self.roles and self.roles <= _BESIDE else 1
        return verdict_rank(self.verdict), role, self.remediation in _OVER


def choose(
    found: Iterable[tuple[Device | Indicator | Dropped, Seen]], limits: Limits, *, private: bool
) -> Chosen:
    """
    Choose among entities, each given with what is said of it.

    The worst verdict comes first, then who attacks before what is only context, then what is not remediated;
    equals keep their order, and of several pieces about an entity the first counts. An entity is dropped as
    clean only if every piece of evidence about it is clean. *private* also takes private and reserved
    addresses. There is no limit yet: it counts for what is due. Raises nothing: whatever is not chosen, or could
    not be read, is in `dropped`, with the reason.
    """
    ranks: dict[Device | Indicator, tuple[int, int, bool]] = {}
    dropped: dict[Device | Indicator | Dropped, Dropped] = {}
    devices: dict[str, Device] = {}
    for named, seen in found:
        if isinstance(named, Dropped):
            dropped[named] = named
            continue
        entity = _known(devices, named) if isinstance(named, Device) else named
        reason = _reason(entity, seen.verdict, limits, private=private)
        if reason:
            dropped.setdefault(entity, _drop(entity, reason))
        else:
            ranks[entity] = min(seen.rank, ranks.get(entity, seen.rank))
    # One clean piece of evidence does not clear an entity that another piece does not call clean.
    dropped = {entity: drop for entity, drop in dropped.items() if entity not in ranks}
    ordered = sorted(ranks, key=ranks.__getitem__)
    chosen = [e for kind in INDICATOR_KINDS for e in ordered if isinstance(e, Indicator) and e.kind == kind]
    return Chosen(
        tuple(devices[e.id or e.name.lower()] for e in ordered if isinstance(e, Device)),
        tuple(chosen),
        tuple(dropped.values()),
    )


def limit(chosen: Chosen, limits: Limits) -> Chosen:
    """Return as much of *chosen* as one run hunts for, its first; the rest is in `dropped`, with the reason."""
    indicators: list[Indicator] = []
    beyond: list[Dropped] = []
    for kind in INDICATOR_KINDS:
        of_kind = [indicator for indicator in chosen.indicators if indicator.kind == kind]
        indicators += of_kind[: limits.indicators]
        reason = f"beyond {limits.indicators} of a kind (MAX_INDICATORS)"
        beyond += [_drop(indicator, reason) for indicator in of_kind[limits.indicators :]]
    reason = f"beyond {limits.devices} devices (MAX_DEVICES)"
    beyond += [_drop(device, reason) for device in chosen.devices[limits.devices :]]
    return Chosen(chosen.devices[: limits.devices], tuple(indicators), (*chosen.dropped, *beyond))


def _known(devices: dict[str, Device], device: Device) -> Device:
    """Return the key of a device, after adding to *devices* the facts that earlier evidence lacked."""
    key = device.id or device.name.lower()
    old = devices.get(key, device)
    devices[key] = Device(old.id, old.name or device.name, old.os_platform or device.os_platform)
    return Device(device.id, "" if device.id else device.name.lower())


def verdict_rank(verdict: str) -> int:
    """Rank a verdict from Graph: MALICIOUS, SUSPICIOUS, or UNKNOWN for any other."""
    return _RANKS.get(verdict, UNKNOWN)


def _drop(entity: Device | Indicator, reason: str) -> Dropped:
    if isinstance(entity, Device):
        return Dropped("device", entity.label, reason)
    return Dropped(entity.kind, entity.value, reason)


def _reason(entity: Device | Indicator, verdict: str, limits: Limits, *, private: bool) -> str:
    if verdict == _CLEAN:
        return CLEAN
    if isinstance(entity, Device):
        return ""
    if is_ignored(entity, limits.ignored):
        return IGNORED
    return PRIVATE if not private and is_private(entity) else ""
