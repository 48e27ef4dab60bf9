"""Find what somebody probably meant, among the words that are known."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: From which share of common characters on a word is one misspelt (difflib's ratio, 0 to 1).
_ALIKE = 0.75


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the word of *known* that *word* is most like, in any case; '' where none is like it."""
    plain = {each.lower(): each for each in known}
    # Its cost grows with the square of the length, and no word of ours is long.
    short = word.lower()[:60]
    found = get_close_matches(short, plain, n=1, cutoff=_ALIKE)
    # Two letters that changed places are a slip that difflib makes much of in a short word: Lunix.
    found = found or [each for each in plain if sorted(each) == sorted(short)]
    return plain[found[0]] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """Return the end of a problem's text, which names the word of *known* that *word* is most like; '' for none."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
