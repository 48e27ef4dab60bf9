"""One value of a row, as comments and pages show it."""

from __future__ import annotations

from . import neutral
from .neutral import label
from .secrets import mask_secrets

_CELL = 160

# Columns whose whole value is an address, a domain or a URL: bare domains are links, too.
_NAMES = ("url", "domain", "remoteip", "originip", "referrer", "indicator", "publicip")


def write_cell(column: str, value: str, *, mask: bool, length: int = _CELL) -> str:
    """
    Write one value of a row, harmless as plain text and at most *length* characters long.

    Addresses, domains and URLs are defanged as a whole where the column's name says that the value is one. *mask*
    replaces what looks like a secret.
    """
    masked = mask_secrets(value) if mask else value
    if any(part in column.lower() for part in _NAMES):
        masked = neutral.defang_name(masked)
    return label(masked, length)
