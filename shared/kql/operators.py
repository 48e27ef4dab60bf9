"""Walk through what follows a `|`, and through the tables that operators take."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING

from . import vocabulary
from .lexer import Token, bracket, inside, is_call, leading_operator, name_of, options, split, text
from .origin import LITERAL, Origin, join_kind, joined, united
from .scalars import VALUE, Known, Scalars
from .tables import SCOPABLE

if TYPE_CHECKING:
    from .lexer import Node

#: The only wildcard that is known to stand for tables with devices alone.
WILDCARD = "Device*"


class Operators(Scalars):
    """How a walk goes through operators."""

    @abstractmethod
    def source(self, nodes: list[Node], known: Known, around: list[Node], *, scalar: bool) -> Origin:
        """Read what stands before the first |, or a lone operand; *around* says where, if it is missing."""

    @abstractmethod
    def wildcard(self, nodes: list[Node], operator: Node, known: Known) -> Origin | None:
        """Read names such as `Device*`, which stand for the tables with events; None for what is no such name."""

    @abstractmethod
    def declare(self, node: Node, name: str) -> None:
        """Report *name* if it is already declared in front of the query."""

    def operator(self, nodes: list[Node], known: Known, around: list[Node], left: Origin) -> Origin:
        """Read what follows a |; *left* is the origin of the rows before it."""
        if not nodes:
            self.found.add(around[0], "nothing stands after the |")
            return left
        name, rest = leading_operator(nodes)
        if name == "union":
            return united([left, self.union(nodes, known)])
        if name in {"join", "lookup"}:
            return self.join(nodes, name, rest, known, left)
        if name in {"mv-apply", "mvapply"}:
            return self.mv_apply(nodes, rest, known, left)
        if name in {"evaluate", "invoke"}:
            return self.plugin(nodes[0], name, rest, known, left)
        if name == "partition":
            return self.partition(nodes, rest, known, left)
        self.row_operator(nodes, name, rest, known)
        return left

    def row_operator(self, nodes: list[Node], name: str, rest: list[Node], known: Known) -> None:
        """Read an operator that takes no table; *rest* are the *nodes* after its *name*."""
        if name in vocabulary.OPERATORS or (name == "search" and "in" not in map(text, rest)):
            self.scalars(rest, known)
            self.second(rest if "parse" not in name else [])
        elif name == "scan":
            for node in [each for each in rest if not isinstance(each, Token)]:
                self.arguments(node, known, table=False)
        elif name == "as" and not self.scoped:
            self.declare(nodes[0], name_of(nodes[-1]) or "")
        elif name == "render":
            self.found.add(nodes[0], "remove render: a hunt returns rows")
        else:
            self.escape(
                nodes[0], f"the operator {name or '?'} is not possible in a device hunt: leave it out"
            )

    def join(self, nodes: list[Node], name: str, rest: list[Node], known: Known, left: Origin) -> Origin:
        """Read `join` or `lookup`: options, a table, and the condition; *rest* are the *nodes* after its name."""
        kind = join_kind(name, rest)
        rest, right = self.operand(options(rest), nodes[0], known)
        if text(rest[0] if rest else nodes[0]) not in {"on", "where"}:
            self.escape(nodes[0], f"cannot read this {name}")
        self.scalars(rest, known)
        self.second(rest)
        return joined(kind, left, right)

    def second(self, nodes: list[Node]) -> None:
        """Report a table where a query should go on: a second one, which some files hold, begins there."""
        for before, node in pairwise(nodes):
            goes_on = isinstance(before, Token) and (before.kind == "mark" or before.text in vocabulary.WORDS)
            if text(node) in SCOPABLE and not goes_on:
                self.escape(
                    node, "a second query begins here: write each in a file of its own, or a union of both"
                )

    def mv_apply(self, nodes: list[Node], rest: list[Node], known: Known, left: Origin) -> Origin:
        """Read `mv-apply … on (operators)`; *rest* are the *nodes* after the operator's name."""
        if len(rest) > 1 and bracket(rest[-1]) == "(" and text(rest[-2]) == "on":
            for pipe in split(inside(rest[-1]), "|"):
                left = self.operator(pipe, known, nodes, left)
            self.scalars(rest[:-2], known)
        else:
            self.escape(nodes[0], "cannot read this mv-apply")
        return left

    def partition(self, nodes: list[Node], rest: list[Node], known: Known, left: Origin) -> Origin:
        """Read `partition by column (operators)`, each of which sees a part of the rows alone."""
        match options(rest):
            case [by, column, group] if text(by) == "by" and name_of(column) and bracket(group) == "(":
                for pipe in split(inside(group), "|"):
                    left = self.operator(pipe, known, nodes, left)
            case _:
                self.escape(nodes[0], "write partition by a column, and what follows in (…), without a table")
        return left

    def plugin(self, operator: Node, name: str, rest: list[Node], known: Known, left: Origin) -> Origin:
        """Read the call after `evaluate` or `invoke`, and report one that may read other tables."""
        tables = vocabulary.TABLE_PLUGINS if name == "evaluate" else set()
        allowed = {*vocabulary.PLUGINS, *tables} if name == "evaluate" else {*vocabulary.INVOKED, *known}
        call = rest[:2] if name == "evaluate" and _is_schema(rest[2:]) else rest
        called = str(name_of(call[0])) if is_call(call) else ""
        if called not in allowed:
            possible = ", ".join(sorted(allowed))
            self.escape(operator, f"{name} may read other tables; possible here: {possible}")
            return left
        if called in tables:
            table, *keys = split(inside(call[1]), ",") or [[]]
            self.scalars([node for part in keys for node in part], known)
            return joined("leftouter", left, self.operand(table, operator, known)[1])
        function = known.get(called, VALUE)
        given = self.arguments(call[1], known, table=function.kind == "table function")
        return united([left, given, function.origin])

    def union(self, nodes: list[Node], known: Known) -> Origin:
        """Read `union` and its tables."""
        origins = []
        for part in split(options(nodes[1:]), ","):
            if "*" in map(text, part):
                wild = self.wildcard(part, nodes[0], known) if self.scoped else None
                rest, origin = [] if wild else part, wild or LITERAL
            else:
                rest, origin = self.operand(part, nodes[0], known)
            origins.append(origin)
            if rest:
                self.escape(nodes[0], f"cannot read this union: name each table, or write {WILDCARD}")
        return united(origins)

    def operand(self, nodes: list[Node], operator: Node, known: Known) -> tuple[list[Node], Origin]:
        """Read the table that *nodes* begin with; return the nodes after it, and the origin of its rows."""
        size = 2 if is_call(nodes[:2]) and isinstance(nodes[0], Token) else 1
        if not nodes:
            self.escape(operator, "no table follows")
            return [], LITERAL
        return nodes[size:], self.source(nodes[:size], known, nodes, scalar=False)


def _is_schema(nodes: list[Node]) -> bool:
    """Tell whether *nodes* are `: (column: type, …)`."""
    return [text(node) or bracket(node) for node in nodes] == [":", "("] and all(
        isinstance(node, Token) or name_of(node) for node in inside(nodes[1])
    )
