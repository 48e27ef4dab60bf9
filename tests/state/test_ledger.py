"""What has been hunted on an incident, and who may hunt the rest."""

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
    """A ledger with nothing in it."""
    return Ledger(Store(MemoryStore()))


async def test_first(ledger: Ledger) -> None:
    """The first run of an incident takes all there is."""
    taken = await ledger.take(INCIDENT, "run-1", {"a", "b"}, NOW)

    assert Share(frozenset("ab"), first=True) == taken


async def test_doors(ledger: Ledger) -> None:
    """Twenty runs at once share the work: each part is taken by one."""
    shares = await asyncio.gather(
        *(ledger.take(INCIDENT, f"run-{n}", {"a", "b", f"own-{n}"}, NOW) for n in range(20))
    )
    taken = [key for share in shares for key in share.due]

    assert sorted(["a", "b", *(f"own-{n}" for n in range(20))]) == sorted(taken)
    assert 1 == sum(share.first for share in shares)


async def test_again(ledger: Ledger) -> None:
    """A run that is delivered again may hunt what it took, and nothing that came to light since."""
    first = await ledger.take(INCIDENT, "run-1", {"a"}, NOW)

    assert first == await ledger.take(INCIDENT, "run-1", {"a", "b"}, SOON)


async def test_grown(ledger: Ledger) -> None:
    """What was settled is not due again; what is new is."""
    await ledger.take(INCIDENT, "run-1", {"a"}, NOW)
    await ledger.close(INCIDENT, "run-1", {"a"}, NOW)

    assert Share(frozenset("b"), first=False) == await ledger.take(INCIDENT, "run-2", {"a", "b"}, SOON)


async def test_failed(ledger: Ledger) -> None:
    """What a run could not hunt is tried again, an hour later at the earliest."""
    await ledger.take(INCIDENT, "run-1", {"a", "b"}, NOW)
    await ledger.close(INCIDENT, "run-1", {"a"}, NOW)
    soon = await ledger.take(INCIDENT, "run-2", {"a", "b"}, SOON)
    later = await ledger.take(INCIDENT, "run-3", {"a", "b"}, NOW + timedelta(hours=1))

    assert not soon.due
    assert Share(frozenset("b"), frozenset("b"), first=False) == later


async def test_lost_run(ledger: Ledger) -> None:
    """What a run took that never ended is free after 25 hours, longer than any run waits."""
    await ledger.take(INCIDENT, "run-1", {"a"}, NOW)
    before = await ledger.take(INCIDENT, "run-2", {"a"}, NOW + timedelta(hours=24))
    after = await ledger.take(INCIDENT, "run-3", {"a"}, NOW + timedelta(hours=25))

    assert (frozenset(), frozenset("a")) == (before.due, after.due)


async def test_close_twice(ledger: Ledger) -> None:
    """A run that is closed twice is written down once; one that did nothing leaves no trace."""
    for _ in range(2):
        await ledger.close(INCIDENT, "run-1", {"a"}, NOW)
    await ledger.close(INCIDENT, "run-2", set(), NOW)

    assert ["run-1"] == [entry.run_id for entry in await ledger.read(INCIDENT)]


async def test_expired() -> None:
    """A log whose oldest entries have expired goes on where it was."""
    objects = MemoryStore()
    ledger = Ledger(Store(objects))
    for n in range(3):
        await ledger.close(INCIDENT, f"run-{n}", {str(n)}, NOW)
    objects.delete(f"incidents/{INCIDENT}/000000")
    await ledger.close(INCIDENT, "run-3", {"3"}, SOON)

    assert ["run-1", "run-2", "run-3"] == [entry.run_id for entry in await ledger.read(INCIDENT)]
