"""
Where a table's rows come from: whether each of them stems from a row of a device.

Look-ups, such as IdentityInfo, say nothing of devices. Joined to a device's rows they add columns; a row of theirs that is
joined to none would be in a device hunt's result without being about a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from .lexer import options, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lexer import Node


class Origin(NamedTuple):
    """
    Where rows come from.

    `device`: each from a row of a table that is restricted to devices. `literal`: from the query's own text. `lookup`:
    some may be rows of the look-up *table* that the query names at *where*, and of nothing else.
    """

    kind: Literal["device", "literal", "lookup"]
    table: str = ""
    where: Node | None = None


DEVICE, LITERAL = Origin("device"), Origin("literal")

_LEFT = {"leftouter", "leftsemi", "leftanti", "leftantisemi", "anti"}
_RIGHT = {"rightouter", "rightsemi", "rightanti", "rightantisemi"}
_BOTH = {"inner", "innerunique"}


def join_kind(operator: str, nodes: list[Node]) -> str:
    """Return the kind of the `join` or `lookup` that *nodes* follow; '' where it cannot be told."""
    words = [text(node) for node in nodes[: len(nodes) - len(options(nodes))]]
    given = [
        words[at + 2]
        for at, word in enumerate(words[:-2])
        if word == "kind" and words[at + 1] == "=" and words[at - 1 : at] != ["."]
    ]
    if "kind" not in words:
        return "innerunique" if operator == "join" else "leftouter"
    return given[0] if len(given) == words.count("kind") == 1 else ""


def joined(kind: str, left: Origin, right: Origin) -> Origin:
    """Return the origin of the rows of a join of this *kind*."""
    if kind in _BOTH:
        # Each row has a row of both sides.
        return left if left.kind == "device" else right if right.kind == "device" else united([left, right])
    if kind in _RIGHT:
        left, right = right, left
    if kind in _LEFT | _RIGHT:
        # What a literal finds in a look-up is the look-up's.
        return united([left, right]) if left.kind == "literal" and "outer" in kind else left
    return united([left, right])


def united(origins: Iterable[Origin]) -> Origin:
    """Return the origin of rows of which each has one of *origins*."""
    return max(origins, key=lambda each: ("literal", "device", "lookup").index(each.kind), default=LITERAL)
