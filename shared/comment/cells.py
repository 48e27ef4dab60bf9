"""Write one value of a row, as comments and pages show it."""

from __future__ import annotations

import re

from . import neutral
from .neutral import label
from .secrets import mask_encoded, mask_secrets

_CELL, _NAME = 160, 60

# Columns whose whole value is an address, a domain or a URL: programs turn even a bare domain into a link.
_NAMES = ("url", "domain", "remoteip", "originip", "referrer", "indicator", "publicip")


#: Of a longer value, this much of its head and of its tail is looked at: more than is shown, whatever is masked.
_HEAD, _TAIL = 4_000, 2_000
#: A word that the cut goes through may be half a secret, and is left out, up to this length.
_HALF_END, _HALF_START = re.compile(r" [^ ]{0,199}\Z"), re.compile(r"\A[^ ]{0,199} ")


def write_cell(column: str, value: str, *, mask: bool, length: int = _CELL) -> str:
    """
    Write one value of a row, harmless as plain text, in at most *length* characters: its head and its tail.

    A value is defanged as a whole if the column's name says that it is an address, a domain or a URL. *mask*
    replaces what looks like a secret.
    """
    short, left_out = shorten(mask_encoded(value) if mask else value)
    masked = mask_secrets(short) if mask else short
    if any(part in column.lower() for part in _NAMES):
        masked = neutral.defang_name(masked)
    return label(masked, length, left_out)


def write_name(column: str, *, mask: bool) -> str:
    """Write the name of a column, which may come from a value (`evaluate pivot`), as a value, in 60 characters."""
    return write_cell("", column, mask=mask, length=_NAME)


def shorten(value: str, most_head: int = _HEAD, most_tail: int = _TAIL) -> tuple[str, int]:
    """Return the head and the tail of a long value, at most 6,000 characters, and how many are left out."""
    if len(value) <= most_head + most_tail:
        return value, 0
    head, tail = _HALF_END.sub("", value[:most_head]), _HALF_START.sub("", value[-most_tail:])
    return f"{head} … {tail}", len(value) - len(head) - len(tail)
