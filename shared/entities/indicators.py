"""Convert addresses, URLs, domains and hashes, as people write them, into the form that is hunted."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.decoding import was_mended
from shared.errors import InvalidRequest
from shared.model.entity import DEVICE_ID, Device, Indicator, IndicatorKind

from .fields import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
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


def parse_indicator(text: str, kind: IndicatorKind | None = None) -> Indicator:
    """
    Read an indicator, defanged or not; its kind is guessed unless *kind* is given.

    URLs lose their scheme and trailing slash, the form in which Defender's columns contain them; domains and
    hashes become lower case. Raises InvalidRequest, which says what was expected, also for more than 2,048
    characters.
    """
    plain = text.strip().replace("[.]", ".").replace("[:]", ":").replace("[::]", "::")
    plain = re.sub(r"^hxxp", "http", plain, flags=re.IGNORECASE)
    # A query for text that shows half a character would find nothing, whatever there is.
    if plain and len(plain) <= _LONGEST and not was_mended(plain):
        for known, read in _READERS.items():
            if kind in (None, known) and (value := read(plain)):
                return Indicator(known, value)
    wanted = {"ip": "IP address", "url": "URL", "domain": "domain", "fileHash": "MD5, SHA-1 or SHA-256"}
    named = wanted[kind] if kind else "IP address, URL, domain or file hash"
    raise InvalidRequest(f"{text[:80]!r} is no {named}")


def read_indicator(value: Any, kind: IndicatorKind | None = None) -> Iterator[Indicator]:
    """Yield the indicator that a product's field holds, or nothing if it holds none."""
    try:
        yield parse_indicator(text_of(value), kind)
    except InvalidRequest:
        return


def is_private(indicator: Indicator) -> bool:
    """Tell whether an indicator is a private or reserved address, whose meaning differs between networks."""
    if indicator.kind != "ip":
        return False
    address = ipaddress.ip_address(indicator.value)
    # Sensors write IPv4 connections of dual-stack sockets as ::ffff:a.b.c.d.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in _PRIVATE if network.version == address.version)


def is_ignored(indicator: Indicator, ignored: frozenset[str]) -> bool:
    """
    Tell whether an indicator is on IGNORE_INDICATORS: itself, a network around it, or a domain above it.

    Of a URL, the host counts as well.
    """
    value = indicator.value.lower()
    if value in ignored:
        return True
    name = host_of(value) if indicator.kind == "url" else value
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return indicator.kind != "fileHash" and any(
            name == entry or name.endswith(f".{entry}") for entry in ignored
        )
    return any(
        address in ipaddress.ip_network(entry, strict=False) for entry in ignored if _is_network(entry)
    )


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, with or without a scheme; '' where there is none."""
    try:
        return (urlsplit(url if _SCHEME.match(url) else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


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
    host = host_of(text)
    return _SCHEME.sub("", text, count=1).rstrip("/") if _read_ip(host) or _read_domain(host) else ""


_READERS: dict[IndicatorKind, Callable[[str], str]] = {
    "ip": _read_ip,
    "fileHash": _read_hash,
    "url": _read_url,
    "domain": _read_domain,
}


def parse_device(text: str) -> Device:
    """
    Read a device from its 40-digit Defender id or its name, of at most 255 characters.

    Raises InvalidRequest, which says what to change.
    """
    text = text.strip()
    if not text or len(text) > 255:
        raise InvalidRequest(f"{text[:60]!r} is no device: give its name or its 40-digit Defender id")
    if DEVICE_ID.fullmatch(text.lower()):
        return Device(id=text.lower())
    return Device(name=text)
