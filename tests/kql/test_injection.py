"""No value changes the structure of a query, whatever it holds, as Microsoft's own parser confirms."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.kql import literals, write
from shared.model.entity import Device, Indicator
from tests.support.breaking_out import FILE_ORIGIN, HASHES, PIECES, hostile, shape, units

if TYPE_CHECKING:
    from sandbox.kusto.judge import Judge, Verdict

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORMS = ("name", "id", "ip", "url", "domain", "fileHash")


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
