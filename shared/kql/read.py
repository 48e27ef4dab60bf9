"""Read a hunt's KQL: its tables, its names, and whether it can be restricted to a scope."""

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
    What reading a query finds out.

    `text` is the query without comments and semicolons at its end, so that an operator can follow on the next
    line. `tables` are the tables in it that can be restricted to devices. `names` holds every token, strings
    without their quotes. `own_window` tells whether the query calls ago() or now().
    """

    text: str
    tables: tuple[str, ...]
    names: frozenset[str]
    own_window: bool
    problems: tuple[Problem, ...]


@lru_cache(maxsize=256)  # hunts are few, and every run reads the same ones
def read_query(query: str, *, scoped: bool) -> Reading:
    """
    Read *query*; if *scoped*, also look for whatever could escape a scope set in front of it.

    Problems are returned, not raised; each says where it is and what to change.
    """
    reader = Walk(query, scoped=scoped)
    tokens: list[Token] = []
    try:
        tokens = lex(query)
        reader.read_whole(nest(tokens))
    except UnreadableQuery as error:
        reader.found.add(error.start, str(error))
    names = frozenset(unquoted(token) if token.kind == "string" else token.text for token in tokens)
    end = max((token.start + len(token.text) for token in tokens if token.text != ";"), default=0)
    asks = any(a.text in {"ago", "now"} and b.text == "(" for a, b in pairwise(tokens))
    return Reading(query[:end], tuple(sorted(SCOPABLE & names)), names, asks, reader.found.all)
