"""Send something else for parts of a query's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Edit(NamedTuple):
    """What stands from *start* to *end* in a query (offsets in characters) is sent as *text*."""

    start: int
    end: int
    text: str


def edited(query: str, edits: Iterable[Edit]) -> str:
    """Return *query* with *edits*, none of which overlaps another."""
    parts, at = [], 0
    for edit in sorted(edits):
        parts += [query[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, query[at:]])
