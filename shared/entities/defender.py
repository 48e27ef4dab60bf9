"""Read the evidence of a Defender incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.decoding import was_mended
from shared.model.entity import DEVICE_ID, Chosen, Device, Dropped, Indicator

from .choosing import MALICIOUS, UNKNOWN, Limits, choose, verdict_rank
from .fields import is_text, text_of
from .indicators import host_of, read_first, read_indicator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The fields of each type of evidence that are read, as far as they are text.
_TEXTS = {
    "deviceEvidence": ("mdeDeviceId", "deviceDnsName", "hostName"),
    "ipEvidence": ("ipAddress",),
    "urlEvidence": ("url",),
}
#: The field of each type of evidence that describes a file.
_FILES = {"fileEvidence": "fileDetails", "processEvidence": "imageFile"}
_HASHES = ("sha1", "sha256", "md5")


def from_evidence(evidence: Iterable[Any], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's evidence, as Graph sends it (`microsoft.graph.security.alertEvidence`).

    The worst verdict comes first, and what is clean is dropped. *private* also takes private and reserved
    addresses, for runs that name their hunts. Evidence that cannot be hunted, such as accounts, is ignored,
    and so is what cannot be read (`count_unreadable`).
    """
    objects = (item for item in evidence if isinstance(item, dict))
    verdicts = ((item, text_of(item.get("verdict"))) for item in objects)
    found = (
        (entity, verdict) for item, verdict in verdicts for entity in _entities(item, verdict_rank(verdict))
    )
    return choose(found, limits, private=private)


def entity_keys(item: Any) -> set[str]:
    """Return the keys of the entities in one piece of evidence, as the ledger names them."""
    found = _entities(item, verdict_rank(text_of(item.get("verdict")))) if isinstance(item, dict) else ()
    return {entity.key for entity in found if not isinstance(entity, Dropped)}


def count_unreadable(evidence: Iterable[Any]) -> int:
    """
    Count the pieces of evidence that are not what Graph documents, so that something may have been missed.

    One is no object, or a field that is read of it is no text, or holds half a character: then what was sent
    is not known, and cannot be hunted. A device whose id or name can be read is not counted.
    """
    return sum(not isinstance(item, dict) or _is_unreadable(item) for item in evidence)


def _is_unreadable(item: dict[str, Any]) -> bool:
    kind = item.get("@odata.type")
    if not isinstance(kind, str):
        return True
    name = kind.rsplit(".", 1)[-1]
    if name == "deviceEvidence" and any(text_of(item.get(field)) for field in _TEXTS[name]):
        return False
    if name in _FILES:
        details = item.get(_FILES[name])
        item = details if isinstance(details, dict) else {}
        if details is not None and not item and details != {}:
            return True
    values = [item.get(field) for field in _TEXTS.get(name, _HASHES if name in _FILES else ())]
    return any(not is_text(value) or was_mended(text_of(value)) for value in values)


def _entities(item: dict[str, Any], rank: int) -> Iterator[Device | Indicator | Dropped]:
    """Yield the entities in one piece of evidence; none for what cannot be hunted (accounts, mailboxes …)."""
    match text_of(item.get("@odata.type")).rsplit(".", 1)[-1]:
        case "deviceEvidence":
            device_id = text_of(item.get("mdeDeviceId")).lower()
            name = text_of(item.get("deviceDnsName")) or text_of(item.get("hostName"))
            # By an id that Defender gives to no device, it would never be found.
            if name and not DEVICE_ID.fullmatch(device_id):
                device_id = ""
            if device_id or name:
                yield Device(device_id, name, text_of(item.get("osPlatform")))
        case "ipEvidence":
            yield from read_indicator(item.get("ipAddress"), "ip")
        case "urlEvidence":
            # It may hold a bare host.
            yield from read_indicator(item.get("url"))
            # The host of a malicious URL serves others, too; the host of an unknown one may serve everyone.
            if rank == MALICIOUS:
                yield from read_indicator(host_of(text_of(item.get("url"))))
        case "fileEvidence":
            yield from _hashes(item.get("fileDetails"))
        case "processEvidence":
            # Half the processes of an incident are bash and svchost: only suspicious ones are hunted.
            if rank < UNKNOWN:
                yield from _hashes(item.get("imageFile"))


def _hashes(details: Any) -> Iterator[Indicator | Dropped]:
    # SHA-1 first: SHA-256 is "usually not populated" in Defender's tables, as their reference says.
    if isinstance(details, dict):
        yield from read_first(map(details.get, _HASHES), "fileHash")
