"""Graph evidence and request bodies -> the entities a run hunts for, chosen and capped."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from .errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Kind = Literal["ip", "url", "domain", "fileHash"]
KINDS: tuple[Kind, ...] = ("ip", "url", "domain", "fileHash")

# Graph's evidenceVerdict, worst first. What Defender calls clean is not hunted.
_VERDICTS = {"malicious": 0, "suspicious": 1}
_UNKNOWN = 2
_CLEAN = "noThreatsFound"

_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_DEVICE_ID = re.compile(r"[0-9a-f]{40}")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST = 2_048

# Not `is_private`: that counts the documentation ranges too. RFC 1918, 6598, 6890, 4193 and 4291.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip


class Device(Struct, frozen=True, omit_defaults=True):
    """A machine known to Defender, by its id (40 hex digits, lower case), its name, or both."""

    id: str = ""
    name: str = ""
    os_platform: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or self.id


class Indicator(Struct, frozen=True, omit_defaults=True):
    """An address, URL, domain or file hash, in the form it is hunted in."""

    kind: Kind
    value: str


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


def parse_indicator(text: str, kind: Kind | None = None) -> Indicator:
    """
    Read an indicator, defanged or not, and guess its kind unless *kind* is given.

    URLs lose their scheme and trailing slash, the form in which Defender's columns contain them. Raises
    InvalidRequest saying what to change.
    """
    plain = text.strip().replace("[.]", ".").replace("[:]", ":").replace("[::]", "::")
    plain = re.sub(r"^hxxp", "http", plain, flags=re.IGNORECASE)
    if plain and len(plain) <= _LONGEST:
        for known, read in _READERS.items():
            if kind in (None, known) and (value := read(plain)):
                return Indicator(known, value)
    wanted = {"ip": "IP address", "url": "URL", "domain": "domain", "fileHash": "MD5, SHA-1 or SHA-256"}
    named = wanted[kind] if kind else "IP address, URL, domain or file hash"
    raise InvalidRequest(f"{text[:80]!r} is no {named}")


def is_private(indicator: Indicator) -> bool:
    """Whether it is an address that means something else in every network."""
    if indicator.kind != "ip":
        return False
    address = ipaddress.ip_address(indicator.value)
    # Sensors write IPv4 connections of dual-stack sockets as ::ffff:a.b.c.d.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in _PRIVATE if network.version == address.version)


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
    kept = tuple(indicator for indicator in wanted if not _ignored(indicator, limits.ignored))
    dropped = tuple(Dropped(i.kind, i.value, "on IGNORE_INDICATORS") for i in wanted if i not in kept)
    if wanted and not kept and not unique:
        raise InvalidRequest("every indicator given is on IGNORE_INDICATORS: nothing is left to hunt for")
    return Chosen(unique, kept, dropped)


def from_evidence(evidence: Iterable[dict[str, Any]], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's evidence: the worst verdict first, what is clean not at all.

    *private* also takes private and reserved addresses, for runs that name their hunts.
    """
    verdicts: dict[Device | Indicator, int] = {}
    dropped: dict[Device | Indicator, Dropped] = {}
    devices: dict[str, Device] = {}
    for item in evidence:
        verdict = str(item.get("verdict") or "")
        rank = _VERDICTS.get(verdict, _UNKNOWN)
        for found in _entities(item, rank):
            entity = _known(devices, found) if isinstance(found, Device) else found
            reason = _reason(entity, verdict, limits, private=private)
            if reason:
                dropped.setdefault(entity, _drop(entity, reason))
            else:
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


def _drop(entity: Device | Indicator, reason: str) -> Dropped:
    if isinstance(entity, Device):
        return Dropped("device", entity.label, reason)
    return Dropped(entity.kind, entity.value, reason)


def _reason(entity: Device | Indicator, verdict: str, limits: Limits, *, private: bool) -> str:
    if verdict == _CLEAN:
        return "verdict clean"
    if isinstance(entity, Device):
        return ""
    if _ignored(entity, limits.ignored):
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
            yield from _indicator(item.get("ipAddress"), "ip")
        case "urlEvidence":
            yield from _indicator(item.get("url"), "url")
            # The host of a bad URL serves others too; that of a merely unknown one may serve everyone.
            if rank == 0:
                yield from _indicator(_host(str(item.get("url") or "")), "domain")
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
            yield from _indicator(value, "fileHash")
            return


def _indicator(value: Any, kind: Kind) -> Iterator[Indicator]:
    try:
        yield parse_indicator(str(value or ""), kind)
    except InvalidRequest:
        return


def _ignored(indicator: Indicator, ignored: frozenset[str]) -> bool:
    value = indicator.value.lower()
    if value in ignored:
        return True
    host = _host(value) if indicator.kind == "url" else value
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return indicator.kind != "fileHash" and any(
            host == entry or host.endswith(f".{entry}") for entry in ignored
        )
    return any(
        address in ipaddress.ip_network(entry, strict=False) for entry in ignored if _is_network(entry)
    )


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


def _host(url: str) -> str:
    try:
        return (urlsplit(url if _SCHEME.match(url) else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def _read_ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return ""


def _read_hash(text: str) -> str:
    return text.lower() if _HASH.fullmatch(text.lower()) else ""


def _read_domain(text: str) -> str:
    try:
        ascii_text = text.rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        return ""
    return ascii_text if _DOMAIN.fullmatch(ascii_text) else ""


def _read_url(text: str) -> str:
    if not (_SCHEME.match(text) or "/" in text) or any(c.isspace() for c in text):
        return ""
    host = _host(text)
    return _SCHEME.sub("", text, count=1).rstrip("/") if _read_ip(host) or _read_domain(host) else ""


_READERS: dict[Kind, Callable[[str], str]] = {
    "ip": _read_ip,
    "fileHash": _read_hash,
    "url": _read_url,
    "domain": _read_domain,
}
