"""Read the entities of a Microsoft Sentinel incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model.entity import DEVICE_ID, Chosen, Device

from .choosing import SUSPICIOUS, Limits, Seen, choose
from .fields import folded, is_text, text_of
from .pieces import is_unreadable, read_piece
from .shapes import ENTITIES, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .pieces import Entity


def from_entities(found: Iterable[Any], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's entities, in their order: Sentinel gives no verdict on them.

    What no hunt takes, such as accounts, is dropped. *private* also takes private and reserved addresses, for runs
    that name their hunts. What cannot be read is ignored (`count_unreadable`).
    """
    return choose(((one, Seen()) for entity in found for one in _entities(entity)), limits, private=private)


def count_unreadable(found: Iterable[Any]) -> int:
    """
    Count the entities that are not what Azure documents, so that something may have been missed.

    One is no object or has no kind, or a field that is read of it is no text, or holds half a character: then
    what was sent is not known, and cannot be hunted.
    """
    return sum(map(_is_unreadable, found))


def _is_unreadable(entity: Any) -> bool:
    kind, fields = _fields(entity)
    return not kind or is_unreadable(fields, shape_of(kind, ENTITIES), _is_odd_device)


def _is_odd_device(fields: Any) -> bool:
    names = [fields.get(name) for name in ("fqdn", "devicednsname", "hostname", "netbiosname")]
    return not any(map(text_of, names)) and not all(map(is_text, names))


def _fields(entity: Any) -> tuple[str, dict[str, Any]]:
    """Return an entity's kind and its fields, both in lower case; they may stand below `properties` or not."""
    outer = folded(entity)
    inner = folded(outer.get("properties"))
    fields = {**outer, **folded(outer.get("additionaldata")), **folded(inner.get("additionaldata")), **inner}
    return (text_of(outer.get("kind")) or text_of(outer.get("type"))).lower(), fields


def _entities(entity: Any) -> Iterator[Entity]:
    """Yield the entities in one of Sentinel's, and what of it is not hunted, with the reason."""
    kind, fields = _fields(entity)
    if kind:
        # Sentinel gives no verdict: whatever an alert names is under suspicion.
        yield from read_piece(fields, shape_of(kind, ENTITIES), SUSPICIOUS, _device)


def _device(fields: dict[str, Any]) -> Iterator[Device]:
    device_id = text_of(fields.get("mdatpdeviceid")).lower()
    short, domain = text_of(fields.get("hostname")), text_of(fields.get("dnsdomain")).strip(".")
    joined = f"{short}.{domain}" if short and domain and "." not in short else short
    names = (fields.get("fqdn"), fields.get("devicednsname"), joined, fields.get("netbiosname"))
    name = next((text for text in map(text_of, names) if text), "")[:255]
    device = Device(device_id if DEVICE_ID.fullmatch(device_id) else "", name)
    if device.label:
        yield device
