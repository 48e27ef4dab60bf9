"""
What a query asks the clock: calls of `ago` and `now`, and how far back they look.

A hunt's clock stands at the end of its window. `anchored` puts the times that they stand for in place of the calls.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.model.times import write_time

from .edit import Edit, edited
from .lexer import Token, lex, unquoted
from .vocabulary import CLOCK

if TYPE_CHECKING:
    from datetime import datetime

    from .problem import Problems

#: How far back a query looks that does not say so in a literal: as far as Advanced Hunting keeps data.
FURTHEST = timedelta(days=30)

_UNITS = (
    ("milliseconds millisecond millis milli ms", timedelta(milliseconds=1)),
    ("microseconds microsecond micros micro", timedelta(microseconds=1)),
    ("days day d", timedelta(days=1)),
    ("hours hour hrs hr h", timedelta(hours=1)),
    ("minutes minute min m", timedelta(minutes=1)),
    ("seconds second sec s", timedelta(seconds=1)),
)
_SECONDS = {name: span.total_seconds() for names, span in _UNITS for name in names.split()} | {
    "tick": 1e-7,
    "ticks": 1e-7,
}
_SHORT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([a-z]*)")
_LONG = re.compile(r"(?:(\d{1,6})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?")
_LONGEST = timedelta(days=36_500)


def calls(tokens: tuple[Token, ...]) -> list[int]:
    """Return where in *tokens* `ago` and `now` are called, as indexes; a column of that name is no call."""
    return [
        at
        for at, (token, after) in enumerate(pairwise(tokens))
        if token.kind == "name" and token.text in CLOCK and after.text == "("
    ]


@lru_cache(maxsize=512)  # hunts are few, and every part of a run writes the same ones
def anchored(query: str, end: datetime) -> str:
    """
    Return *query* with the times that `ago` and `now` stand for at *end* in place of their calls, and otherwise as it is.

    A time is a literal where the call's timespan is one, or a `let` name that is one, since KQL takes nothing else where
    it wants a constant, as in `prev(x, 1, now())`; otherwise it is counted from the literal of *end*. Lines stay.
    """
    tokens = lex(query)
    lets = _lets(tokens)
    edits: list[Edit] = []
    for at in calls(tokens):
        close = _partner(tokens, at + 1)
        name, opened, closed = tokens[at], tokens[at + 1], tokens[close]
        span = _offset(tokens[at + 2 : close], lets)
        sign = -1 if name.text == "ago" else 1
        if span is None:
            counted = f"(datetime({write_time(end)}) {'-' if sign < 0 else '+'} "
            edits += [_put(query, name.start, opened.start, counted), Edit(closed.start, closed.start, ")")]
        else:
            edits.append(
                _put(query, name.start, closed.start + 1, f"datetime({write_time(end + sign * span)})")
            )
    return edited(query, edits)


def _put(query: str, start: int, end: int, text: str) -> Edit:
    """Send *text* for what stands from *start* to *end*, and the line breaks in it."""
    return Edit(start, end, text + "\n" * query.count("\n", start, end))


def _offset(tokens: tuple[Token, ...], lets: dict[str, tuple[Token, ...]]) -> timedelta | None:
    """Return the timespan, negative after a minus, that a call's argument is as a literal; None where it is none."""
    if not tokens:
        return timedelta(0)
    minus = tokens[0].text == "-"
    text = _written(tokens[minus:], lets)
    # A tick is less than a time that we can write.
    span = None if "tick" in text else span_of(text)
    return -span if span is not None and minus else span


def check(tokens: tuple[Token, ...], found: Problems) -> None:
    """Report calls of `ago` and `now` that are written as quoted names, which would not be recognised."""
    for at, token in enumerate(tokens):
        around = "".join(other.text for other in tokens[at - 1 : at] + tokens[at + 1 : at + 3])
        # Microsoft's lexer resolves escapes in such a name, and ours does not.
        if token.kind == "string" and around == "[](" and (unquoted(token) in CLOCK or "\\" in token.text):
            found.add(token, "write the function's name without brackets and quotes")


