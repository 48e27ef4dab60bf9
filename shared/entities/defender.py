"""Read the evidence of a Defender incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model.entity import DEVICE_ID, Chosen, Device, Dropped

from .choosing import Limits, Seen, choose, verdict_rank
from .fields import is_text, text_of
from .pieces import is_unreadable, read_piece
from .shapes import EVIDENCE, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .pieces import Entity

_DEVICE = ("mdeDeviceId", "deviceDnsName", "hostName")


def from_evidence(evidence: Iterable[Any], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's evidence, as Graph sends it (`microsoft.graph.security.alertEvidence`).

    The worst verdict comes first, then what attacked, and last what is only context or remediated; what is clean is
    dropped, and so is what no hunt takes, such as accounts. *private* also takes private and reserved addresses, for
    runs that name their hunts. What cannot be read is ignored (`count_unreadable`).
    """
    objects = [item for item in evidence if isinstance(item, dict)]
    return choose(
        ((one, _seen(item)) for item in objects for one in _entities(item)), limits, private=private
    )


def entity_keys(item: Any) -> set[str]:
    """Return the keys of the entities in one piece of evidence, as the ledger names them."""
    found = _entities(item) if isinstance(item, dict) else ()
    return {entity.key for entity in found if not isinstance(entity, Dropped)}


def count_unreadable(evidence: Iterable[Any]) -> int:
    """
    Count the pieces of evidence that are not what Graph documents, so that something may have been missed.

    One is no object, or a field that is hunted is no text, or holds half a character: then what was sent
    is not known, and cannot be hunted. A device whose id or name can be read is not counted.
    """
    return sum(not isinstance(item, dict) or _is_unreadable(item) for item in evidence)


def _is_unreadable(item: dict[str, Any]) -> bool:
    return not isinstance(item.get("@odata.type"), str) or is_unreadable(
        item, shape_of(_type(item), EVIDENCE), _is_odd_device
    )


def _is_odd_device(value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    found = [value.get(name) for name in _DEVICE]
    return not any(map(text_of, found)) and not all(map(is_text, found))


def _type(item: dict[str, Any]) -> str:
    """Return the type of evidence, as in `ip`; '' where it has none."""
    return text_of(item.get("@odata.type")).rsplit(".", 1)[-1].removesuffix("Evidence")


def _seen(item: dict[str, Any]) -> Seen:
    roles = item.get("roles")
    return Seen(
        text_of(item.get("verdict")),
        frozenset(map(text_of, roles)) if isinstance(roles, list) else frozenset(),
        text_of(item.get("remediationStatus")),
    )


def _entities(item: dict[str, Any]) -> Iterator[Entity]:
    """Yield the entities in one piece of evidence, and what of it is not hunted, with the reason."""
    if name := _type(item):
        rank = verdict_rank(text_of(item.get("verdict")))
        yield from read_piece(item, shape_of(name, EVIDENCE), rank, _device)


def _device(value: Any) -> Iterator[Device]:
    if not isinstance(value, dict):
        return
    device_id = text_of(value.get("mdeDeviceId")).lower()
    name = text_of(value.get("deviceDnsName")) or text_of(value.get("hostName"))
    # By an id that Defender gives to no device, it would never be found.
    if name and not DEVICE_ID.fullmatch(device_id):
        device_id = ""
    if device_id or name:
        yield Device(device_id, name, text_of(value.get("osPlatform")))
