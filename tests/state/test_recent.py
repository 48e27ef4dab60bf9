"""How often each hunt ran is counted in the ends of recent runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from obstore.store import MemoryStore

from shared.model.record import Done, Work
from shared.state.objects import Store
from shared.state.recent import Ran, count_recent
from shared.state.runs import Runs
from tests.support.said import ENDINGS, NOW, outcome

if TYPE_CHECKING:
    from shared.model.outcome import Ending


@pytest.fixture
def store() -> Store:
    """A store that is empty."""
    return Store(MemoryStore())


async def end(store: Store, number: int, *endings: Ending, card: bool = False) -> None:
    """Store a run that ended, with a hunt for each ending, which is called as that."""
    work = Work(f"{number:032x}", NOW, "", source="watch")
    cards = ({"DeviceId": "a"},) if card else ()
    done = Done(
        "completed", "x", NOW, tuple(outcome(each, hunt=each.lower()) for each in endings), cards=cards
    )
    await Runs(store, lambda *_: None).finish(work, done)


async def test_a_hunt_ran_where_it_looked(store: Store) -> None:
    """What was found, nothing found so far included, is told apart from what could not run and from what did not apply."""
    await end(store, 1, *ENDINGS, card=True)
    await end(store, 2, "found")
    counted = await count_recent(store)

    assert (2, True, "") == (counted.runs, counted.all, counted.uncounted)
    assert counted.since
    assert counted.since <= datetime.now(UTC)
    assert {
        "found": Ran(2, 2, 0),
        "nothingfound": Ran(1, 0, 0),
        "nothingsofar": Ran(1, 0, 0),
        "notrun": Ran(0, 0, 1),
        "device-card": Ran(1, 1, 0),
    } == counted.hunts


async def test_runs_that_have_not_ended_do_not_count(store: Store) -> None:
    """Nor is there a time since which nothing ended."""
    await store.create(f"runs/{1:032x}/request", b"{}")
    counted = await count_recent(store)

    assert (0, None, {}) == (counted.runs, counted.since, counted.hunts)


async def test_the_last_fifty_runs_count(store: Store) -> None:
    """Whatever else there is."""
    for number in range(60):
        await end(store, number, "found")

    assert (50, True, {"found": Ran(50, 50, 0)}) == ((c := await count_recent(store)).runs, c.all, c.hunts)


async def test_of_many_runs_a_sample_counts_and_is_called_so(store: Store) -> None:
    """One listing of 5,000 objects is made, and what is beyond is not asked for."""
    await end(store, 1, "found")
    await asyncio.gather(*(store.create(f"runs/f{number}/plan", b"") for number in range(5_000)))
    counted = await count_recent(store)

    assert (1, False) == (counted.runs, counted.all)


async def test_what_cannot_be_read_is_told_and_not_raised(store: Store) -> None:
    """The page has more to show."""
    await store.create(f"runs/{1:032x}/done", b"{")

    assert "the store cannot be read now (DecodeError)" == (await count_recent(store)).uncounted
