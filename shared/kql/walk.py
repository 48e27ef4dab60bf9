"""
Walk through a query, and report whatever could read more than a scope allows.

The walk knows far less than all of KQL. A device hunt that it cannot follow is refused: no mistake widens its scope.
"""

from __future__ import annotations

from . import vocabulary
from .lexer import (
    Bracketed,
    Node,
    Token,
    bracket,
    inside,
    is_call,
    leading_operator,
    name_of,
    options,
    split,
    text,
)
from .parts import arguments_of, no_literal
from .problem import Problems

Known = dict[str, str]  # declared name -> "value", "function", or "table function" (one that takes a table)


class Walk:
    """One walk: call `read_whole` once, then read `found`; *scoped* also reports what could escape."""

    def __init__(self, query: str, *, scoped: bool) -> None:
        self.scoped = scoped
        self.found = Problems(query)

    def escape(self, where: Node, problem: str) -> None:
        """Report what could read more than a scope allows, if there is a scope."""
        if self.scoped:
            self.found.add(where, problem)

    def read_whole(self, nodes: list[Node]) -> None:
        """Read a whole query."""
        if not any(node for node in nodes if text(node) != ";"):
            self.found.add(0, "the query is empty")
        elif text(nodes[0]) == ".":
            self.found.add(nodes[0], "a control command is not possible in a hunt")
        else:
            self.block(nodes, {}, body=False)

    def block(self, nodes: list[Node], known: Known, *, body: bool) -> None:
        """Read statements: any `let`s, then one expression, which in a function's *body* may be a scalar."""
        *lets, last = [s for s in split(nodes, ";") if s] or [[]]
        if not last:
            return
        for statement in lets:
            if text(statement[0]) != "let":
                self.found.add(statement[0], "only let statements may come before the query's one expression")
                return
            self.let(statement, known)
        if text(last[0]) == "let":
            self.found.add(last[0], "end with an expression, not with let")
        elif text(last[0]) in {"alias", "declare", "restrict", "set"} and len(last) > 1:
            self.found.add(last[0], f"a {text(last[0])} statement is not possible here")
        else:
            self.expression(last, known, table=True, scalar=body)

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
                inner[label] = "value"
                kind = "table function" if any(bracket(part) == "(" for part in parameter) else kind
            self.block(inside(value[1]), inner, body=True)
            known[name] = kind
        else:
            self.expression(nodes[3:], known, table=True)
            known[name] = "value"

    def declare(self, node: Node, name: str) -> None:
        """Report *name* if it is already declared in front of the query."""
        ours = name in vocabulary.RESERVED or name.startswith(vocabulary.RESERVED_PREFIXES)
        if ours or (self.scoped and name in vocabulary.SCOPABLE):
            self.found.add(node, f"{name} is declared in front of the query; choose another name")

    def expression(self, nodes: list[Node], known: Known, *, table: bool, scalar: bool = True) -> None:
        """Read an expression: *table* says that a name alone is a table, *scalar* allows a scalar."""
        if not nodes:
            return
        head, *pipes = split(nodes, "|")
        if pipes or table:
            self.source(head, known, nodes, scalar=scalar and not pipes)
        else:
            self.scalars(head, known)
        for pipe in pipes:
            self.operator(pipe, known, nodes)

    def source(self, nodes: list[Node], known: Known, around: list[Node], *, scalar: bool) -> None:
        """Read what stands before the first |, or a lone operand; *around* says where, if it is missing."""
        if not nodes:
            self.found.add(around[0], "nothing stands before the |")
            return
        first, name = nodes[0], name_of(nodes[0])
        if len(nodes) == 1 and bracket(first) == "(":
            self.expression(inside(first), known, table=True, scalar=scalar)
        elif len(nodes) == 1 and name is not None:
            self.table(first, name, known)
        elif name == "union":
            self.union(nodes, known)
        elif name in {"print", "range", "datatable"}:
            call = name == "datatable" and bracket(nodes[1]) == "("
            self.scalars(nodes[2:] if call else nodes[1:], known)
        elif name in vocabulary.READS_ANY_TABLE:
            self.escape(first, f"{name} may read any table: name the tables")
        elif scalar:
            self.operand_or_scalars(nodes, known)
        elif name and is_call(nodes) and (name in known or name == "materialize"):
            self.scalars(nodes, known)
        else:
            self.escape(first, "cannot tell which table this reads")

    def operand_or_scalars(self, nodes: list[Node], known: Known) -> None:
        """Read what is probably a scalar expression, but may begin with a table's name."""
        first, name = nodes[0], name_of(nodes[0])
        if name is None:
            self.scalars(nodes, known)
        elif name not in known and (text(nodes[1]) == "." or bracket(nodes[1]) == "["):
            self.table(first, name, known)
        elif (
            isinstance(nodes[1], Token) and nodes[1].kind != "mark" and nodes[1].text not in vocabulary.WORDS
        ):
            self.escape(first, "cannot tell which table this reads")
        else:
            self.scalars(nodes, known)

    def table(self, node: Node, name: str, known: Known) -> None:
        """Report *name* unless the query declares it or it is a table that can be restricted to a scope."""
        if name not in vocabulary.SCOPABLE and name not in known and name not in {"true", "false"}:
            wanted = "neither declared by the query nor a table that holds DeviceId and DeviceName"
            self.escape(node, f"{name} is {wanted}")

    def operator(self, nodes: list[Node], known: Known, around: list[Node]) -> None:
        """Read what follows a |."""
        if not nodes:
            self.found.add(around[0], "nothing stands after the |")
            return
        name, rest = leading_operator(nodes)
        if name == "union":
            self.union(nodes, known)
        elif name in {"join", "lookup"}:
            self.join(nodes[0], name, rest, known)
        elif name in {"mv-apply", "mvapply"}:
            self.mv_apply(nodes, rest, known)
        elif name in {"evaluate", "invoke"}:
            self.plugin(nodes[0], name, rest, known)
        elif name in vocabulary.OPERATORS:
            self.scalars(rest, known)
        elif name == "as" and not self.scoped:
            self.declare(nodes[0], name_of(nodes[-1]) or "")
        elif name == "render":
            self.found.add(nodes[0], "remove render: a hunt returns rows")
        else:
            self.escape(nodes[0], f"the operator {name or '?'} is not possible in a device hunt")

    def join(self, operator: Node, name: str, nodes: list[Node], known: Known) -> None:
        """Read what follows `join` or `lookup`: options, a table, and the condition."""
        rest = self.operand(options(nodes), operator, known)
        if text(rest[0] if rest else operator) not in {"on", "where"}:
            self.escape(operator, f"cannot read this {name}")
        self.scalars(rest, known)

    def mv_apply(self, nodes: list[Node], rest: list[Node], known: Known) -> None:
        """Read `mv-apply … on (operators)`; *rest* are the *nodes* after the operator's name."""
        if len(rest) > 1 and bracket(rest[-1]) == "(" and text(rest[-2]) == "on":
            for pipe in split(inside(rest[-1]), "|"):
                self.operator(pipe, known, nodes)
            self.scalars(rest[:-2], known)
        else:
            self.escape(nodes[0], "cannot read this mv-apply")

    def plugin(self, operator: Node, name: str, rest: list[Node], known: Known) -> None:
        """Read the call after `evaluate` or `invoke`, and report one that may read other tables."""
        allowed = vocabulary.PLUGINS if name == "evaluate" else {"FileProfile", *known}
        if is_call(rest) and name_of(rest[0]) in allowed:
            self.arguments(rest[1], known, table=known.get(str(name_of(rest[0]))) == "table function")
        else:
            possible = ", ".join(sorted(allowed))
            self.escape(operator, f"{name} may read other tables; possible here: {possible}")

    def union(self, nodes: list[Node], known: Known) -> None:
        """Read `union` and its tables."""
        for part in split(options(nodes[1:]), ","):
            if self.operand(part, nodes[0], known):
                self.escape(nodes[0], "cannot read this union: name each table, without wildcards")

    def operand(self, nodes: list[Node], operator: Node, known: Known) -> list[Node]:
        """Read the table that *nodes* begin with, and return the nodes after it."""
        size = 2 if is_call(nodes[:2]) and isinstance(nodes[0], Token) else 1
        if not nodes:
            self.escape(operator, "no table follows")
        else:
            self.source(nodes[:size], known, nodes, scalar=False)
        return nodes[size:]

    def scalars(self, nodes: list[Node], known: Known) -> None:
        """Read scalar expressions, in which tables can only occur inside brackets."""
        for node, before in zip(nodes, [None, *nodes], strict=False):
            word = name_of(before) or ""
            # But ['has'](…) calls a function of that name, which may be stored in the tenant.
            operator = isinstance(before, Token) and word in vocabulary.WORDS
            if isinstance(node, Token):
                if node.text in vocabulary.UNSCOPABLE:
                    self.table(node, node.text, known)
            elif node.kind == "{":
                self.escape(node, "cannot read what stands in these braces")
            elif node.kind == "(" and word and not operator:
                self.call(word, node, known)
            else:
                self.arguments(node, known, table=word in vocabulary.LISTS)

    def call(self, name: str, group: Bracketed, known: Known) -> None:
        """Read a call of the function *name*."""
        if name in {"dynamic", "typeof"}:
            for node in no_literal(group, types=name == "typeof"):
                self.escape(node, f"write nothing but values in {name}(…)")
        elif known.get(name, "value") != "value" or name in vocabulary.FUNCTIONS | vocabulary.TABULAR:
            tabular = name in vocabulary.TABULAR or known.get(name) == "table function"
            self.arguments(group, known, table=tabular)
        else:
            wanted = "neither declared by the query nor a function that reads nothing else"
            self.escape(group, f"{name}() is {wanted}")

    def arguments(self, group: Node, known: Known, *, table: bool) -> None:
        """Read what is separated by commas; *table* means that a name alone is a table."""
        for part in arguments_of(group):
            named = len(part) > 1 and text(part[1]) == "="
            self.expression(part[2:] if named else part, known, table=table)
