"""
Walk through a query, and report whatever could read more than a scope allows.

The walk knows far less than all of KQL. A device hunt that it cannot follow is refused: no mistake widens its scope.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from . import vocabulary
from .edit import Edit
from .lexer import Token, bracket, inside, is_call, leading_operator, name_of, split, text
from .origin import DEVICE, LITERAL, Origin
from .plain import Plain
from .scalars import VALUE, Declared, names_column
from .tables import LOOKUPS, SCOPABLE, UNSCOPABLE

if TYPE_CHECKING:
    from .lexer import Node
    from .scalars import Known


class Walk(Plain):
    """One walk: call `read_whole` once, then read `found`; *scoped* also reports what could escape."""

    def read_whole(self, nodes: list[Node]) -> None:
        """Read a whole query."""
        if not any(node for node in nodes if text(node) != ";"):
            self.found.add(0, "the query is empty")
        elif text(nodes[0]) == ".":
            self.found.add(nodes[0], "a control command is not possible in a hunt")
        else:
            rows = self.block(nodes, {}, body=False)
            if rows.kind == "lookup" and rows.where:
                wanted = "join it to a table of devices, kind=inner or leftouter, write it in in (…), or write a hunt with entity: indicator"
                self.escape(
                    rows.where,
                    f"rows of {rows.table} alone, which are about no device, would be found: {wanted}",
                )

    def block(self, nodes: list[Node], known: Known, *, body: bool) -> Origin:
        """Read statements: any `let`s, then one expression, which in a function's *body* may be a scalar."""
        *lets, last = [s for s in split(nodes, ";") if s] or [[]]
        if not last:
            return LITERAL
        for statement in lets:
            if text(statement[0]) != "let":
                self.found.add(statement[0], "only let statements may come before the query's one expression")
                return LITERAL
            self.let(statement, known)
        if text(last[0]) == "let":
            self.found.add(last[0], "end with an expression, not with let")
        elif text(last[0]) in {"alias", "declare", "restrict", "set"} and len(last) > 1:
            self.found.add(last[0], f"a {text(last[0])} statement is not possible here")
        else:
            return self.expression(last if body else self.rendered(last), known, table=True, scalar=body)
        return LITERAL

    def rendered(self, nodes: list[Node]) -> list[Node]:
        """Return the query's expression without `render` at its end, which is not sent."""
        _head, *pipes = split(nodes, "|")
        if not pipes or leading_operator(pipes[-1])[0] != "render":
            return nodes
        at = len(nodes) - len(pipes[-1]) - 1
        self.told.add(pipes[-1][0], "render is left out: a hunt returns rows")
        self.edits.append(Edit(nodes[at].start, len(self.query), ""))
        return nodes[:at]

    def let(self, nodes: list[Node], known: Known) -> None:
        """Read a let statement, and add what it declares to *known*."""
        name = name_of(nodes[1]) if len(nodes) > 3 and text(nodes[2]) == "=" else None
        if name is None:
            self.found.add(nodes[0], "cannot read this let statement")
            return
        self.declare(nodes[1], name)
        value = nodes[4:] if text(nodes[3]) == "view" else nodes[3:]
        if len(value) == 2 and bracket(value[0]) == "(" and bracket(value[1]) == "{":
            if name in vocabulary.CLOCK:
                self.found.add(nodes[1], f"{name} is a function of KQL's own; choose another name")
            inner, kind = dict(known), "function"
            for parameter in split(inside(value[0]), ","):
                label = name_of(parameter[0]) if parameter else None
                if label is None:
                    self.found.add(value[0], "cannot read these parameters")
                    continue
                self.declare(parameter[0], label)
                inner[label] = VALUE
                kind = "table function" if any(bracket(part) == "(" for part in parameter) else kind
            known[name] = Declared(kind, self.block(inside(value[1]), inner, body=True))
        else:
            known[name] = Declared("value", self.expression(nodes[3:], known, table=True))

    def declare(self, node: Node, name: str) -> None:
        """Report *name* if it is already declared in front of the query."""
        ours = name in vocabulary.RESERVED or name.startswith(vocabulary.RESERVED_PREFIXES)
        if ours or (self.scoped and name in SCOPABLE):
            self.found.add(node, f"{name} is declared in front of the query; choose another name")

    def expression(self, nodes: list[Node], known: Known, *, table: bool, scalar: bool = True) -> Origin:
        """Read an expression: *table* says that a name alone is a table, *scalar* allows a scalar."""
        if not nodes:
            return LITERAL
        head, *pipes = split(nodes, "|")
        origin = LITERAL
        if pipes or table:
            origin = self.source(head, known, nodes, scalar=scalar and not pipes)
        else:
            self.scalars(head, known)
        for pipe in pipes:
            origin = self.operator(pipe, known, nodes, origin)
        return self.drawn(nodes, known) if self.scoped and origin.kind == "literal" else origin

    def drawn(self, nodes: list[Node], known: Known) -> Origin:
        """Return the origin of what is written in the query, and of what it takes from look-ups, as by toscalar()."""
        for node, after in zip_longest(nodes, nodes[1:]):
            if not isinstance(node, Token):
                origin = self.drawn(node.items, known)
            elif node.kind != "name" or names_column(after):
                continue
            elif node.text in known:
                origin = known[node.text].origin
            else:
                origin = Origin("lookup", node.text, node) if node.text in LOOKUPS else LITERAL
            if origin.kind == "lookup":
                return origin
        return LITERAL

    def source(self, nodes: list[Node], known: Known, around: list[Node], *, scalar: bool) -> Origin:
        """Read what stands before the first |, or a lone operand; *around* says where, if it is missing."""
        if not nodes:
            self.found.add(around[0], "nothing stands before the |")
            return LITERAL
        first, name = nodes[0], name_of(nodes[0])
        if len(nodes) == 1 and bracket(first) == "(":
            return self.expression(inside(first), known, table=True, scalar=scalar)
        if len(nodes) == 1 and name is not None:
            return self.table(first, name, known)
        if name == "union":
            return self.union(nodes, known)
        if name in {"print", "range", "datatable"}:
            call = name == "datatable" and bracket(nodes[1]) == "("
            self.scalars(nodes[2:] if call else nodes[1:], known)
        elif self.scoped and isinstance(first, Token) and name in {"search", "find", "externaldata"}:
            return self.elsewhere(name, nodes, known)
        elif name in vocabulary.READS_ANY_TABLE:
            self.escape(first, f"{name} may read any table: name the tables")
        elif scalar:
            return self.operand_or_scalars(nodes, known)
        elif name and is_call(nodes) and (name in known or name == "materialize"):
            return self.called(nodes, known)
        else:
            self.escape(first, "cannot tell which table this reads: name one that a device hunt may read")
        return LITERAL

    def operand_or_scalars(self, nodes: list[Node], known: Known) -> Origin:
        """Read what is probably a scalar expression, but may begin with a table's name, or call what returns rows."""
        first, name = nodes[0], name_of(nodes[0])
        if name is None:
            self.scalars(nodes, known)
        elif is_call(nodes):
            return self.called(nodes, known)
        elif name not in known and (text(nodes[1]) == "." or bracket(nodes[1]) == "["):
            return self.table(first, name, known)
        elif (
            isinstance(nodes[1], Token) and nodes[1].kind != "mark" and nodes[1].text not in vocabulary.WORDS
        ):
            self.escape(first, "cannot tell which table this reads: name one that a device hunt may read")
        else:
            self.scalars(nodes, known)
        return LITERAL

    def called(self, nodes: list[Node], known: Known) -> Origin:
        """Read a call alone."""
        function, group = nodes
        if isinstance(group, Token) or (isinstance(function, Token) and function.text in vocabulary.WORDS):
            self.scalars(nodes, known)
            return LITERAL
        return self.call(name_of(function) or "", group, known)

    def table(self, node: Node, name: str, known: Known) -> Origin:
        """Report *name* unless the query declares it or it is a table that can be restricted to a scope."""
        if name in known:
            return known[name].origin
        if name in LOOKUPS:
            return Origin("lookup", name, node)
        if name in UNSCOPABLE:
            self.escape(node, f"{name} has no DeviceId: leave it out, or write a hunt with entity: indicator")
        elif name not in SCOPABLE and name not in {"true", "false"}:
            wanted = "neither declared by the query nor a table that a device hunt may read"
            self.escape(node, f"{name} is {wanted}: leave it out")
        return DEVICE if name in SCOPABLE else LITERAL
