"""What a hunt file says in `enrichment.binds`: the parameter that its query declares itself, and what takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.kql.binding import place_of
from shared.kql.vocabulary import BINDINGS
from shared.model.hunt import HASHES

if TYPE_CHECKING:
    from .source import Source

_KINDS = (*BINDINGS, *HASHES)
_PATH = ("enrichment", "binds")


def completed(ours: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an enrichment block with the entity and the kinds that its `binds` stand for."""
    binds = ours.get("binds")
    if not binds:
        return ours
    kinds = tuple(dict.fromkeys("fileHash" if kind in HASHES else kind for kind in binds.values()))
    return {"entity": "indicator", "kinds": kinds, **ours}


def binding_problems(source: Source, ours: dict[str, Any], query: str) -> list[str]:
    """Return what is wrong with a hunt's `binds`, each with its place; *query* can be read."""
    binds = ours["binds"]
    if len(binds) > 1:
        return [source.problem(_PATH, "name one parameter: a query is made for one value at a time")]
    (name,) = binds
    if ours["entity"] != "indicator" or ours["kinds"] != completed({"binds": binds})["kinds"]:
        return [source.problem(_PATH, "says entity and kinds, too: leave these out", at_key=True)]
    if binds[name] not in _KINDS:
        return [source.problem((*_PATH, name), f"write one of {', '.join(_KINDS)}")]
    if place_of(query, name) is None:
        wanted = f'the query must declare it once, as let {name} = "…"; or let {name} = dynamic(["…"]);'
        return [source.problem((*_PATH, name), wanted, at_key=True)]
    return []
