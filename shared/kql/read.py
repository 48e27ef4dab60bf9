"""Read the KQL of a hunt: which tables it reads, which names it uses, and what makes it unfit to be scoped."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from shared.errors import UnreadableQuery

from .lexer import (
    Token,
    lex,
    nest,
    unquoted,
)
from .problem import Problem
from .vocabulary import SCOPABLE
from .walk import Walk


class Reading(Struct, frozen=True):
    """
    What a query says.

    `text` ends with its last lexeme (no comment, no semicolon), so that an operator can follow on the next line.
    `tables` are the scopable ones it names, `names` all its identifiers, `own_window` whether it asks for the time.
    """

    text: str
    tables: tuple[str, ...]
    names: frozenset[str]
    own_window: bool
    problems: tuple[Problem, ...]


@lru_cache(maxsize=256)  # hunts are few, and every run binds the same
def read_query(query: str, *, scoped: bool) -> Reading:
    """
    Read *query*; where *scoped*, anything that could escape a scope set in front of it is a problem.

    Problems say where they are and what to change. None is raised.
    """
    reader = Walk(query, scoped=scoped)
    tokens: list[Token] = []
    try:
        tokens = lex(query)
        reader.query_itself(nest(tokens))
    except UnreadableQuery as error:
        reader.found.add(error.start, str(error))
    names = frozenset(unquoted(token) if token.kind == "string" else token.text for token in tokens)
    end = max((token.start + len(token.text) for token in tokens if token.text != ";"), default=0)
    asks = any(a.text in {"ago", "now"} and b.text == "(" for a, b in pairwise(tokens))
    return Reading(query[:end], tuple(sorted(SCOPABLE & names)), names, asks, reader.found.all)
