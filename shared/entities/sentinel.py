"""Read the entities of a Microsoft Sentinel incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.decoding import was_mended
from shared.model.entity import DEVICE_ID, Chosen, Device, Dropped, Indicator

from .choosing import Limits, choose
from .fields import folded, is_text, objects_in, text_of
from .indicators import read_first, read_indicator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The fields that are read of each kind of entity.
_TEXTS = {
    "ip": ("address",),
    "url": ("url",),
    "dns": ("domainname",),
    "dnsresolution": ("domainname",),
    "filehash": ("hashvalue", "value"),
}


def from_entities(found: Iterable[Any], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's entities, in their order: Sentinel gives no verdict on them.

    *private* also takes private and reserved addresses, for runs that name their hunts. What cannot be read
    is ignored (`count_unreadable`).
    """
    return choose(((one, "") for entity in found for one in _entities(entity)), limits, private=private)


def count_unreadable(found: Iterable[Any]) -> int:
    """
    Count the entities that are not what Azure documents, so that something may have been missed.

    One is no object or has no kind, or a field that is read of it is no text, or holds half a character: then
    what was sent is not known, and cannot be hunted.
    """
    return sum(map(_is_unreadable, found))


def _is_unreadable(entity: Any) -> bool:
    kind, fields = _fields(entity)
    if not kind:
        return True
    if kind == "host":
        names = [fields.get(name) for name in ("fqdn", "devicednsname", "hostname", "netbiosname")]
        return not any(map(text_of, names)) and not all(map(is_text, names))
    values = [fields.get(name) for name in _TEXTS.get(kind, ())]
    return any(not is_text(value) or was_mended(text_of(value)) for value in values)


def _fields(entity: Any) -> tuple[str, dict[str, Any]]:
    """Return an entity's kind and its fields, both in lower case; they may stand below `properties` or not."""
    outer = folded(entity)
    inner = folded(outer.get("properties"))
    fields = {**outer, **folded(outer.get("additionaldata")), **folded(inner.get("additionaldata")), **inner}
    return (text_of(outer.get("kind")) or text_of(outer.get("type"))).lower(), fields


def _entities(entity: Any) -> Iterator[Device | Indicator | Dropped]:
    """Yield the entities in one of Sentinel's; nothing for what cannot be hunted."""
    kind, fields = _fields(entity)
    match kind:
        case "host":
            yield from _device(fields)
        case "ip":
            yield from read_indicator(fields.get("address"), "ip")
        case "url":
            # Analytics rules also map bare domains to this kind.
            yield from read_indicator(fields.get("url"))
        case "dnsresolution" | "dns":
            yield from read_indicator(fields.get("domainname"), "domain")
        case "filehash":
            yield from _hash(fields)
        case "file":
            # In other answers, a file's hashes are entities of their own, named in fileHashEntityIds.
            for inside in objects_in(fields.get("filehashes")):
                yield from _hash(folded(inside))


def _device(fields: dict[str, Any]) -> Iterator[Device]:
    device_id = text_of(fields.get("mdatpdeviceid")).lower()
    short, domain = text_of(fields.get("hostname")), text_of(fields.get("dnsdomain")).strip(".")
    joined = f"{short}.{domain}" if short and domain and "." not in short else short
    names = (fields.get("fqdn"), fields.get("devicednsname"), joined, fields.get("netbiosname"))
    name = next((text for text in map(text_of, names) if text), "")[:255]
    device = Device(device_id if DEVICE_ID.fullmatch(device_id) else "", name)
    if device.label:
        yield device


def _hash(fields: dict[str, Any]) -> Iterator[Indicator | Dropped]:
    # An Authenticode digest leaves out the signature: no column of Defender's holds it.
    if text_of(fields.get("algorithm")).lower() != "sha256ac":
        yield from read_first((fields.get("hashvalue"), fields.get("value")), "fileHash")
