"""Walk through scalar expressions, in whose brackets tables may stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from . import vocabulary
from .lexer import Token, name_of, text
from .origin import LITERAL, Origin, united
from .parts import arguments_of, no_literal
from .problem import Problems
from .tables import LOOKUPS, UNSCOPABLE

if TYPE_CHECKING:
    from .lexer import Bracketed, Node


class Declared(NamedTuple):
    """
    What a name stands for: a `value`, a `function`, or a `table function` (one that takes a table).

    `origin` is that of its rows, where it has any; of a table function's, if it is given literals.
    """

    kind: str
    origin: Origin = LITERAL


Known = dict[str, Declared]
VALUE = Declared("value")


class Scalars(ABC):
    """What is found in a walk, and how it goes through scalars; *scoped* also reports what could escape."""

    def __init__(self, query: str, *, scoped: bool) -> None:
        self.scoped = scoped
        self.found = Problems(query)

    def escape(self, where: Node, problem: str) -> None:
        """Report what could read more than a scope allows, if there is a scope."""
        if self.scoped:
            self.found.add(where, problem)

    @abstractmethod
    def expression(self, nodes: list[Node], known: Known, *, table: bool, scalar: bool = True) -> Origin:
        """Read an expression: *table* says that a name alone is a table, *scalar* allows a scalar."""

    @abstractmethod
    def table(self, node: Node, name: str, known: Known) -> Origin:
        """Report *name* unless the query declares it or it is a table that can be restricted to a scope."""

    def scalars(self, nodes: list[Node], known: Known) -> None:
        """Read scalar expressions, in which tables can only occur inside brackets."""
        for node, before, after in zip(nodes, [None, *nodes], [*nodes[1:], None], strict=False):
            word = name_of(before) or ""
            # But ['has'](…) calls a function of that name, which may be stored in the tenant.
            operator = isinstance(before, Token) and word in vocabulary.WORDS
            if isinstance(node, Token):
                elsewhere = node.text in UNSCOPABLE or (node.text in LOOKUPS and node.text not in known)
                if elsewhere and not names_column(after):
                    self.misplaced(node, known)
            elif node.kind == "{":
                self.escape(node, "cannot read what stands in these braces")
            elif node.kind == "(" and word and not operator:
                self.call(word, node, known)
            else:
                self.arguments(node, known, table=word in vocabulary.LISTS)

    def misplaced(self, token: Token, known: Known) -> None:
        """Report a table's name where a column should stand."""
        if token.text in LOOKUPS:
            self.escape(token, f"{token.text} is a table: put it in brackets, as in in (…)")
        else:
            self.table(token, token.text, known)

    def call(self, name: str, group: Bracketed, known: Known) -> Origin:
        """Read a call of the function *name*; return the origin of its rows."""
        function = known.get(name, VALUE)
        if name in {"dynamic", "typeof"}:
            for node in no_literal(group, types=name == "typeof"):
                self.escape(node, f"write nothing but values in {name}(…)")
        elif function.kind != "value":
            given = self.arguments(group, known, table=function.kind == "table function")
            if function.kind == "function" and function.origin.kind == "device":
                return function.origin
            return united([given, function.origin])
        elif name in vocabulary.TABULAR:
            given = self.arguments(group, known, table=True)
            return given if name == "materialize" else LITERAL
        elif name in vocabulary.FUNCTIONS:
            self.arguments(group, known, table=False)
        else:
            wanted = "neither declared by the query nor a function that reads nothing else"
            self.escape(group, f"{name}() is {wanted}")
        return LITERAL

    def arguments(self, group: Node, known: Known, *, table: bool) -> Origin:
        """Read what is separated by commas; *table* means that a name alone is a table. Return the origin of all rows."""
        origins = []
        for part in arguments_of(group):
            named = len(part) > 1 and text(part[1]) == "="
            origins.append(self.expression(part[2:] if named else part, known, table=table))
        return united(origins)


def names_column(after: Node | None) -> bool:
    """Tell whether what stands before *after* is the name of a new column, as in `name = value` or `name: type`."""
    return after is not None and text(after) in {"=", ":"}
