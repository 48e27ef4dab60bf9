"""No value changes the structure of a query, whatever it holds, as Microsoft's own parser confirms."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_hunts
from shared.kql import literals, write
from shared.model.entity import Device, Indicator

if TYPE_CHECKING:
    from tests.support.kql_judge import Judge, Verdict

PIECES = [
    '"', "'", '""', "''", "\\", '\\"', "\\\\", "\n", "\r", "\r\n", "\t", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028",
    "\u2029", "\u202e", "\u200b", "\ufeff", "\ud800", "\udfff", "😀", "é", "İ", "```", "~~~", "//", "/*", "#", '@"', "h'",
    "|", ";", ",", "(", ")", "[", "]", "{", "}", "])", '"]);', '"; DeviceInfo | take 1 //', '" or 1 == 1 or "', "\\u0022",
    "\\x22", "\\042", "let _DeviceIds = dynamic([]);", "| union (SigninLogs)", ".drop table DeviceInfo", "$left", "%22",
    "a", "srv-1", "203.0.113.9", "evil.example/", " ", "0", "x" * 200,
]  # fmt: skip
FILE_ORIGIN = load_hunts().by_name["file-origin"].query
HASHES = "DeviceFileEvents | extend Indicator = SHA1 | where SHA1 in (_FileHashes)"
END = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORMS = ("name", "id", "ip", "url", "domain", "fileHash")


def hostile(chance: random.Random) -> str:
    """Return a random string pieced together to break out of a literal."""
    return "".join(chance.choices(PIECES, k=chance.randint(1, 8)))


def bound(form: str, values: list[str]) -> str:
    """Return a query with *values* in the place that *form* names."""
    if form in {"name", "id"}:
        return write.device_query(
            "DeviceInfo | take 3", [Device(**{form: value}) for value in values], take=11, end=END
        )
    query = HASHES if form == "fileHash" else FILE_ORIGIN
    return write.indicator_query(query, [Indicator(form, value) for value in values], take=11, end=END)


def expected(form: str, values: list[str]) -> list[str]:
    """Return the literals as which *values* must be read back, in their order in the query."""
    if form == "id":
        return sorted({value.lower() for value in values})
    if form == "name":
        return [part for value in sorted(set(values)) for part in (value, f"{value}.")]
    return sorted(set(values))


def units(texts: list[Any]) -> list[bytes]:
    """Return the texts in UTF-16, as the parser has them: two surrogates in a row are one character."""
    return [text.encode("utf-16-le", "surrogatepass") for text in texts if isinstance(text, str)]


def shape(tokens: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the tokens without the content of their string literals."""
    return [(kind, "" if text.startswith('"') else text) for kind, text in tokens]


@functools.cache
def baseline(judge: Judge, form: str, count: int) -> Verdict:
    """Return what the parser says of a query with *count* harmless values."""
    return judge(bound(form, [f"v{n:04}" for n in range(count)]), tokens=True)


def check(judge: Judge, form: str, values: list[str]) -> None:
    """Check that a query with *values* has the tokens of one with as many harmless values."""
    wanted = expected(form, values)
    harmless = baseline(judge, form, len(wanted) // 2 if form == "name" else len(wanted))
    verdict = judge(bound(form, values), tokens=True)

    assert [] == verdict.diagnostics
    assert "Query" == verdict.kind
    assert shape(harmless.tokens) == shape(verdict.tokens)
    assert units(wanted) == units(verdict.literals)[: len(wanted)]
    assert units(harmless.literals)[len(wanted) :] == units(verdict.literals)[len(wanted) :]


@pytest.mark.node
@pytest.mark.parametrize("form", FORMS)
def test_many_hostile_values_stay_one_literal_each(form: str, judge: Judge) -> None:
    """About 10,000 hostile strings, many in one query, read back exactly as they were."""
    chance = random.Random(form)
    size = 20 if form == "name" else 50  # a long chain of `or` is slow to parse
    for _ in range(10_000 // len(FORMS) // size + 1):
        check(judge, form, [f"x{hostile(chance)}" for _ in range(size)])


@pytest.mark.node
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(exclude_categories=()), min_size=1).filter(str.strip)
    | st.lists(st.sampled_from(PIECES), min_size=1).map("".join).filter(str.strip)
)
@example(value='"' * 50_000)
def test_any_single_value_stays_one_literal(form: str, judge: Judge, value: str) -> None:
    """Any string, even one of 50,000 quotes, reads back exactly as it was."""
    check(judge, form, [value])


@given(st.text(st.characters(exclude_categories=())))
def test_a_literal_is_ascii_on_a_single_line(value: str) -> None:
    """Nothing on the way to the parser, such as an encoding or a line break, can then change it."""
    literal = literals.literal(value)

    assert literal.isascii()
    assert 1 == len(literal.splitlines())
