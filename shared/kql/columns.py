"""
Which of a few columns a query's rows have, as far as its text shows it for certain, and in which order they come.

Four columns matter to a run: those that say whose a row is, and when it was. Whatever the reading cannot follow
makes them unclear; it never guesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .lexer import bracket, inside, is_call, leading_operator, name_of, options, split
from .origin import join_kind
from .shaping import SHAPING, UNCLEAR, WATCHED, after, hinted, texts
from .tables import BY_ALERT, BY_NAME, LOOKUPS, NAMELESS, OF_SENTINEL, SCOPABLE, UNTIMED, WITH_A_NAME

if TYPE_CHECKING:
    from .lexer import Node
    from .shaping import Columns

_IN_ORDER = {"filter", "limit", "project-reorder", "take", "where"}


class Rows(Struct, frozen=True):
    """What is known of a query's rows; `order` is what its last sorting operator sorts by, '' for none."""

    columns: Columns
    order: str = ""


UNKNOWN = Rows(UNCLEAR)


def read_rows(nodes: list[Node]) -> Rows:
    """Read a whole query without problems."""
    *lets, last = [s for s in split(nodes, ";") if s]
    known: dict[str, Columns] = {}
    for statement in lets:
        if name := name_of(statement[1]):
            known[name] = _table(statement[3:], known)
    while len(last) == 1 and bracket(last[0]) == "(":
        last = inside(last[0])
    return Rows(_table(last, known), _order(split(last, "|")))


def _order(pipes: list[list[Node]]) -> str:
    order = ""
    for pipe in pipes:
        name, rest = leading_operator(pipe)
        if name in {"order", "sort", "top"}:
            order = " ".join(texts(after(rest, "by")))
        elif name not in _IN_ORDER:
            order = ""
    return order


def _table(nodes: list[Node], known: dict[str, Columns]) -> Columns:
    """Return the columns of a tabular expression."""
    head, *pipes = split(nodes, "|") or [[]]
    columns = _source(head, known)
    for pipe in pipes:
        columns = _operator(pipe, columns, known)
    return columns


def _source(nodes: list[Node], known: dict[str, Columns]) -> Columns:
    name = name_of(nodes[0]) if nodes else None
    if len(nodes) == 1 and bracket(nodes[0]) == "(":
        return _table(inside(nodes[0]), known)
    if len(nodes) == 1 and name:
        return known.get(name, _of(name))
    if is_call(nodes) and name == "materialize":
        return _table(inside(nodes[1]), known)
    return _union(nodes[1:], [], known) if name == "union" else UNCLEAR


def _of(table: str) -> Columns:
    """Return the columns of a table of Defender's."""
    if table not in SCOPABLE | LOOKUPS - OF_SENTINEL:
        return UNCLEAR
    lacks = {
        "DeviceId": BY_ALERT | BY_NAME | LOOKUPS,
        "DeviceName": BY_ALERT | LOOKUPS - WITH_A_NAME | NAMELESS,
        "Timestamp": UNTIMED,
    }
    return {name: name != "Indicator" and table not in lacks[name] for name in WATCHED}


def _operator(nodes: list[Node], columns: Columns, known: dict[str, Columns]) -> Columns:
    name, rest = leading_operator(nodes)
    if name in _IN_ORDER | {"as", "order", "sample", "sort", "top"}:
        return columns
    if name == "union":
        return _union(rest, [columns], known)
    if name in {"join", "lookup"}:
        return _join(name, rest, columns, known)
    return SHAPING[name](hinted(rest), columns) if name in SHAPING else UNCLEAR


def _union(nodes: list[Node], columns: list[Columns], known: dict[str, Columns]) -> Columns:
    every = columns + [_source(part, known) for part in split(options(nodes), ",")]
    return {name: _agreed({each[name] for each in every}) for name in WATCHED}


def _agreed(states: set[bool | None]) -> bool | None:
    return states.pop() if len(states) == 1 else None


def _join(operator: str, nodes: list[Node], left: Columns, known: dict[str, Columns]) -> Columns:
    operand = options(nodes)
    kind = join_kind(operator, nodes)
    size = 2 if is_call(operand[:2]) else 1
    right = _source(operand[:size], known)
    if kind in {"leftsemi", "leftanti", "leftantisemi", "anti"}:
        return left
    if kind not in {"inner", "innerunique", "leftouter"}:
        return UNCLEAR
    # Of the left rows with the same key, innerunique keeps one, of whichever device.
    if kind == "innerunique" and "DeviceId" not in texts(operand[size:]):
        left = {name: state and None for name, state in left.items()}
        right = {name: state and None for name, state in right.items()}
    # Where a column comes from the right alone, it is empty for what has no match there.
    added = {name: (state and None) if kind == "leftouter" else state for name, state in right.items()}
    return {name: added[name] if left[name] is False else left[name] for name in WATCHED}
