"""Read one piece of evidence, or one entity, by its shape: what of it is hunted, and what is not, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.decoding import was_mended
from shared.model.entity import NOT_SUSPICIOUS, OWN_SENDER, PUBLIC_SENDER, Device, Dropped, Indicator

from .choosing import MALICIOUS, UNKNOWN
from .fields import folded, is_text, text_of
from .indicators import host_of, read_first, read_indicator
from .shapes import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .shapes import How, Shape

Entity = Device | Indicator | Dropped

#: Why what an incident names is not hunted.
NO_HUNT = "no hunt takes it"
NO_HASH = "no hash that a table of Defender's holds"
NO_VALUE = "it says nothing that can be hunted"
#: Mail services that anyone can use: their domains are on every device, and say nothing of who wrote.
PUBLIC_MAIL = frozenset({
    "126.com", "163.com", "aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com",
    "hotmail.com", "icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "pm.me",
    "proton.me", "protonmail.com", "qq.com", "tutanota.com", "web.de", "yahoo.co.jp", "yahoo.com", "yandex.ru", "zoho.com",
})  # fmt: skip
_HASHES = ("sha1", "sha256", "md5")


def read_piece(
    item: dict[str, Any], shape: Shape, rank: int, device: Callable[[Any], Iterator[Device]]
) -> Iterator[Entity]:
    """
    Yield the entities in one piece of evidence of a *shape*; what is not hunted is Dropped, with the reason.

    *rank* is that of its verdict (`choosing.verdict_rank`); *device* reads an object that stands for a device.
    """
    # Half the processes of an incident are bash and svchost: only suspicious ones are hunted.
    if shape.noun == "process" and shape.hunted and rank == UNKNOWN:
        yield Dropped(shape.noun, shape.name_of(item), NOT_SUSPICIOUS)
        return
    found = [
        each
        for path, how in shape.hunted
        for value in values_at(item, path)
        for each in _read(value, how, item, rank, device)
    ]
    yield from found
    name = shape.name_of(item)
    elsewhere = bool(shape.beside and any(values_at(item, shape.beside)))
    if (not found and not elsewhere) or (name and not shape.whole):
        yield Dropped(shape.noun, name, _why(shape))


def is_unreadable(item: dict[str, Any], shape: Shape, device: Callable[[Any], bool]) -> bool:
    """Tell whether a field that is hunted is not what the product documents; *device* tells it of a device."""
    return any(_is_odd(value, how, device) for path, how in shape.hunted for value in values_at(item, path))


def _read(
    value: Any, how: How, item: dict[str, Any], rank: int, device: Callable[[Any], Iterator[Device]]
) -> Iterator[Entity]:
    match how:
        case "device":
            yield from device(value)
        case "hashes":
            # SHA-1 first: SHA-256 is "usually not populated" in Defender's tables, as their reference says.
            if isinstance(value, dict):
                yield from read_first(map(value.get, _HASHES), "fileHash")
        case "fileHash":
            fields = folded(value)
            # An Authenticode digest leaves out the signature: no column of Defender's holds it.
            if text_of(fields.get("algorithm")).lower() != "sha256ac":
                yield from read_first((fields.get("hashvalue"), fields.get("value")), "fileHash")
        case "sender":
            yield from _sender(text_of(value).rpartition("@")[2].lower(), item, rank)
        case "any":
            # It may hold a bare host.
            yield from read_indicator(value)
            # The host of a malicious URL serves others, too; the host of an unknown one may serve everyone.
            if rank == MALICIOUS:
                yield from read_indicator(host_of(text_of(value)))
        case _:
            yield from read_indicator(value, how)


def _sender(domain: str, item: dict[str, Any], rank: int) -> Iterator[Entity]:
    for each in read_indicator(domain, "domain"):
        reason = "" if isinstance(each, Dropped) else _why_no_sender(each.value, item, rank)
        yield Dropped("domain", each.value, reason) if reason else each


def _why_no_sender(domain: str, item: dict[str, Any], rank: int) -> str:
    """Return why the domain of whoever sent a mail is not hunted; '' if it is."""
    if rank == UNKNOWN:
        return NOT_SUSPICIOUS
    if domain in PUBLIC_MAIL:
        return PUBLIC_SENDER
    recipients = (text_of(item.get(name)) for name in ("recipientEmailAddress", "recipient"))
    own = any(domain == text.rpartition("@")[2].lower() for text in recipients)
    return OWN_SENDER if own else ""


def _why(shape: Shape) -> str:
    if not shape.hunted or not shape.whole:
        return NO_HUNT
    return NO_HASH if all(how in ("hashes", "fileHash") for _, how in shape.hunted) else NO_VALUE


def _is_odd(value: Any, how: How, device: Callable[[Any], bool]) -> bool:
    match how:
        case "device":
            return device(value)
        case "hashes" | "fileHash":
            if not isinstance(value, dict):
                return True
            values = folded(value)
            names = _HASHES if how == "hashes" else ("hashvalue", "value")
            return any(_is_unlike_text(values.get(name)) for name in names)
        case _:
            return _is_unlike_text(value)


def _is_unlike_text(value: Any) -> bool:
    return not is_text(value) or was_mended(text_of(value))