def reach(tokens: tuple[Token, ...]) -> timedelta | None:
    """
    Return how far back a query without problems looks by its own clock: the longest `ago(…)`, or `now()` minus a timespan.

    A timespan is a literal, or a `let` name that is one; what is neither counts as 30 days, as does a query
    that calls only `now()`. None where neither function is called.
    """
    found = calls(tokens)
    if not found:
        return None
    lets = _lets(tokens)
    spans: list[timedelta] = []
    for at in found:
        close = _partner(tokens, at + 1)
        argument = tokens[at + 2 : close]
        back = timedelta(0)
        if tokens[at].text == "now" and argument and argument[0].text == "-":
            argument = argument[1:]
        elif tokens[at].text == "now" and argument:
            argument = (tokens[at],)  # no timespan: later than the end, or not known
        if argument:
            back += _span(argument, lets)
        spans.append(back + _minus(tokens, close + 1, lets))
    # An alias of the clock is as good as the clock: `let end = now(); … end - 7d`.
    aliases = {name for name, value in lets.items() if [token.text for token in value] == ["now", "(", ")"]}
    spans += [_minus(tokens, at + 1, lets) for at, token in enumerate(tokens) if token.text in aliases]
    return min(max(spans), _LONGEST) or FURTHEST


def _lets(tokens: tuple[Token, ...]) -> dict[str, tuple[Token, ...]]:
    """Return the value of each name that only one `let` gives one, and that is no parameter."""
    given = Counter(a.text for a, b in pairwise(tokens) if b.text in {"=", ":"})
    values = {}
    for at in range(len(tokens)):
        match tokens[at : at + 3]:
            case [Token(text="let"), Token(text=name), Token(text="=")] if given[name] == 1:
                end = next((n for n in range(at, len(tokens)) if tokens[n].text == ";"), len(tokens))
                values[name] = tokens[at + 3 : end]
    return values


def _partner(tokens: tuple[Token, ...], at: int) -> int:
    """Return the index of the bracket that closes the one at *at*."""
    depth = 1
    while depth:
        at += 1
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
    return at


def _minus(tokens: tuple[Token, ...], at: int, lets: dict[str, tuple[Token, ...]]) -> timedelta:
    """Return the timespan that *tokens* take away from *at* on from what stands before them; 0 if they do not."""
    back = timedelta(0)
    while _text(tokens, at) == "-":
        end = _partner(tokens, at + 2) + 1 if _text(tokens, at + 2) == "(" else at + 2
        if _text(tokens, end) in {"*", "/", "%"}:
            return back + FURTHEST
        back = min(back + _span(tokens[at + 1 : end], lets), _LONGEST)
        at = end
    return back


def _text(tokens: tuple[Token, ...], at: int) -> str:
    return "".join(token.text for token in tokens[at : at + 1])


def _span(tokens: tuple[Token, ...], lets: dict[str, tuple[Token, ...]]) -> timedelta:
    """Return the timespan that *tokens* write; 30 days where they write none."""
    span = span_of(_written(tokens, lets))
    return FURTHEST if span is None else span


def _written(tokens: tuple[Token, ...], lets: dict[str, tuple[Token, ...]]) -> str:
    """Return what *tokens* write, or what the `let` writes whose name they are."""
    text = "".join(token.text for token in tokens)
    return "".join(token.text for token in lets.get(text, ())) or text


def span_of(text: str) -> timedelta | None:
    """Return the timespan that a literal such as `7d` or `time(1.02:03:04)` writes, at most 100 years; None for others."""
    if match := re.fullmatch(r"time(?:span)?\((.*)\)", text):
        text = match[1].strip().strip("\"'")
        if long := _LONG.fullmatch(text):
            days, hours, minutes, seconds = (float(part or 0) for part in long.groups())
            return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        text = f"{text}d" if text.isdecimal() else text
    short = _SHORT.fullmatch(text)
    if short is None or short[2] not in _SECONDS:
        return None
    return timedelta(seconds=min(float(short[1]) * _SECONDS[short[2]], _LONGEST.total_seconds()))
