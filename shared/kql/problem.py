"""Problems of a query, each with its place."""

from __future__ import annotations

from typing import NamedTuple

from .lexer import Bracketed, Token


class Problem(NamedTuple):
    """One problem of a query; line and column count from 1."""

    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"query line {self.line}, column {self.column}: {self.text}"


#: More would be read by nobody.
_MOST = 100


class Problems:
    """The first 100 problems found in *query*, each once."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._found: dict[Problem, None] = {}

    def add(self, where: Token | Bracketed | int, text: str) -> None:
        """Add a problem with a node, or at an offset in the query (in characters)."""
        if len(self._found) >= _MOST:
            return
        start = where if isinstance(where, int) else where.start
        line = self._query.count("\n", 0, start) + 1
        self._found[Problem(line, start - self._query.rfind("\n", 0, start), text)] = None

    @property
    def all(self) -> tuple[Problem, ...]:
        """The problems, in the order in which they were found."""
        return tuple(self._found)
