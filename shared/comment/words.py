"""Write sentences that come from elsewhere, and texts of hunt files, as one line each."""

from __future__ import annotations

from .cells import write_cell

_REASON = 300


def sentence(text: str, *, mask: bool) -> str:
    """Write a sentence that may hold values, harmless as plain text, in at most 300 characters."""
    return write_cell("", text, mask=mask, length=_REASON)


def one_line(text: str) -> str:
    """Write a text of a hunt file on one line."""
    return " ".join(text.split())


def because(reason: str) -> str:
    """Write a reason behind what it is for; '' for none."""
    return f" ({reason})" if reason else ""
