"""Read the entities of a Microsoft Sentinel incident as devices and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model.entity import DEVICE_ID, Chosen, Device, Dropped, Indicator

from .choosing import Limits, choose
from .fields import folded, objects_in, text_of
from .indicators import read_indicator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def from_entities(found: Iterable[dict[str, Any]], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's entities, in their order: Sentinel gives no verdict on them.

    *private* also takes private and reserved addresses, for runs that name their hunts.
    """
    return choose(((one, "") for entity in found for one in _entities(entity)), limits, private=private)


def _entities(entity: dict[str, Any]) -> Iterator[Device | Indicator | Dropped]:
    """
    Yield the entities in one of Sentinel's, which may have its fields below `properties` or not.

    Yields nothing for what cannot be hunted.
    """
    outer = folded(entity)
    inner = folded(outer.get("properties"))
    fields = {**outer, **folded(outer.get("additionaldata")), **folded(inner.get("additionaldata")), **inner}
    match text_of(outer.get("kind") or outer.get("type")).lower():
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
        yield from read_indicator(fields.get("hashvalue") or fields.get("value"), "fileHash")
