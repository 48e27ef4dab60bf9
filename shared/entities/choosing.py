"""What a run hunts for: devices and indicators, from a request or from evidence, chosen and capped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shared.errors import InvalidRequest

from .indicators import (
    KINDS,
    Indicator,
    Kind,
    host_of,
    is_ignored,
    is_private,
    parse_indicator,
    read_indicator,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What reads entities reads indicators, too, and has them from here.
__all__ = [
    "KINDS",
    "Chosen",
    "Device",
    "Dropped",
    "Indicator",
    "Kind",
    "Limits",
    "choose",
    "from_evidence",
    "from_request",
    "is_private",
    "parse_device",
    "parse_indicator",
    "same_device",
]

# Graph's evidenceVerdict, worst first. What Defender calls clean is not hunted.
_VERDICTS = {"malicious": 0, "suspicious": 1}
_UNKNOWN = 2
_CLEAN = "noThreatsFound"

_DEVICE_ID = re.compile(r"[0-9a-f]{40}")


class Device(Struct, frozen=True, omit_defaults=True):
    """A machine known to Defender, by its id (40 hex digits, lower case), its name, or both."""

    id: str = ""
    name: str = ""
    os_platform: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or self.id


class Dropped(Struct, frozen=True):
    """An entity that is not hunted, and why."""

    kind: str
    value: str
    reason: str


class Chosen(Struct, frozen=True):
    """What a run hunts for."""

    devices: tuple[Device, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of indicator present."""
        return frozenset(indicator.kind for indicator in self.indicators)


class Limits(Struct, frozen=True):
    """How much one run hunts for, and what it never does."""

    devices: int = 50
    indicators: int = 100
    ignored: frozenset[str] = frozenset()


def same_device(device: Device, device_id: str, name: str) -> bool:
    """Whether a row's device is this one: by id where both have one, else by name, short or full."""
    if device.id and _DEVICE_ID.fullmatch(device_id.lower()):
        return device.id == device_id.lower()
    mine, theirs = device.name.lower(), name.lower()
    return bool(mine) and (mine == theirs or theirs.startswith(f"{mine}."))


def parse_device(text: str) -> Device:
    """Read a device from its id or its name. Raises InvalidRequest saying what to change."""
    text = text.strip()
    if not text or len(text) > 255:
        raise InvalidRequest(f"{text[:60]!r} is no device: give its name or its 40-digit Defender id")
    if _DEVICE_ID.fullmatch(text.lower()):
        return Device(id=text.lower())
    return Device(name=text)


def from_request(devices: Iterable[Device], indicators: Iterable[Indicator], limits: Limits) -> Chosen:
    """
    Choose among the entities a caller named: all of them but those on IGNORE_INDICATORS.

    Raises InvalidRequest where there are more than a run's limits.
    """
    unique = tuple(dict.fromkeys(devices))
    wanted = tuple(dict.fromkeys(indicators))
    if len(unique) > limits.devices:
        raise InvalidRequest(f"{len(unique)} devices: one run takes at most {limits.devices} (MAX_DEVICES)")
    for kind in KINDS:
        count = sum(indicator.kind == kind for indicator in wanted)
        if count > limits.indicators:
            raise InvalidRequest(
                f"{count} indicators of kind {kind}: one run takes at most {limits.indicators} (MAX_INDICATORS)"
            )
    kept = tuple(indicator for indicator in wanted if not is_ignored(indicator, limits.ignored))
    dropped = tuple(Dropped(i.kind, i.value, "on IGNORE_INDICATORS") for i in wanted if i not in kept)
    if wanted and not kept and not unique:
        raise InvalidRequest("every indicator given is on IGNORE_INDICATORS: nothing is left to hunt for")
    return Chosen(unique, kept, dropped)


