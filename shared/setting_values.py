"""Check values of settings that would fail later, or never count: why one cannot be used, and what to write instead."""

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

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(?:\*|([0-9]+|[a-z]+)(?:-([0-9]+|[a-z]+))?)(?:/([0-9]+))?")


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


def why_no_schedule(text: str) -> str:
    """
    Return why *text* is no NCRONTAB expression that ever occurs; '' if it is one.

    It has the fields `second minute hour day month day-of-week` ("Timer trigger for Azure Functions",
    Microsoft Learn), or five, without the seconds. A field is `*`, a number, a name or a range of them, with a
    step or without, or a list of these; 0 is Sunday, and 7 is not. An interval such as `00:05:00` counts as
    wrong: plans that scale by themselves, such as Flex Consumption, do not take it.
    """
    if re.fullmatch(r"[0-9.]*:[0-9:.]+", text):
        return "intervals are not taken on a plan that scales by itself; write NCRONTAB, as in 0 */5 * * * *"
    parts = text.lower().split()
    if len(parts) == len(_FIELDS) - 1:
        parts.insert(0, "0")
    if len(parts) != len(_FIELDS):
        return f"it has {len(parts)} fields; write six, second minute hour day month day-of-week, as in 0 0 6 * * *"
    allowed = []
    for part, field in zip(parts, _FIELDS, strict=True):
        values: set[int] = set()
        for term in part.split(","):
            if not (named := _values(term, *field[1:])):
                return f"{term!r} is no {field[0]}; write * or a number from {field[1]} to {field[2]}, as in 0 0 6 * * *"
            values |= named
        allowed.append(values)
    if not any(min(allowed[3]) <= _LENGTHS[month - 1] for month in allowed[4]):
        return "it never occurs: none of its months has that day"
    return ""


def _values(term: str, lowest: int, highest: int, names: tuple[str, ...]) -> set[int]:
    """Return the values that one term of a field allows; none if it cannot be read."""
    found = _TERM.fullmatch(term)
    if found is None:
        return set()
    first, last, step = found.groups()
    start = _value(first, lowest, names) if first else lowest
    # `5/15` runs to the end of the field.
    end = _value(last, lowest, names) if last else start if first and not step else highest
    every = int(step or 1)
    # A range that is written backwards is read forwards.
    start, end = sorted((start, end))
    return set(range(start, end + 1, every)) if lowest <= start <= end <= highest and every else set()


def _value(word: str, lowest: int, names: tuple[str, ...]) -> int:
    """Return the number of a word, which may be the beginning of a name; -1 if it is none."""
    if word.isdigit():
        return int(word[:9])
    return next((n for n, name in enumerate(names, lowest) if name.startswith(word)), -1)
