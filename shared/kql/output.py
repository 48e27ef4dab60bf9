"""Tell which columns a query returns, where its last operators name all of them."""

from __future__ import annotations

from shared.errors import UnreadableQuery

from .lexer import Node, inside, is_call, leading_operator, lex, name_of, nest, split, text
from .vocabulary import COUNTED

#: Operators that leave the columns as they are.
_KEEP = frozenset({"where", "filter", "order", "sort", "take", "limit", "top", "as"})

#: Aggregates whose results are numbers and lists, whatever they are given.
_NO_TIMES = frozenset({
    "count", "count_distinct", "count_distinctif", "countif", "dcount", "dcountif", "make_bag", "make_list", "make_list_if",
    "make_set", "make_set_if", "makelist", "makeset", "stdev", "sum", "sumif", "variance",
})  # fmt: skip
#: Columns of Defender's that say who and what, never when.
_TEXTS = frozenset({"ActionType", "DeviceId", "DeviceName", "Indicator", *COUNTED})


def columns_of(query: str) -> frozenset[str] | None:
    """
    Return the columns that *query* returns; None where they cannot be told for certain.

    They can, if its last `summarize`, `project` or `distinct` gives each a name, and nothing but `extend` and what
    keeps columns follows. A name is what stands before `=`, a column alone, or what KQL names an aggregate without
    arguments (`count_`).
    """
    try:
        nodes = nest(lex(query))
    except UnreadableQuery:
        return None
    statements = [part for part in split(nodes, ";") if part]
    columns: set[str] | None = None
    for pipe in split(statements[-1], "|")[1:] if statements else ():
        operator, rest = leading_operator(pipe)
        if operator in {"summarize", "project", "distinct"}:
            columns = _named(rest, aggregates=operator == "summarize")
        elif operator == "extend":
            added = _named(rest, aggregates=False)
            columns = columns | added if columns is not None and added is not None else None
        elif operator not in _KEEP:
            columns = None
    return frozenset(columns) if columns is not None else None


def untimed(query: str) -> frozenset[str]:
    """Return those of *query*'s columns that certainly hold no time: its last `summarize` counts or lists them, or groups by them."""
    try:
        nodes = nest(lex(query))
    except UnreadableQuery:
        return frozenset()
    statements = [part for part in split(nodes, ";") if part]
    pipes = split(statements[-1], "|")[1:] if statements else []
    found: set[str] = set()
    for pipe in pipes:
        operator, rest = leading_operator(pipe)
        if operator == "summarize":
            at = next((n for n, node in enumerate(rest) if text(node) == "by"), len(rest))
            found = {_counted(item) for item in split(rest[:at], ",")} - {""}
            found |= {
                name_of(item[0]) or "" for item in split(rest[at + 1 :], ",") if len(item) == 1
            } & _TEXTS
        elif operator not in _KEEP:
            found = set()
    return frozenset(found)


def _counted(item: list[Node]) -> str:
    """Return the column of an aggregate that makes no time; '' for another."""
    call = item[2:] if len(item) > 2 and text(item[1]) == "=" else item
    return _name(item, aggregate=True) if is_call(call) and name_of(call[0]) in _NO_TIMES else ""


def _named(nodes: list[Node], *, aggregates: bool) -> set[str] | None:
    """Return the columns that items name, also those after `by`; None where one has no name for certain."""
    at = next((n for n, node in enumerate(nodes) if text(node) == "by"), len(nodes))
    names = [_name(item, aggregate=aggregates) for item in split(nodes[:at], ",")]
    names += [_name(item, aggregate=False) for item in split(nodes[at + 1 :], ",")]
    return set(names) if all(names) else None


def _name(item: list[Node], *, aggregate: bool) -> str:
    """Return the name that an item gives its column; '' where it cannot be told."""
    name = name_of(item[0]) if item else None
    if not name:
        return ""
    if len(item) == 1 or text(item[1]) == "=":
        return name
    # Of another function's call, it is Column1.
    return f"{name}_" if aggregate and is_call(item) and not inside(item[1]) else ""
