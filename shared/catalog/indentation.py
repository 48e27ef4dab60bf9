"""
Where a file's indentation went wrong: a YAML parser says so only at the line, often a later one, with which it cannot go on.

It is looked for only in a file that is no YAML, since every file that is would be looked through for nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.hunt import Enrichment

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The keys of the `enrichment` block that no published file has beside it for another reason.
OF_BLOCK = frozenset(f.encode_name for f in msgspec.structs.fields(Enrichment)) - {"severity"}
#: A key whose text is the block of lines below it.
_BLOCK = re.compile(r"(?P<before> *(?:- +)*)(?P<key>[A-Za-z][\w-]*): *[|>][-+]? *(?:#.*)?")
#: What may follow such a block: a key, an item of a list, a comment, another document.
_FOLLOWS = re.compile(r"[\"']?[A-Za-z][\w .-]*[\"']?:(\s|$)|-(\s|$)|#|---|\.\.\.")
_KEY = re.compile(r"([A-Za-z]\w*):(\s|$)")


class Spot(NamedTuple):
    """A place in a file; both count from 0, as PyYAML's marks do."""

    line: int
    column: int


def slip(text: str, last: int) -> tuple[str, Spot] | None:
    """
    Return the first line of *text*, up to *last* (from 0), that is indented too little, and what to write; None without one.

    That is a line at which a text such as that of `query: |` ends, although nothing that may follow a text begins there, or one of
    OF_BLOCK that stands in the first column below `enrichment:`, to which it belongs.
    """
    within = False
    for number, line, of_text in _lines(text.split("\n")[: last + 1]):
        indent = len(line) - len(line.lstrip(" "))
        if of_text:
            key, least = of_text
            wanted = f"the block under `{key}: |` ends before this line: indent it by {least} spaces, as the rest of the {key}"
            return wanted, Spot(number, indent)
        found = _KEY.match(line)
        # A severity may stand outside of the block, too, but not in front of a line that is indented more.
        if found and within and (found[1] in OF_BLOCK or (found[1], number) == ("severity", last - 1)):
            return f"{found[1]}: belongs into the enrichment block: indent it", Spot(number, 0)
        within = within or line.startswith("enrichment:")
    return None


def _lines(lines: list[str]) -> Iterator[tuple[int, str, tuple[str, int] | None]]:
    """Yield the lines that are no part of a text; with the key and the indentation of a text that seems to go on there, if one does."""
    key, parent, least = "", 0, 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip(" "))
        if key and indent > parent and not least:
            least = indent
        if key and least and indent >= least:
            continue
        goes_on = key and not _FOLLOWS.match(line.lstrip(" "))
        yield number, line, (key, least or parent + 2) if goes_on else None
        found = _BLOCK.fullmatch(line.rstrip())
        key, parent, least = (found["key"], len(found["before"]), 0) if found else ("", 0, 0)
