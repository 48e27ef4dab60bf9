"""What stands in brackets: the arguments of a call, and the values of a `dynamic(…)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexer import Bracketed, Token, inside, leading_operator, split, text
from .vocabulary import LONG_LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lexer import Node


def arguments_of(group: Node) -> list[list[Node]]:
    """
    Split what stands in brackets at its commas, but not in the list that an operator ends in.

    In `f(T | project a, b, c)`, all three are columns; in `f(T | take 1, b)`, b is an argument, perhaps a table.
    """
    parts: list[list[Node]] = []
    goes_on = False
    for part in split(inside(group), ","):
        pipes = split(part, "|")[1:]
        if goes_on:
            parts[-1] += [Token("mark", ",", group.start), *part]
        else:
            parts.append(part)
        goes_on = _ends_in_list(pipes[-1]) if pipes else goes_on
    return parts


def no_literal(group: Bracketed, *, types: bool) -> Iterator[Node]:
    """Yield what is no value in the brackets of `dynamic`; with *types*, a type's name is one."""
    values = {"true", "false", "null"}
    for node in group.items:
        if isinstance(node, Bracketed):
            yield from no_literal(node, types=types)
        elif (node.kind == "name" and not types and node.text not in values) or (
            node.kind == "mark" and node.text not in {",", ":", "-", "+", "."}
        ):
            yield node


def _ends_in_list(pipe: list[Node]) -> bool:
    """Tell whether a comma after *pipe* belongs to it."""
    name, rest = leading_operator(pipe)
    words = [text(node) for node in rest]
    if name in {"join", "lookup"}:
        return "on" in words[:-1]
    if name in {"mv-expand", "mvexpand"}:
        return bool(rest) and "limit" not in words
    return name in LONG_LISTS and bool(rest) and words != ["*"]
