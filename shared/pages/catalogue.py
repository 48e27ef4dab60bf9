"""Show all hunts as a page: what each is for, needs and means, how often it ran of late, and ATT&CK's matrix of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.catalog.attack import TECHNIQUE, attack, in_words, matrix, technique_name, techniques_of
from shared.catalog.purpose import entities, needs_of, purpose, systems
from shared.comment.neutral import clip, visible

from .layout import FILTERED, FILTERS, template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from shared.catalog.attack import Column
    from shared.catalog.choosing import Choice
    from shared.catalog.load import Catalog
    from shared.model.hunt import Hunt
    from shared.state.recent import Recent

_LONGEST = 60  # characters of a tactic or system where it is a label
_TECHNIQUES = "https://attack.mitre.org/techniques"


class Filter(NamedTuple):
    """A choice that shows some of the hunts alone: its number on the page, what it says, and the hunts' names."""

    number: int
    label: str
    hunts: frozenset[str]


def catalogue_page(catalog: Catalog, chosen: Mapping[str, Choice], recent: Recent, version: str) -> str:
    """
    Return the HTML page of all hunts in *catalog*, those of the app's *version*.

    *chosen* says of each hunt, by its name, whether it would run for the entities that the caller asks about; it is empty
    where there are none. The page has no script: its filters are choices that its style reads. Texts of hunt files are
    text; links lead to this app and to ATT&CK only.
    """
    columns = matrix(catalog.hunts)
    filters = _filters(catalog.hunts, columns)
    order = [choice.hunt for choice in chosen.values()] if chosen else catalog.hunts
    return template("catalogue.html").render(
        style=FILTERED,
        version=version,
        hunts=order,
        filters=filters,
        classes=lambda hunt: " ".join(
            f"f{each.number}" for group in filters.values() for each in group if hunt.name in each.hunts
        ),
        columns=columns,
        heads=[_head(column) for column in columns],
        licence=attack().licence,
        gaps=[column.tactic for column in columns if not column.cells],
        named_only=sum(not hunt.auto for hunt in catalog.hunts),
        chosen=chosen,
        recent=recent,
        broken=catalog.broken,
        notices=catalog.notices,
        purpose=purpose,
        needs_of=needs_of,
        tactics_of=lambda hunt: [in_words(tactic) for tactic in hunt.tactics],
        techniques_of=techniques_of,
        technique_name=technique_name,
        technique_url=_technique_url,
        seen=visible,
        every=lambda texts: [visible(text) for text in texts],
        lines=_lines,
    )


def _filters(hunts: Iterable[Hunt], columns: Iterable[Column]) -> dict[str, tuple[Filter, ...]]:
    """Return the choices that a reader has, by what they are about; what is beyond FILTERS in all is left out."""
    kinds: dict[str, set[str]] = {}
    platforms: dict[str, set[str]] = {}
    anywhere: set[str] = set()
    for hunt in hunts:
        for word in entities(hunt):
            kinds.setdefault(word, set()).add(hunt.name)
        for word in systems(hunt):
            platforms.setdefault(word, set()).add(hunt.name)
        if not systems(hunt):
            anywhere.add(hunt.name)
    # A hunt that names no system is for each of them.
    by: dict[str, Iterable[tuple[str, Collection[str]]]] = {
        "For": kinds.items(),
        "System": [(word, names | anywhere) for word, names in sorted(platforms.items())],
        "Tactic": [(_head(column), column.names) for column in columns if column.cells],
    }
    numbers = iter(range(FILTERS))
    return {
        about: tuple(
            Filter(n, _label(word), frozenset(names))
            for (word, names), n in zip(words, numbers, strict=False)
        )
        for about, words in by.items()
    }


def _head(column: Column) -> str:
    return _label(column.tactic) or "No tactic"


def _label(text: str) -> str:
    return clip(visible(text), _LONGEST)


def _technique_url(technique: str) -> str:
    """Return the address of a technique's page; '' for what is no technique's id."""
    return f"{_TECHNIQUES}/{technique.replace('.', '/')}/" if TECHNIQUE.fullmatch(technique) else ""


def _lines(text: str) -> str:
    """Return a text of several lines with everything visible but the ends of lines."""
    return "\n".join(visible(line.expandtabs(4)) for line in text.strip("\n").split("\n"))
