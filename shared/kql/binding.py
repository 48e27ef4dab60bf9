"""A query that declares itself what it looks for, `let RemoteIP = "…";`: our value takes the place of that literal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .clock import anchored
from .lexer import lex
from .literals import dynamic, literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.entity import Indicator

    from .lexer import Token

#: Values for which a query made for one of them is written: each is a query of its own.
MOST_VALUES = 10

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Place(NamedTuple):
    """Where a literal stands in a query, in characters; whether it is a list of texts, or one text."""

    start: int
    end: int
    listed: bool


def place_of(query: str, name: str) -> Place | None:
    """
    Return where the literal stands that *query*, which can be read, gives *name* in a statement of its own.

    It is a text, or `dynamic([…])` with texts alone. None where *name* is given anything else, or more than once.
    """
    tokens = lex(query)
    given = [
        at
        for at, token in enumerate(tokens)
        if token.text == name and _texts(tokens, at + 1, 1) in (["="], [":"])
    ]
    if len(given) != 1 or _texts(tokens, given[0] - 1, 1) != ["let"] or _depth(tokens[: given[0]]):
        return None
    at = given[0] + 2
    end = next((n for n in range(at, len(tokens)) if tokens[n].text == ";"), len(tokens))
    value = tokens[at:end]
    inner = value[3:-2]
    listed = [token.text for token in (*value[:3], *value[-2:])] == ["dynamic", "(", "[", "]", ")"] and all(
        token.kind == "string" if n % 2 == 0 else token.text == "," for n, token in enumerate(inner)
    )
    if end == len(tokens) or not (listed or [token.kind for token in value] == ["string"]):
        return None
    return Place(value[0].start, value[-1].start + len(value[-1].text), listed)


def with_value(query: str, name: str, value: str) -> str:
    """Return *query* with *value* in the place of *name*'s literal. Raises ValueError where there is no such place."""
    place = place_of(query, name)
    if place is None:
        raise ValueError(f"the query does not declare {name} as a literal")
    return f"{query[: place.start]}{dynamic([value]) if place.listed else literal(value)}{query[place.end :]}"


def bound_values(indicators: Iterable[Indicator]) -> list[str]:
    """Return the values for which a query is written: the first MOST_VALUES, each once."""
    return list(dict.fromkeys(each.value for each in indicators if each.value.strip()))[:MOST_VALUES]


def for_each(query: str, name: str, values: Iterable[str], end: datetime) -> list[str]:
    """
    Return the lines that ask for each of *values* on its own; a row says in Indicator for which.

    The clock of each stands at *end*.
    """
    lines, calls = [], []
    for number, value in enumerate(values):
        calls.append(f"(_Value{number}())")
        lines += [
            f"let _Value{number} = () {{",
            anchored(with_value(query, name, value), end),
            f"| extend Indicator = {literal(value)}",
            "};",
        ]
    return [*lines, f"union {', '.join(calls)}"]


def _texts(tokens: tuple[Token, ...], at: int, count: int) -> list[str]:
    return [token.text for token in tokens[max(0, at) : at + count]]


def _depth(tokens: tuple[Token, ...]) -> int:
    return sum((token.text in _OPEN) - (token.text in _CLOSE) for token in tokens)
