"""
The tactics and techniques of MITRE ATT&CK, and what is wrong with those that a hunt file names.

They are in `attack.json`, with its version and its licence: the names and the tactics of each technique, and for each that was
withdrawn the one that took its place, '' where none did.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shared.catalog.attack import TECHNIQUE, Attack, plain
from shared.catalog.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shared.catalog.source import Source

    from .keys import Looked


#: Techniques that are named where one is not known.
_NEAR = 3


class Whole(Attack, frozen=True, kw_only=True):
    """All of ATT&CK for Enterprise; `withdrawn` maps each former id to the present one."""

    withdrawn: dict[str, str]

    def names(self, technique: str) -> str:
        """Return a technique's id with its name, in the form of a problem's text."""
        return f"{technique} ({self.techniques[technique][0]})"


@cache
def whole() -> Whole:
    """Return all of ATT&CK for Enterprise."""
    return msgspec.json.decode(Path(__file__).with_name("attack.json").read_bytes(), type=Whole)


def tactics_of(looked: Looked) -> Iterator[str]:
    """Yield what is wrong with each tactic of a hunt file; they are Sentinel's names, ATT&CK's without blanks."""
    known = whole().tactics
    for n, tactic in _listed(looked.source, "tactics"):
        if tactic in known:
            continue
        letters = plain(tactic)
        near = next((each for each in known if plain(each) == letters), "") or nearest(letters, known)
        wanted = f"write {near}" if near else f"there are {', '.join(known)}"
        yield looked.source.problem(
            ("tactics", n), f"{tactic} is no tactic of ATT&CK {whole().version}: {wanted}"
        )


def techniques_of(looked: Looked) -> Iterator[str]:
    """Yield what is wrong with each technique: unknown, withdrawn, or of tactics that the file does not name."""
    given = {tactic for _, tactic in _listed(looked.source, "tactics")}
    for n, technique in _listed(looked.source, "relevantTechniques"):
        known = whole().techniques.get(technique)
        wanted = (
            _instead(technique, given)
            if known is None
            else f"{whole().names(technique)} is of {' or '.join(known[1:])}: add one to tactics, or name another technique"
            if given and given.isdisjoint(known[1:])
            else ""
        )
        if wanted:
            yield looked.source.problem(("relevantTechniques", n), wanted)


def _instead(technique: str, tactics: Collection[str]) -> str:
    """Say of a technique that is not in ATT&CK what to write, where the file names these *tactics*."""
    matrix = whole()
    written = technique.strip().upper()
    if written in matrix.techniques:
        return f"write {written}"
    if written in matrix.withdrawn:
        now = matrix.withdrawn[written]
        return f"{written} was withdrawn: {f'write {matrix.names(now)}' if now else 'name another technique'}"
    named = next(
        (known for known, (name, *_) in matrix.techniques.items() if name.lower() == technique.lower()), ""
    )
    above = written.partition(".")[0]
    parent = [above] if above in matrix.techniques else []
    fits = parent and (not tactics or not {*tactics}.isdisjoint(matrix.techniques[above][1:]))
    slips = _slipped(written, tactics) or _slipped(above, tactics)
    near = [named] if named else parent if fits else slips or parent or _like(written)
    is_none = (
        "is no technique of ATT&CK" if TECHNIQUE.fullmatch(written) else "is no id of a technique of ATT&CK"
    )
    wanted = f"the nearest is {' or '.join(map(matrix.names, near))}" if near else "ids are such as T1059.001"
    return f"{technique} {is_none} {matrix.version}: {wanted}"


def _like(written: str) -> list[str]:
    near = nearest(written, whole().techniques)
    return [near] if near else []


def _slipped(written: str, tactics: Collection[str]) -> list[str]:
    """Return the techniques, at most three, of which *written* is a slip; those of *tactics*, if there are such."""
    known = whole().techniques
    near = [each for each in known if _is_slip(written, each)]
    return ([each for each in near if not {*tactics}.isdisjoint(known[each][1:])] or near)[:_NEAR]


def _is_slip(one: str, other: str) -> bool:
    """Tell whether two ids differ in one digit, or in two neighbours that changed places."""
    wrong = [n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    first, last = (wrong[0], wrong[-1] + 1) if wrong else (0, 0)
    swapped = last - first == len("ab") and one[first:last] == other[first:last][::-1]
    return len(one) == len(other) and (len(wrong) == 1 or swapped)


def _listed(source: Source, key: str) -> list[tuple[int, str]]:
    """Return the texts of a list in the file, with their places in it; [] where it is no list, of which the loader speaks."""
    items: Any = source.content.get(key)
    return (
        [(n, item) for n, item in enumerate(items) if isinstance(item, str)]
        if isinstance(items, list)
        else []
    )
