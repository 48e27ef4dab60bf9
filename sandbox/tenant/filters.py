"""Read what narrows an answer: the `$filter` of incidents, and the `Timespan` of hunts."""

from __future__ import annotations

import operator
import re
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[dict[str, Any]], bool]

# The only properties that "List incidents" names for `$filter`.
_TIMES = {"createdDateTime", "lastUpdateDateTime"}
_TEXTS = {"assignedTo", "classification", "determination", "severity", "status"}
_OPERATORS = {name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")}
_PERIOD = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", re.ASCII)
_RETENTION = timedelta(days=30)
_TOKEN = re.compile(r"'(?:[^']|'')*'|[(),]|[^\s(),']+|'")


def incidents(text: str) -> Test:
    """
    Return a function that tells whether an incident matches the `$filter` *text*.

    Of OData it reads comparisons, `in`, `and`, `or` and parentheses. Raises ValueError for anything else.
    """
    tokens = deque(_TOKEN.findall(text))
    try:
        test = _either(tokens)
    except IndexError:
        raise ValueError("it ends too early") from None
    if tokens:
        raise ValueError(f"unexpected {tokens[0]}")
    return test


def moment(text: str) -> datetime:
    """Read a time, UTC unless it says otherwise. Raises ValueError if *text* is not one."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def timespan(text: str, now: datetime) -> tuple[datetime, datetime]:
    """
    Return the start and the end of a Timespan: `a/b`, `PnD`, `PnD/b`, `a/PnD` or `a`.

    `PnD` and `a` alone end *now*; the start is at most 30 days before *now*. Raises ValueError if *text* is
    not one, and OverflowError if a duration is too long.
    """
    first, _, second = text.partition("/")
    if second and first.startswith("P"):
        end = moment(second)
        start = end - _period(first)
    elif first.startswith("P"):
        start, end = now - _period(first), now
    else:
        start = moment(first)
        end = start + _period(second) if second.startswith("P") else moment(second) if second else now
    return max(start, now - _RETENTION), end


def _period(text: str) -> timedelta:
    found = _PERIOD.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(text)
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _either(tokens: deque[str]) -> Test:
    tests = [_both(tokens)]
    while _taken(tokens, "or"):
        tests.append(_both(tokens))
    return lambda incident: any(test(incident) for test in tests)


def _both(tokens: deque[str]) -> Test:
    tests = [_clause(tokens)]
    while _taken(tokens, "and"):
        tests.append(_clause(tokens))
    return lambda incident: all(test(incident) for test in tests)


def _clause(tokens: deque[str]) -> Test:
    if _taken(tokens, "("):
        test = _either(tokens)
        _expect(tokens, ")")
        return test
    name, relation = tokens.popleft(), tokens.popleft()
    compare = _OPERATORS.get(relation)
    if name in _TIMES and compare:
        wanted = moment(tokens.popleft())
        return lambda incident: bool(compare(moment(incident[name]), wanted))
    if name in _TEXTS and relation == "in":
        _expect(tokens, "(")
        values = {_text(tokens)}
        while _taken(tokens, ","):
            values.add(_text(tokens))
        _expect(tokens, ")")
        return lambda incident: incident[name] in values
    if name in _TEXTS and compare and relation in {"eq", "ne"}:
        value = _text(tokens)
        return lambda incident: bool(compare(incident[name], value))
    raise ValueError(f"no {relation} on {name}")


def _text(tokens: deque[str]) -> str | None:
    word = tokens.popleft()
    if word == "null":
        return None
    if len(word) < 2 or word[0] != "'":
        raise ValueError(f"{word} is no string")
    return word[1:-1].replace("''", "'")


def _taken(tokens: deque[str], token: str) -> bool:
    """Take *token* if it comes next, and say whether it did."""
    if tokens and tokens[0] == token:
        tokens.popleft()
        return True
    return False


def _expect(tokens: deque[str], token: str) -> None:
    if tokens.popleft() != token:
        raise ValueError(f"{token} is missing")
