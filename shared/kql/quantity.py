"""How many steps a range has, as far as literals say so."""

from __future__ import annotations

import operator
import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

from .clock import FURTHEST, span_of
from .lexer import Bracketed, Token, inside, is_call, name_of, split
from .vocabulary import CLOCK

if TYPE_CHECKING:
    from .lexer import Node

    #: By a name that `let` declares, the number that it stands for, and whether that is a timespan or a time.
    Amounts = dict[str, tuple[float, bool]]

# A sum is divided at + first, so that what is taken away is taken from its own part.
_ARITHMETIC = (("+", operator.add), ("-", operator.sub), ("*", operator.mul), ("/", operator.truediv))
_TYPED = re.compile(r"""(?P<type>\w+)\(["']?(?P<value>[^"']*)["']?\)""")
_DEEPEST = 20


def steps(first: list[Node], last: list[Node], step: list[Node], known: Amounts) -> float | None:
    """
    Return how many steps of *step* there are from *first* to *last*; None where something else than literals says so.

    *known* are the numbers that names stand for. Times that are no literals are taken to be 30 days from each
    other, since Advanced Hunting keeps no more.
    """
    size, begin, end = (amount(nodes, known) for nodes in (step, first, last))
    if size is not None and (begin is None or end is None) and is_time(step, known):
        begin, end = 0.0, FURTHEST.total_seconds()
    if size is None or begin is None or end is None:
        return None
    return max(0.0, (end - begin) / size) if size else float("inf")


def amount(nodes: list[Node], known: Amounts, depth: int = 0) -> float | None:
    """Return the number that *nodes* write, a timespan or a time in seconds; None where they are no such literals."""
    if depth > _DEEPEST:
        return None
    for mark, apply in _ARITHMETIC:
        parts = split(nodes, mark)
        if len(parts) > 1:
            values = [amount(part, known, depth + 1) if part else 0.0 for part in parts]
            found = [value for value in values if value is not None]
            with suppress(ArithmeticError):
                return reduce(apply, found) if len(found) == len(values) else None
            return None
    if is_call(nodes) and name_of(nodes[0]) in CLOCK:
        back = amount(inside(nodes[1]), known, depth + 1) if inside(nodes[1]) else 0.0
        sign = -1 if name_of(nodes[0]) == "ago" else 1
        return None if back is None else datetime.now(UTC).timestamp() + sign * back
    match nodes:
        case [Bracketed(kind="(", items=items)]:
            return amount(items, known, depth + 1)
        case [node] if (name := name_of(node)) is not None:
            return known[name][0] if name in known else None
        case [Token(text=text)]:
            return _literal(text)
    return None


def is_time(nodes: list[Node], known: Amounts) -> bool:
    """Tell whether *nodes* are a timespan's literal, or a name that stands for one."""
    if not nodes:
        return False
    if name := name_of(nodes[0]):
        return name in known and known[name][1]
    return isinstance(nodes[0], Token) and not re.fullmatch(r"[0-9.e]+|0x.*", nodes[0].text)


def _literal(text: str) -> float | None:
    typed = _TYPED.fullmatch(text)
    value = typed["value"].strip() if typed else text
    if typed and typed["type"] in {"date", "datetime"}:
        with suppress(ValueError):
            return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()
        return None
    if not typed or typed["type"] not in {"time", "timespan"}:
        with suppress(ValueError):
            return float(int(value, 16)) if value.startswith("0x") else float(value)
    span = span_of(text)
    return None if span is None else span.total_seconds()
