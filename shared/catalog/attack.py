"""
MITRE ATT&CK: its tactics in their order, the names of techniques, and which hunts name which of them.

`attack.json` has, of ATT&CK for Enterprise, the techniques that the hunts that come with the app name; `python -m sandbox
hunts docs` writes it. A technique that is not in it stands where its hunts' tactics are, by its id.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.model.hunt import Hunt

#: The table that is deployed.
FILE = Path(__file__).with_name("attack.json")
#: How ATT&CK numbers techniques and sub-techniques.
TECHNIQUE = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")


class Attack(Struct, frozen=True):
    """A part of ATT&CK for Enterprise; `techniques` has, by its id, each one's name and then its tactics."""

    version: str
    source: str
    licence: str
    #: As hunt files write them (`CredentialAccess`), in ATT&CK's order.
    tactics: tuple[str, ...]
    techniques: dict[str, tuple[str, ...]]


class Cell(NamedTuple):
    """A technique and the hunts that name it; the id is '' for hunts that name a tactic, and no technique of it."""

    id: str
    #: '' where it is not known.
    name: str
    hunts: tuple[Hunt, ...]


class Column(NamedTuple):
    """A tactic, as people write it, and its techniques by id; the tactic is '' for hunts that name none."""

    tactic: str
    cells: tuple[Cell, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of the hunts that stand in it."""
        return frozenset(hunt.name for cell in self.cells for hunt in cell.hunts)


@cache
def attack() -> Attack:
    """Return the table that is deployed, read once per process."""
    return msgspec.json.decode(FILE.read_bytes(), type=Attack)


def plain(tactic: str) -> str:
    """Return a tactic as it can be compared: files and products write `Credential Access` and `CredentialAccess`."""
    return re.sub(r"[^a-z]", "", tactic.lower())


def in_words(tactic: str) -> str:
    """Return a tactic as people write it: `Command and Control` for `CommandAndControl`; another one as it stands."""
    known = {plain(each): each for each in attack().tactics}.get(plain(tactic))
    if known is None:
        return " ".join(tactic.split())
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", known).replace(" And ", " and ")


def technique_name(technique: str) -> str:
    """Return a technique's name, as in `OS Credential Dumping: LSASS Memory`; '' for one that is not in the table."""
    return attack().techniques.get(_id(technique), ("",))[0]


def techniques_of(hunt: Hunt) -> tuple[str, ...]:
    """Return the ids of the techniques that a hunt names, each once, as ATT&CK writes them."""
    return tuple(dict.fromkeys(filter(None, map(_id, hunt.techniques))))


def matrix(hunts: Iterable[Hunt]) -> tuple[Column, ...]:
    """
    Return a column for each tactic of ATT&CK, in its order, then one for each other tactic that a hunt names.

    A technique stands under those of its tactics that its hunt names, or under all of them where it names none: a hunt
    file does not say which of its techniques belongs to which of its tactics. Hunts that name neither come last.
    """
    placed: dict[str, dict[str, list[Hunt]]] = {plain(tactic): {} for tactic in attack().tactics}
    words = {plain(tactic): in_words(tactic) for tactic in attack().tactics}
    order = list(words)
    for hunt in sorted(hunts, key=lambda each: each.name):
        named = {plain(tactic) or tactic: in_words(tactic) for tactic in hunt.tactics if tactic.strip()}
        words = named | words
        where = {(key, each) for each in techniques_of(hunt) for key in _tactics_of(each, named)}
        where |= {(key, "") for key in named.keys() - {key for key, _ in where}}
        for key, technique in where or {("", "")}:
            placed.setdefault(key, {}).setdefault(technique, []).append(hunt)
    order += sorted(placed.keys() - {*order, ""}, key=lambda key: words[key])
    return tuple(_column(words.get(key, ""), placed[key]) for key in (*order, *({""} & placed.keys())))


def _column(tactic: str, hunts: dict[str, list[Hunt]]) -> Column:
    # '' is behind all ids.
    names = sorted(hunts, key=lambda technique: (not technique, technique))
    return Column(tactic, tuple(Cell(name, technique_name(name), tuple(hunts[name])) for name in names))


def _tactics_of(technique: str, named: Collection[str]) -> Collection[str]:
    """Return the tactics that a technique of a hunt with the tactics *named* stands under, as `plain` writes them."""
    known = [plain(tactic) for tactic in attack().techniques.get(technique, ("",))[1:]]
    return [tactic for tactic in known if tactic in named] or known or named or ("",)


def _id(technique: str) -> str:
    """Return a technique's id as ATT&CK writes it; what is none stands as it is."""
    found = technique.strip().upper()
    return found if TECHNIQUE.fullmatch(found) else technique.strip()
