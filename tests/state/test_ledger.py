"""The ledger: what has been hunted on an incident, and which run may hunt the rest."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore

from shared.state.ledger import Ledger, Share
from shared.state.objects import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
INCIDENT = "defender-4101"


@pytest.fixture
def ledger() -> Ledger:
    """An empty ledger in memory."""
    return Ledger(Store(MemoryStore()))


async def test_the_first_run_takes_everything(ledger: Ledger) -> None:
    """On an incident that was never hunted, a run gets all it asks for and is marked as the first."""
    taken = await ledger.take(INCIDENT, "run-1", {"a", "b"}, NOW)

    assert Share(frozenset("ab"), first=True) == taken


async def test_twenty_runs_at_once_share_without_overlap(ledger: Ledger) -> None:
    """Each piece of work is given to exactly one run, and exactly one run is the first."""
    shares = await asyncio.gather(
        *(ledger.take(INCIDENT, f"run-{n}", {"a", "b", f"own-{n}"}, NOW) for n in range(20))
    )
    taken = [key for share in shares for key in share.due]

    assert sorted(["a", "b", *(f"own-{n}" for n in range(20))]) == sorted(taken)
    assert 1 == sum(share.first for share in shares)


async def test_a_redelivered_run_gets_the_same_share(ledger: Ledger) -> None:
    """It may hunt what it took before, and nothing that was added to the incident since."""
    first = await ledger.take(INCIDENT, "run-1", {"a"}, NOW)

    assert first == await ledger.take(INCIDENT, "run-1", {"a", "b"}, SOON)


async def test_settled_work_is_not_due_again(ledger: Ledger) -> None:
    """Once a run has settled its share, the next run gets only what is new."""
    await ledger.take(INCIDENT, "run-1", {"a"}, NOW)
    await ledger.close(INCIDENT, "run-1", {"a"}, NOW)

    assert Share(frozenset("b"), first=False) == await ledger.take(INCIDENT, "run-2", {"a", "b"}, SOON)


async def test_failed_work_is_retried_an_hour_later(ledger: Ledger) -> None:
    """What a run took and did not settle is due again after an hour, and not before."""
    await ledger.take(INCIDENT, "run-1", {"a", "b"}, NOW)
    await ledger.close(INCIDENT, "run-1", {"a"}, NOW)
    soon = await ledger.take(INCIDENT, "run-2", {"a", "b"}, SOON)
    later = await ledger.take(INCIDENT, "run-3", {"a", "b"}, NOW + timedelta(hours=1))

    assert not soon.due
    assert Share(frozenset("b"), frozenset("b"), first=False) == later


async def test_work_of_a_lost_run_is_freed_after_25_hours(ledger: Ledger) -> None:
    """A run that never ended holds its share for no more than 25 hours, longer than any run waits."""
    await ledger.take(INCIDENT, "run-1", {"a"}, NOW)
    before = await ledger.take(INCIDENT, "run-2", {"a"}, NOW + timedelta(hours=24))
    after = await ledger.take(INCIDENT, "run-3", {"a"}, NOW + timedelta(hours=25))

    assert (frozenset(), frozenset("a")) == (before.due, after.due)


async def test_closing_a_run_twice_records_it_once(ledger: Ledger) -> None:
    """The log has one entry for that run, and none for a run that settled nothing."""
    for _ in range(2):
        await ledger.close(INCIDENT, "run-1", {"a"}, NOW)
    await ledger.close(INCIDENT, "run-2", set(), NOW)

    assert ["run-1"] == [entry.run_id for entry in await ledger.entries(INCIDENT)]


async def test_the_log_continues_after_its_oldest_entries_expire() -> None:
    """With its first entry deleted, the log still takes the next one at its end."""
    objects = MemoryStore()
    ledger = Ledger(Store(objects))
    for n in range(3):
        await ledger.close(INCIDENT, f"run-{n}", {str(n)}, NOW)
    objects.delete(f"incidents/{INCIDENT}/000000")
    await ledger.close(INCIDENT, "run-3", {"3"}, SOON)

    assert ["run-1", "run-2", "run-3"] == [entry.run_id for entry in await ledger.entries(INCIDENT)]
