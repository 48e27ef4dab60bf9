"""Check values of settings that would fail later, or never count: why one cannot be used, and what to write instead."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: The names of this machine, to which plain HTTP is allowed.
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
#: Characters. A resource id, the longest of what is right, has fewer.
_SHOWN = 300
_CONTAINER = re.compile(r"/[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}/?")
_WORKSPACE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/?#]+/providers/microsoft\.operationalinsights/workspaces/[0-9a-z-]+"
)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# A name of that many hexadecimal digits is a hash with some missing.
_HEX = re.compile(r"[0-9a-f]{30,}")
_HASH_LENGTHS = (32, 40, 64)


# The name of a hunt, or a tactic in one word or several.
_HUNTS = re.compile(r"\*|[a-z0-9]+(?:[ -][a-z0-9]+)*", re.IGNORECASE)
_LONGEST_NAME = 100


def expected(kind: Any) -> str:
    """Return what to write for a setting of this type: one of several words, a duration, or a whole number."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind is timedelta:
        return "an ISO 8601 duration, such as PT1H or P2D"
    meta = get_args(kind)[1]
    return f"a whole number from {meta.ge:,} to {meta.le:,}, without commas"


def plain(value: str) -> str:
    """
    Return a setting's value without what may be a secret in it: a user, a query, a fragment of a URL.

    What is no URL, but looks like a connection string or a key, becomes `***`: they have `=` in them.
    """
    bare = re.sub(r"//.*@", "//", re.split(r"[?#]", value)[0]) if "//" in value else value
    return "***" if "=" in bare else bare[:_SHOWN]


def why_no_url(url: str) -> str:
    """Return why the root of a service or a link cannot be used, and what to write instead; '' if it can, or is ''."""
    good = "write an https:// address (http:// for 127.0.0.1 only) without a user, ? or #"
    try:
        parts = urlsplit(url)
    except ValueError:
        return good
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return "" if not url or (parts.hostname and safe and not _may_hold_a_secret(parts)) else good


def why_no_state(url: str) -> str:
    """Return why a STATE_URL cannot be used, and what to write instead; '' if it can, or is ''."""
    container = "https://<account>.blob.core.windows.net/<container>"
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"must name a container, {container}"
    if not url:
        return ""
    if parts.scheme not in ("https", "file", "memory"):
        return "must start with https://, file:/// or memory://"
    if _may_hold_a_secret(parts):
        return "write it without a token, user, ? or #: the app signs in with its identity"
    if parts.scheme == "https" and not (".blob." in parts.netloc and _CONTAINER.fullmatch(parts.path)):
        return f"must name a container, {container}"
    if parts.scheme == "file" and (parts.netloc or not parts.path.strip("/")):
        return f"write file:///<folder>, with three slashes: file:///{(parts.netloc + parts.path).strip('/')}"
    # Not `Path`: its methods raise where a folder may not be looked into.
    if parts.scheme == "file" and os.path.exists(parts.path) and not os.path.isdir(parts.path):  # noqa: PTH110, PTH112  (as above)
        return "that is a file; write the path of a folder"
    return ""


def why_no_folder(path: str) -> str:
    """Return why a folder of hunts cannot be used, and what to write instead; '' if it can, or is ''."""
    there = not path or os.path.isdir(path)  # noqa: PTH112  (as above)
    return "" if there else "there is no such folder; write one with hunt files"


def why_no_auto(entry: str) -> str:
    """Return why an entry of HUNTS_AUTO can name no hunt, and what to write instead; '' if it can."""
    if _HUNTS.fullmatch(entry) and len(entry) <= _LONGEST_NAME:
        return ""
    return "write names of hunts, tactics such as CredentialAccess, or *; separate several with commas"


def why_no_workspace(entry: str) -> str:
    """Return why an entry of SENTINEL_WORKSPACE, in lower case, names no workspace, and what to write; '' if it does."""
    if _WORKSPACE.fullmatch(entry):
        return ""
    return (
        "write the workspace's resource id: /subscriptions/<id>/resourceGroups/<name>"
        "/providers/Microsoft.OperationalInsights/workspaces/<name>; separate several with commas"
    )


def _may_hold_a_secret(parts: SplitResult) -> bool:
    return bool(parts.query or parts.fragment or "@" in parts.netloc + parts.path)


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