def from_evidence(evidence: Iterable[dict[str, Any]], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's evidence: the worst verdict first, what is clean not at all.

    *private* also takes private and reserved addresses, for runs that name their hunts.
    """
    verdicts = ((item, str(item.get("verdict") or "")) for item in evidence)
    found = ((entity, verdict) for item, verdict in verdicts for entity in _entities(item, _rank(verdict)))
    return choose(found, limits, private=private)


def choose(found: Iterable[tuple[Device | Indicator, str]], limits: Limits, *, private: bool) -> Chosen:
    """Choose among entities, each with Graph's verdict on it, empty where there is none."""
    verdicts: dict[Device | Indicator, int] = {}
    dropped: dict[Device | Indicator, Dropped] = {}
    devices: dict[str, Device] = {}
    for named, verdict in found:
        entity = _known(devices, named) if isinstance(named, Device) else named
        reason = _reason(entity, verdict, limits, private=private)
        if reason:
            dropped.setdefault(entity, _drop(entity, reason))
        else:
            rank = _rank(verdict)
            verdicts[entity] = min(rank, verdicts.get(entity, rank))
    # One clean piece of evidence does not clear what another one accuses.
    dropped = {entity: drop for entity, drop in dropped.items() if entity not in verdicts}
    ordered = sorted(verdicts, key=verdicts.__getitem__)
    chosen_devices = [devices[e.id or e.name.lower()] for e in ordered if isinstance(e, Device)]
    chosen: list[Indicator] = []
    for kind in KINDS:
        of_kind = [e for e in ordered if isinstance(e, Indicator) and e.kind == kind]
        chosen += of_kind[: limits.indicators]
        for entity in of_kind[limits.indicators :]:
            dropped[entity] = _drop(entity, f"beyond {limits.indicators} of a kind (MAX_INDICATORS)")
    for entity in chosen_devices[limits.devices :]:
        dropped[entity] = _drop(entity, f"beyond {limits.devices} devices (MAX_DEVICES)")
    return Chosen(
        tuple(chosen_devices[: limits.devices]),
        tuple(chosen),
        tuple(dropped.values()),
    )


def _known(devices: dict[str, Device], device: Device) -> Device:
    """One device per id or name; later evidence adds the facts that earlier evidence lacked."""
    key = device.id or device.name.lower()
    old = devices.get(key, device)
    devices[key] = Device(old.id, old.name or device.name, old.os_platform or device.os_platform)
    return Device(device.id, "" if device.id else device.name.lower())


def _rank(verdict: str) -> int:
    return _VERDICTS.get(verdict, _UNKNOWN)


def _drop(entity: Device | Indicator, reason: str) -> Dropped:
    if isinstance(entity, Device):
        return Dropped("device", entity.label, reason)
    return Dropped(entity.kind, entity.value, reason)


def _reason(entity: Device | Indicator, verdict: str, limits: Limits, *, private: bool) -> str:
    if verdict == _CLEAN:
        return "verdict clean"
    if isinstance(entity, Device):
        return ""
    if is_ignored(entity, limits.ignored):
        return "on IGNORE_INDICATORS"
    return "private or reserved address" if not private and is_private(entity) else ""


def _entities(item: dict[str, Any], rank: int) -> Iterator[Device | Indicator]:
    """Read one piece of evidence; what cannot be hunted (accounts, mailboxes …) yields nothing."""
    match str(item.get("@odata.type", "")).rsplit(".", 1)[-1]:
        case "deviceEvidence":
            device_id = str(item.get("mdeDeviceId") or "").lower()
            name = str(item.get("deviceDnsName") or item.get("hostName") or "")
            if device_id or name:
                yield Device(device_id, name, str(item.get("osPlatform") or ""))
        case "ipEvidence":
            yield from read_indicator(item.get("ipAddress"), "ip")
        case "urlEvidence":
            yield from read_indicator(item.get("url"), "url")
            # The host of a bad URL serves others too; that of a merely unknown one may serve everyone.
            if rank == 0:
                yield from read_indicator(host_of(str(item.get("url") or "")), "domain")
        case "fileEvidence":
            yield from _hashes(item.get("fileDetails"))
        case "processEvidence":
            # Half the processes of an incident are bash and svchost: only those under suspicion are hunted.
            if rank < _UNKNOWN:
                yield from _hashes(item.get("imageFile"))


def _hashes(details: Any) -> Iterator[Indicator]:
    # SHA-256 is "usually not populated" in Defender's tables, as their reference says: SHA-1 first.
    for name in ("sha1", "sha256", "md5"):
        value = (details or {}).get(name)
        if value:
            yield from read_indicator(value, "fileHash")
            return
