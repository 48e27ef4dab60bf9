"""Read the evidence of a Defender incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model.entity import Chosen, Device, Dropped, Indicator

from .choosing import MALICIOUS, UNKNOWN, Limits, choose, verdict_rank
from .indicators import host_of, read_indicator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def from_evidence(evidence: Iterable[dict[str, Any]], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's evidence, as Graph sends it (`microsoft.graph.security.alertEvidence`).

    The worst verdict comes first, and what is clean is dropped. *private* also takes private and reserved
    addresses, for runs that name their hunts. Evidence that cannot be hunted, such as accounts, is ignored.
    """
    verdicts = ((item, str(item.get("verdict") or "")) for item in evidence)
    found = (
        (entity, verdict) for item, verdict in verdicts for entity in _entities(item, verdict_rank(verdict))
    )
    return choose(found, limits, private=private)


def entity_keys(item: dict[str, Any]) -> set[str]:
    """Return the keys of the entities in one piece of evidence, as the ledger names them."""
    found = _entities(item, verdict_rank(str(item.get("verdict") or "")))
    return {entity.key for entity in found if not isinstance(entity, Dropped)}


def _entities(item: dict[str, Any], rank: int) -> Iterator[Device | Indicator | Dropped]:
    """Yield the entities in one piece of evidence; none for what cannot be hunted (accounts, mailboxes …)."""
    match str(item.get("@odata.type", "")).rsplit(".", 1)[-1]:
        case "deviceEvidence":
            device_id = str(item.get("mdeDeviceId") or "").lower()
            name = str(item.get("deviceDnsName") or item.get("hostName") or "")
            if device_id or name:
                yield Device(device_id, name, str(item.get("osPlatform") or ""))
        case "ipEvidence":
            yield from read_indicator(item.get("ipAddress"), "ip")
        case "urlEvidence":
            # It may hold a bare host.
            yield from read_indicator(item.get("url"))
            # The host of a malicious URL serves others, too; the host of an unknown one may serve everyone.
            if rank == MALICIOUS:
                yield from read_indicator(host_of(str(item.get("url") or "")))
        case "fileEvidence":
            yield from _hashes(item.get("fileDetails"))
        case "processEvidence":
            # Half the processes of an incident are bash and svchost: only suspicious ones are hunted.
            if rank < UNKNOWN:
                yield from _hashes(item.get("imageFile"))


def _hashes(details: Any) -> Iterator[Indicator | Dropped]:
    # SHA-1 first: SHA-256 is "usually not populated" in Defender's tables, as their reference says.
    for name in ("sha1", "sha256", "md5"):
        value = (details or {}).get(name)
        if value:
            yield from read_indicator(value, "fileHash")
            return
