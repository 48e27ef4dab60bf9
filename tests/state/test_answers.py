"""What calls to Graph answered: one object a call, and for each hunt one answer that counts for every worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from shared.model.finding import Found
from shared.state.answers import key_of
from shared.state.objects import Store
from shared.state.runs import Runs

RUN = "0a" * 16
NOW = datetime.now(UTC)
A, B, C = (Found(name, rows=1) for name in ("a", "b", "c"))
OTHER = Found("b", rows=2)
FAILED = Found("b", failure="Graph refused it")


@pytest.fixture
def runs(store: Store) -> Runs:
    """Runs in an empty store."""
    return Runs(store, lambda *_: None)


async def test_what_one_call_answered_is_one_object(store: Store, runs: Runs) -> None:
    """Of many hunts as of one: their summaries, and the answer whole, from which each hunt's rows are read."""
    raw = b'{"results":[\n]}'
    await runs.record(RUN, (A, B), raw)
    await runs.record(RUN, (C,))

    assert 2 == len(await store.keys(f"runs/{RUN}/"))
    assert [raw, raw, None, None] == [await runs.findings(RUN, name) for name in ("a", "b", "c", "d")]


@pytest.mark.parametrize("order", [(A, OTHER), (OTHER, A)])
async def test_who_asks_the_same_hunts_gets_what_was_stored_first(
    runs: Runs, order: tuple[Found, ...]
) -> None:
    """Whatever the order in which they are named, and though it was a failure; the rows are those of the first."""
    first = await runs.record(RUN, (A, FAILED), b"first")
    second = await runs.record(RUN, order, b"second")

    assert (A, FAILED) == first == second
    assert b"first" == await runs.findings(RUN, "a")


@pytest.mark.parametrize("first", [(A, B), (B,)])
async def test_workers_that_asked_in_another_company_agree(runs: Runs, first: tuple[Found, ...]) -> None:
    """A hunt that is in two answers has the summary and the rows of the one that was stored first."""
    mine = {each.hunt: each for each in first}
    await runs.record(RUN, first, b"first")
    await asyncio.sleep(1.1)  # Azure says in whole seconds when an object was written.
    before = await runs.agreed(RUN, mine)
    second = (OTHER, C)
    await runs.record(RUN, second, b"second")

    assert mine == before
    assert mine | {"c": C} == await runs.agreed(RUN, {each.hunt: each for each in second})
    assert [b"first", b"second"] == [await runs.findings(RUN, name) for name in ("b", "c")]


def test_no_set_of_hunts_has_the_key_of_a_hunt() -> None:
    """Nor that of another set."""
    keys = [key_of(names) for names in (("a",), ("b",), ("a", "b"), ("a", "c"), ("a", "b", "c"))]

    assert ["a", "b"] == keys[:2]
    assert 5 == len(set(keys))
    assert all(key.startswith("_") for key in keys[2:])
