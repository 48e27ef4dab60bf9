"""Convert addresses, URLs, domains and hashes, as people write them, into the form that is hunted."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.decoding import was_mended
from shared.errors import InvalidRequest
from shared.model.entity import DEVICE_ID, Device, Dropped, Indicator, IndicatorKind

from .fields import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST = 2_048
_DOT = re.compile(r"\[\.\]|\[dot\]|\(dot\)|\{dot\}|\(\.\)|\{\.\}", re.IGNORECASE)
_HXXP = re.compile(r"^hxxp(?=s?:)", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/?#]+")
_PORT = re.compile(r":[0-9]{1,5}$")
_DEFAULT_PORTS = {"http://": ":80", "https://": ":443"}
_ZONE = re.compile(r"%[^/]*")
_ZEROS = re.compile(r"(?=.*\b0[0-9])[0-9]{1,4}(?:\.[0-9]{1,4}){3}")
_ALGORITHM = re.compile(r"^(?:md5|sha-?1|sha-?256)\s*[:=]\s*")

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

    URLs lose their scheme, user, default port and trailing slash, the form in which Defender's columns
    contain them, and addresses and domains their port; hosts and hashes become lower case, hosts ASCII. An
    IPv4 address written as IPv6 is the IPv4 address. Raises InvalidRequest, which says what was expected,
    also for a network of addresses and for more than 2,048 characters.
    """
    plain = _refanged(text.strip())
    # A query for text that shows half a character would find nothing, whatever there is.
    if plain and len(plain) <= _LONGEST and not was_mended(plain):
        for known, read in _READERS.items():
            if kind in (None, known) and (value := read(plain)):
                if known == "url" and kind is None and _is_network(plain):
                    break
                return Indicator(known, value)
    raise InvalidRequest(f"{text[:80]!r} {_why_not(plain, kind)}")


def read_indicator(value: Any, kind: IndicatorKind | None = None) -> Iterator[Indicator | Dropped]:
    """Yield the indicator that a product's field holds, or the reason why it cannot be read; nothing for ''."""
    text = text_of(value)
    if not text:
        return
    try:
        yield parse_indicator(text, kind)
    except InvalidRequest:
        yield Dropped(kind or "url", text[:_LONGEST], f"it {_why_not(_refanged(text), kind)}")


def read_first(values: Iterable[Any], kind: IndicatorKind) -> Iterator[Indicator | Dropped]:
    """Yield the first indicator that can be read among fields for one thing; where none can, why of each."""
    read = [each for value in values for each in read_indicator(value, kind)]
    yield from [each for each in read if isinstance(each, Indicator)][:1] or read


def is_private(indicator: Indicator) -> bool:
    """Tell whether an indicator is a private or reserved address, whose meaning differs between networks."""
    if indicator.kind != "ip":
        return False
    address = ipaddress.ip_address(indicator.value)
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
        address = ipaddress.ip_address(_read_ip(name) or name)
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


def _refanged(text: str) -> str:
    """Return a text as it was before people made it harmless."""
    plain = _DOT.sub(".", text).replace("[:]", ":").replace("[::]", "::").replace("[://]", "://")
    return _HXXP.sub("http", plain)


def _is_network(text: str) -> bool:
    """Tell whether a text is a CIDR, or an address, which is a network of one."""
    try:
        ipaddress.ip_network(text.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
    return True


def _why_not(text: str, kind: IndicatorKind | None) -> str:
    """Return why a text, as `_refanged` returns it, is no indicator of this kind, and what to give instead."""
    if kind in (None, "ip") and "/" in text and _is_network(text):
        return "is a network, and only single addresses are hunted: give those that matter, each on its own"
    if kind in (None, "ip") and _ZEROS.fullmatch(text):
        return "has numbers with leading zeros, which some programs read as octal: write them without"
    if kind in (None, "domain") and text.startswith("*."):
        return f"is a pattern: give the domain itself, {text[2:][:80]}"
    wanted = {"ip": "IP address", "url": "URL", "domain": "domain", "fileHash": "MD5, SHA-1 or SHA-256"}
    return f"is no {wanted[kind] if kind else 'IP address, URL, domain or file hash'}"


def _read_ip(text: str) -> str:
    plain = _PORT.sub("", text) if text.startswith("[") or text.count(":") == 1 else text
    # A zone, as in fe80::1%eth0, is a name on one machine alone; /32 and /128 are one address.
    plain = _ZONE.sub("", plain.removeprefix("[").removesuffix("]"))
    plain = plain.removesuffix("/128") if ":" in plain else plain.removesuffix("/32")
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    # Sensors write IPv4 connections of dual-stack sockets as ::ffff:a.b.c.d.
    return str(getattr(address, "ipv4_mapped", None) or address)


def _read_hash(text: str) -> str:
    plain = _ALGORITHM.sub("", text.lower())
    return plain if _HASH.fullmatch(plain) else ""


def _read_domain(text: str) -> str:
    try:
        ascii_text = _PORT.sub("", text).rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        return ""
    return ascii_text if _DOMAIN.fullmatch(ascii_text) else ""


def _read_url(text: str) -> str:
    scheme = _SCHEME.match(text)
    if not (scheme or "/" in text) or any(c.isspace() for c in text):
        return ""
    rest = text[scheme.end() :] if scheme else text
    place = _AUTHORITY.match(rest)
    # Programs differ in where a host ends at a backslash.
    if place is None or "\\" in place[0]:
        return ""
    written = place[0].rpartition("@")[2]
    name, port = _PORT.sub("", written), _PORT.search(written)
    host = _read_host(name)
    if not host:
        return ""
    shown = port[0] if port and port[0] != _DEFAULT_PORTS.get(scheme[0].lower() if scheme else "") else ""
    return f"{host}{shown}{rest[place.end() :]}".rstrip("/")


def _read_host(name: str) -> str:
    """Return a URL's host as Defender writes it, an IPv6 address in brackets; '' if it is none."""
    if name.startswith("["):
        address = _read_ip(name)
        return f"[{address}]" if ":" in address else address
    return _read_ip(name) or _read_domain(name)


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
