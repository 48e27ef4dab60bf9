"""
Walk through the forms that name their tables in another way, and write them as a `union` of these.

`search in (A, B) "x"`, `find in (A, B) where …` and `union Device*` leave it to the service which tables a name stands for.
A plain union of names does not, so these are sent as one: then all that holds of it holds of them.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING

from .edit import Edit
from .lexer import Token, bracket, inside, lex, name_of, split, text
from .operators import Operators
from .origin import LITERAL, Origin, united
from .problem import Problems
from .tables import EVENTS

if TYPE_CHECKING:
    from .lexer import Bracketed, Node
    from .scalars import Known

_ADDRESS = "https://"


class Plain(Operators):
    """How a walk goes through `search`, `find`, `externaldata` and wildcards; `edits` is what is sent in their place."""

    def __init__(self, query: str, *, scoped: bool) -> None:
        super().__init__(query, scoped=scoped)
        self.edits: list[Edit] = []
        #: What the query's author should know of how it is sent.
        self.told = Problems(query)
        #: Where the query reads what is outside of the tenant.
        self.outside = Problems(query)
        self.query = query
        self._closing: dict[int, int] = {}

    def elsewhere(self, name: str, nodes: list[Node], known: Known) -> Origin:
        """Read what begins with `search`, `find` or `externaldata`."""
        if name == "externaldata":
            return self.externaldata(nodes)
        return self.search(nodes, known) if name == "search" else self.find(nodes, known)

    def search(self, nodes: list[Node], known: Known) -> Origin:
        """Read `search in (tables) predicate`."""
        at, tables = self._named(nodes)
        if tables is None or any(text(node) == "=" for node in nodes[1:at]) > 1:
            self.escape(nodes[0], "search reads any table: write search in (…) with the names of tables")
            return LITERAL
        options = "".join(
            f"{node.text} " if text(node) != "=" else "= " for node in nodes[1:at] if isinstance(node, Token)
        )
        origin = self._operands(tables, nodes[0], known)
        self.scalars(nodes[at + 2 :], known)
        # A search over rows gives them the name of no table.
        named = "withsource=['$table'] " if "$table" in self.query else ""
        self._replace(nodes[0], nodes[at], f"union {named}")
        self._unwrap(tables, f" | search {options}")
        return origin

    def find(self, nodes: list[Node], known: Known) -> Origin:
        """Read `find in (tables) where predicate project columns`."""
        at, tables = self._named(nodes)
        rest = nodes[at + 2 :]
        words = [text(node) for node in rest]
        source = [text(node) for node in nodes[1:at]]
        if tables is None or words[:1] != ["where"] or (source and source[:2] != ["withsource", "="]):
            self.escape(
                nodes[0], "cannot read this find: write find in (…) where …, with the names of tables"
            )
            return LITERAL
        column = source[2] if source[2:] and source[2] else "source_"
        origin = self._operands(tables, nodes[0], known)
        self.scalars([node for node in rest if text(node) not in {"where", "project"}], known)
        if any(":" in map(text, part) for part in split(rest, "|")) or "pack_" in self.query:
            self.escape(
                nodes[0], "write this find as union of the tables | where …: its columns cannot be told"
            )
        self._replace(nodes[0], nodes[at], f"union withsource={column} ")
        self._unwrap(tables, " | ")
        if "project" in words:
            project = rest[words.index("project")]
            shown = {text(node) for node in rest[words.index("project") :]}
            self._replace(project, project, "| project " + ("" if column in shown else f"{column}, "))
        return origin

    def externaldata(self, nodes: list[Node]) -> Origin:
        """Read `externaldata (columns) ["https://…"] with (…)`; its rows are of no device, as those of a look-up."""
        match [bracket(node) for node in nodes[1:]], [text(node) for node in nodes[3:4]]:
            case (["(", "["], []) | (["(", "[", "", "("], ["with"]):
                columns, addresses, *more = nodes[1], nodes[2], *nodes[4:]
                given = [node for node in inside(addresses) if text(node) != ","]
                plain = all(
                    isinstance(node, Token) or name_of(node)
                    for each in (columns, *more)
                    for node in inside(each)
                )
                ours = all(isinstance(node, Token) and _is_address(node) for node in given)
                if plain and ours and given:
                    self.outside.add(nodes[0], "externaldata reads what is outside of the tenant")
                    return Origin("lookup", "externaldata", nodes[0])
        self.escape(
            nodes[0], f"write externaldata (columns) with literal {_ADDRESS} addresses, without credentials"
        )
        return LITERAL

    def wildcard(self, nodes: list[Node], operator: Node, known: Known) -> Origin | None:
        """Read names such as `Device*`, which stand for the tables with events; None for what is no such name."""
        if not all(isinstance(node, Token) for node in nodes) or "*" not in map(text, nodes):
            return None
        first, last = nodes[0], nodes[-1]
        pattern = "".join(text(node) for node in nodes)
        apart = any(a.start + len(text(a)) != b.start for a, b in pairwise(nodes))
        tables = (
            [] if pattern.startswith("*") or apart else sorted(t for t in EVENTS if fnmatchcase(t, pattern))
        )
        if not tables or any(fnmatchcase(name, pattern) for name in known):
            return None
        names = ", ".join(tables)
        self.told.add(operator, f"{pattern} stands for {names}")
        self.edits.append(Edit(first.start, last.start + len(text(last)), names))
        return united([self.table(first, name, known) for name in tables])

    def _named(self, nodes: list[Node]) -> tuple[int, Bracketed | None]:
        """Return where `in` stands, and the brackets after it."""
        for at, (node, then) in enumerate(pairwise(nodes)):
            if text(node) == "in" and bracket(then) == "(" and not isinstance(then, Token):
                return at, then
            if not isinstance(node, Token):
                break
        return 0, None

    def _operands(self, tables: Bracketed, operator: Node, known: Known) -> Origin:
        origins = []
        for part in split(tables.items, ","):
            name = name_of(part[0]) if len(part) == 1 else None
            wild = None if name else self.wildcard(part, operator, known)
            if name is None and wild is None:
                self.escape(operator, "name each table")
            origins.append(wild or (self.table(part[0], name, known) if name else LITERAL))
        return united(origins)

    def _replace(self, first: Node, last: Node, new: str) -> None:
        """Send *new* for what stands from *first* to *last*, which are names; line breaks stay."""
        end = last.start + len(text(last))
        self.edits.append(Edit(first.start, end, new + "\n" * self.query.count("\n", first.start, end)))

    def _unwrap(self, group: Bracketed, then: str) -> None:
        """Send what is in brackets without them, and *then*."""
        if not self._closing:
            opened: list[int] = []
            for token in lex(self.query):
                if token.text in {"(", "[", "{"}:
                    opened.append(token.start)
                elif token.text in {")", "]", "}"}:
                    self._closing[opened.pop()] = token.start
        end = self._closing[group.start]
        self.edits += [Edit(group.start, group.start + 1, ""), Edit(end, end + 1, then)]


def _is_address(node: Token) -> bool:
    """Tell whether a string is the address of a document that anybody may read."""
    given = node.text.lstrip("hH@").strip("\"'")
    return node.kind == "string" and given.startswith(_ADDRESS) and not set(given) & set(";\\@")
