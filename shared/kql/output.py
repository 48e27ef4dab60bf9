"""Tell which columns a query returns, where its last operators name all of them."""

from __future__ import annotations

from shared.errors import UnreadableQuery

from .lexer import Node, bracket, inside, leading_operator, lex, name_of, nest, split, text

#: Operators that leave the columns as they are.
_KEEP = frozenset({"where", "filter", "order", "sort", "take", "limit", "top", "as"})


def columns_of(query: str) -> frozenset[str] | None:
    """
    Return the columns that *query* returns; None where they cannot be told for certain.

    They can, if its last `summarize`, `project` or `distinct` gives each a name, and nothing but `extend` and what
    keeps columns follows. A name is what stands before `=`, a column alone, or what KQL names a call without
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
            items = [item for part in _parts(rest) for item in split(part, ",")]
            columns = _names(items)
        elif operator == "extend":
            added = _names(split(rest, ","))
            columns = columns | added if columns is not None and added is not None else None
        elif operator not in _KEEP:
            columns = None
    return frozenset(columns) if columns is not None else None


def _parts(nodes: list[Node]) -> list[list[Node]]:
    """Divide what follows `summarize` at its `by`."""
    at = next((n for n, node in enumerate(nodes) if text(node) == "by"), len(nodes))
    return [part for part in (nodes[:at], nodes[at + 1 :]) if part]


def _names(items: list[list[Node]]) -> set[str] | None:
    names = [_name(item) for item in items]
    known = {name for name in names if name}
    return known if len(names) == len([name for name in names if name]) else None


def _name(item: list[Node]) -> str:
    """Return the name that an item gives its column; '' where it cannot be told."""
    name = name_of(item[0]) if item else None
    if not name:
        return ""
    if len(item) == 1 or text(item[1]) == "=":
        return name
    is_call = len(item) == 2 and bracket(item[1]) == "(" and not inside(item[1])
    return f"{name}_" if is_call else ""
