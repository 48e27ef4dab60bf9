"""Check values of settings: why one cannot be used, and what to write instead."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from urllib.parse import urlsplit

_CONTAINER = re.compile(r"/[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}/?")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# A name of that many hexadecimal digits is a hash with some missing.
_HEX = re.compile(r"[0-9a-f]{30,}")
_HASH_LENGTHS = (32, 40, 64)


def plain(url: str) -> str:
    """Return a URL without what may be a secret in it: a user, a query, a fragment."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url)[0])


def why_no_state(url: str) -> str:
    """Return why a STATE_URL cannot be used, and what to write instead; '' if it can."""
    parts = urlsplit(url)
    container = "https://<account>.blob.core.windows.net/<container>"
    if parts.scheme not in ("https", "file", "memory"):
        return "must start with https://, file:/// or memory://"
    if parts.query or parts.fragment or parts.username:
        return "write it without a token, user, ? or #: the app signs in with its identity"
    if parts.scheme == "https" and not (".blob." in parts.netloc and _CONTAINER.fullmatch(parts.path)):
        return f"must name a container, {container}"
    if parts.scheme == "file" and (parts.netloc or not parts.path.strip("/")):
        return f"write file:///<folder>, with three slashes: file:///{(parts.netloc + parts.path).strip('/')}"
    return ""


def why_never_ignored(entry: str) -> str:
    """Return why an entry of IGNORE_INDICATORS would match nothing, and what to write; '' if it can match."""
    with contextlib.suppress(ValueError):
        network = ipaddress.ip_network(entry, strict=False)
        mapped = getattr(network.network_address, "ipv4_mapped", None)
        return f"write it as IPv4, {mapped}/{max(network.prefixlen - 96, 0)}" if mapped else ""
    bare = re.sub(r"^[a-z]+:/+", "", entry).replace("[.]", ".").split("/")[0].lstrip("*.").rstrip(".")
    if _HEX.fullmatch(entry):
        return "" if len(entry) in _HASH_LENGTHS else "write an MD5, SHA-1 or SHA-256 in full"
    if _NAME.fullmatch(entry):
        return ""
    if _NAME.fullmatch(bare):
        return f"write {bare}, which covers all that is below it"
    return "write an address, CIDR, domain or hash; separate several with commas"
