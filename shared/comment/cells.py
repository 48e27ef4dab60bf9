"""Write one value of a row, as comments and pages show it."""

from __future__ import annotations

from . import neutral
from .neutral import label
from .secrets import mask_secrets

_CELL = 160

# Columns whose whole value is an address, a domain or a URL: programs turn even a bare domain into a link.
_NAMES = ("url", "domain", "remoteip", "originip", "referrer", "indicator", "publicip")


def write_cell(column: str, value: str, *, mask: bool, length: int = _CELL) -> str:
    """
    Write one value of a row, harmless as plain text, in at most *length* characters.

    A value is defanged as a whole if the column's name says that it is an address, a domain or a URL. *mask*
    replaces what looks like a secret.
    """
    masked = mask_secrets(value) if mask else value
    if any(part in column.lower() for part in _NAMES):
        masked = neutral.defang_name(masked)
    return label(masked, length)
