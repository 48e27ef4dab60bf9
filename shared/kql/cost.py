"""
What in a query can use up a tenant's CPU quota, whatever data it meets: products of tables, and rows made from nothing.

A hunt may need it, so these are warnings. They are given where the text shows it, never for what might be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexer import (
    Bracketed,
    Token,
    bracket,
    inside,
    is_call,
    leading_operator,
    lex,
    name_of,
    nest,
    options,
    split,
    text,
)
from .problem import Problem, Problems
from .quantity import amount, is_time, steps
from .shaping import after, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lexer import Node

_MOST_ROWS = 1_000_000
_MOST_EACH = 10_000
#: The step of a `range` that names none.
_ONE: list[Node] = [Token("number", "1", 0)]


def costs(query: str) -> tuple[Problem, ...]:
    """
    Return what may be costly in a query without problems, each with its place and what to write instead.

    That is: a join without a column of both sides in its condition, or on one that is the same in all rows of a side;
    a `range` over more than a million rows, or to an end that depends on data; and `mv-expand` or `mv-apply` of
    ranges that make more than 10,000 rows of one, or that follow each other.
    """
    costs_of = _Costs(query)
    costs_of.block(nest(lex(query)))
    return tuple(sorted(costs_of.found.all))


class _Costs:
    """One reading of a query: what was found, and what its names stand for."""

    def __init__(self, query: str) -> None:
        self.found = Problems(query)
        self.lets: dict[str, list[Node]] = {}
        self.amounts: dict[str, tuple[float, bool]] = {}
        self.fixed: dict[str, frozenset[str]] = {}
        self.sources: dict[int, frozenset[str]] = {}

    def block(self, nodes: list[Node]) -> None:
        """Read statements, and everything in their brackets."""
        for statement in split(nodes, ";"):
            declares = [text(node) for node in statement[:1] + statement[2:3]] == ["let", "="]
            fixed = self.expression(statement[3:] if declares else statement)
            if declares and (name := name_of(statement[1])):
                self.lets[name], self.fixed[name] = statement[3:], fixed
                if (value := amount(statement[3:], self.amounts)) is not None:
                    self.amounts[name] = value, is_time(statement[3:], self.amounts)
            for node in statement:
                self.block(inside(node))

    def expression(self, nodes: list[Node]) -> frozenset[str]:
        """Read one expression, but not what is in its brackets; return its columns that are the same in all rows."""
        head, *pipes = split(nodes, "|") or [[]]
        self.range(head)
        fixed = self.source(head)
        self.expansions(pipes)
        for pipe in pipes:
            name, rest = leading_operator(pipe)
            if name in {"join", "lookup"}:
                self.join(pipe[0], name, options(rest), fixed)
            fixed = _after(name, rest, fixed)
        return fixed

    def source(self, nodes: list[Node]) -> frozenset[str]:
        """Return the columns of a table that are the same in all of its rows."""
        if is_call(nodes) and name_of(nodes[0]) == "materialize":
            nodes = nodes[1:]
        match nodes:
            case [Bracketed(kind="(", items=items, start=start)]:
                if start not in self.sources:
                    head, *pipes = split(items, "|") or [[]]
                    fixed = self.source(head)
                    for pipe in pipes:
                        fixed = _after(*leading_operator(pipe), fixed)
                    self.sources[start] = fixed
                return self.sources[start]
            case [node] if (name := name_of(node) or "") in self.fixed:
                return self.fixed[name]
        return frozenset()

    def join(self, operator: Node, name: str, operand: list[Node], left: frozenset[str]) -> None:
        """Warn of a join that pairs every row of a side with every row of the other."""
        size = 2 if is_call(operand[:2]) else 1
        right = self.source(operand[:size])
        conditions = split(after(operand[size:], "on"), ",")
        if conditions and all(_is_constant(each, left, right) for each in conditions):
            self.found.add(
                operator, f"this {name} is on a constant, and pairs all rows with all others: use a column"
            )

    def range(self, nodes: list[Node]) -> None:
        """Warn of `range x from … to … step …`."""
        words = [text(node) for node in nodes]
        if not all(word in words for word in ("from", "to", "step")):
            return
        first, last, step = words.index("from"), words.index("to"), words.index("step")
        count = steps(nodes[first + 1 : last], nodes[last + 1 : step], nodes[step + 1 :], self.amounts)
        if count is None:
            self.found.add(
                nodes[0], "this range is as long as data says: write its ends and its step as literals"
            )
        elif count > _MOST_ROWS:
            self.found.add(
                nodes[0], f"this range makes over {_MOST_ROWS:,} rows: write a longer step, or nearer ends"
            )

    def expansions(self, pipes: list[list[Node]]) -> None:
        """Warn of rows that are multiplied by ranges."""
        made: dict[str, list[Node]] = {}
        rows, times = 1.0, 0
        for pipe in pipes:
            name, rest = leading_operator(pipe)
            if name not in {"extend", "mv-expand", "mvexpand", "mv-apply"}:
                continue
            counts = []
            for part in split(rest, ","):
                named = len(part) > 2 and text(part[1]) == "="
                if name == "extend":
                    made |= {name_of(part[0]) or "": part[2:]} if named else {}
                elif (count := self.made(part[2:] if named else part, made)) is not None:
                    counts.append(count)
            if counts:
                # Those of one operator are expanded side by side.
                rows, times = rows * max(counts), times + 1
                if times > 1 or rows > _MOST_EACH:
                    self.found.add(
                        pipe[0], "this multiplies rows by a range, many times or again: use one short range"
                    )

    def made(self, nodes: list[Node], columns: dict[str, list[Node]]) -> float | None:
        """Return how many items `range(…)` or `repeat(…)` in front makes, 1 if that is unclear; None for others."""
        name = (name_of(nodes[0]) or "") if nodes else ""
        if value := columns.get(name) or (self.lets.get(name) if len(nodes) == 1 else None):
            nodes = value
        if len(nodes) < 2 or bracket(nodes[1]) != "(":
            return None
        parts = split(inside(nodes[1]), ",")
        if name_of(nodes[0]) == "repeat" and len(parts) == 2:
            return amount(parts[1], self.amounts) or 1.0
        if name_of(nodes[0]) == "range" and len(parts) > 1:
            return steps(parts[0], parts[1], parts[2] if len(parts) > 2 else _ONE, self.amounts) or 1.0
        return None


def _is_constant(condition: list[Node], left: frozenset[str], right: frozenset[str]) -> bool:
    """Tell whether a condition of a join is the same for all rows of a side."""
    words = texts(condition)
    keys = {"left": left, "right": right}
    for at, word in enumerate(words[:-3]):
        if word == "$" and words[at + 2] == "." and words[at + 3] in keys.get(words[at + 1], frozenset()):
            return True
    names = {*_names(condition)} - {"and", "or", "true", "false"}
    return "$" not in words and names <= left | right


def _names(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        if name := name_of(node):
            yield name
        else:
            yield from _names(inside(node))


def _after(name: str, rest: list[Node], fixed: frozenset[str]) -> frozenset[str]:
    """Return the columns that are the same in all rows after an operator, as far as `extend` and `project` say so."""
    if name not in {"extend", "project"}:
        return fixed
    given = {
        name_of(part[0]) or "": not any(isinstance(node, Bracketed) or name_of(node) for node in part[2:])
        for part in split(rest, ",")
        if len(part) > 2 and text(part[1]) == "="
    }
    return fixed - given.keys() | {each for each, same in given.items() if same}
