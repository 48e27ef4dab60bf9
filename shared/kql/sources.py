"""Walk through a query, and note which tables it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .origin import LITERAL, Origin
from .tables import LOOKUPS
from .vocabulary import BINDINGS
from .walk import Walk

if TYPE_CHECKING:
    from .lexer import Node
    from .scalars import Known


class Sources(Walk):
    """
    A walk that also keeps the tables that the query reads.

    Without a scope it reports no escape, and knows by them that more may be read than it has seen.
    """

    def __init__(self, query: str, *, scoped: bool) -> None:
        super().__init__(query, scoped=scoped)
        self._read: set[str] = set()
        self._declared: dict[str, Node] = {}
        self._certain = True

    @property
    def tables(self) -> frozenset[str] | None:
        """All tables that the query reads; None where that is not certain, or where it declares one of them itself."""
        certain = self._certain and not self.found.all and self._read.isdisjoint(self._declared.keys())
        return frozenset(self._read) if certain else None

    def escape(self, where: Node, problem: str) -> None:
        """Note that more may be read than can be told; report it if there is a scope."""
        self._certain = False
        super().escape(where, problem)

    def declare(self, node: Node, name: str) -> None:
        """Note a name that the query declares; report one that is declared in front of it."""
        self._declared[name] = node
        self._twice(name)
        super().declare(node, name)

    def table(self, node: Node, name: str, known: Known) -> Origin:
        """Note a table that the query does not declare; report one that cannot be restricted, if there is a scope."""
        if name not in known and name not in {"true", "false", *BINDINGS.values()}:
            self._read.add(name)
            self._twice(name)
        return super().table(node, name, known) if self.scoped else LITERAL

    def _twice(self, name: str) -> None:
        """Report a look-up that the query both reads and declares: it is declared in front, too, where it is held."""
        if self.scoped and name in LOOKUPS & self._read & self._declared.keys():
            self.found.add(
                self._declared[name], f"{name} is declared in front of the query; choose another name"
            )
