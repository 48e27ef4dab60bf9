"""The ledger: what has been hunted on an incident, and which run may hunt the rest."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from shared.model.entity import hidden
from shared.state.ledger import Ledger
from shared.state.objects import Store
from shared.state.standing import Share

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
OVER = NOW + timedelta(hours=26)
INCIDENT = "defender-4101"
A, B = f"hunt@1.0.0 {hidden('device:a')}", f"hunt@1.0.0 {hidden('device:b')}"


def wanted(*keys: str, active: datetime | None = NOW) -> dict[str, datetime | None]:
    """Return *keys* as a run wants them, each with the time at which its entity was last active."""
    return dict.fromkeys(keys, active)


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """An empty ledger."""
    return Ledger(store)


async def test_the_first_run_takes_everything(ledger: Ledger) -> None:
    """On an incident that was never hunted, a run gets all it asks for and is marked as the first."""
    taken = await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW)

    assert Share(frozenset({A, B}), first=True) == replace(taken, log=None)


async def test_twenty_runs_at_once_share_without_overlap(ledger: Ledger) -> None:
    """Each piece of work is given to exactly one run, and exactly one run is the first."""
    shares = await asyncio.gather(
        *(ledger.take(INCIDENT, f"run-{n}", wanted(A, B, f"own x:{n}"), NOW) for n in range(20))
    )
    taken = [key for share in shares for key in share.due]

    assert sorted([A, B, *(f"own x:{n}" for n in range(20))]) == sorted(taken)
    assert 1 == sum(share.first for share in shares)


async def test_a_redelivered_run_gets_the_same_share(ledger: Ledger) -> None:
    """It may hunt what it took before, and nothing that was added to the incident since."""
    first = await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    again = await ledger.take(INCIDENT, "run-1", wanted(A, B), SOON)

    assert (first.due, first.first) == (again.due, again.first)


async def test_settled_work_is_not_due_again(ledger: Ledger) -> None:
    """Once a run has settled its share, the next run gets only what is new, whoever it is."""
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    await ledger.close(INCIDENT, "run-1", NOW, ended={A})
    late = await ledger.take(INCIDENT, "run-2", wanted(A), OVER, late=True)
    assert not late.due

    new = await ledger.take(INCIDENT, "run-3", wanted(A, B), SOON)

    assert Share(frozenset({B}), first=False) == replace(new, log=None)


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.fault("A9", before="TypeError: 'nothing found' settled its pair for ever, with no activity kept")
async def test_new_activity_makes_work_due_again(ledger: Ledger, settled: bool) -> None:
    """What was looked at is hunted again for an entity that was active since, and for no other."""
    await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW)
    keys = {"ended": {A, B}} if settled else {"looked": dict.fromkeys((A, B), OVER)}
    await ledger.close(INCIDENT, "run-1", NOW, **keys)
    quiet = await ledger.take(INCIDENT, "run-2", wanted(A, B), SOON)
    active = await ledger.take(INCIDENT, "run-3", wanted(A, active=SOON) | wanted(B), SOON)

    assert not quiet.due
    assert {A} == active.due


async def test_activity_meanwhile_is_not_left_to_the_run_that_began_before(ledger: Ledger) -> None:
    """What an unfinished run took, or a failed one, is due again for an entity that was active since."""
    await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW)
    during = await ledger.take(INCIDENT, "run-2", wanted(A, active=SOON) | wanted(B), SOON)
    await ledger.close(INCIDENT, "run-2", SOON)
    after = await ledger.take(INCIDENT, "run-3", wanted(A, active=SOON + timedelta(minutes=1)), SOON)

    assert ({A}, {A}) == (during.due, after.due)


async def test_an_open_window_is_for_the_late_look_alone(ledger: Ledger) -> None:
    """What was looked at too early is due once its window is over, to the late look and to no other run."""
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    await ledger.close(INCIDENT, "run-1", NOW, looked={A: OVER})
    plain = await ledger.take(INCIDENT, "run-2", wanted(A), OVER)
    early = await ledger.take(INCIDENT, "run-3", wanted(A), OVER - timedelta(seconds=1), late=True)
    late = await ledger.take(INCIDENT, "run-4", wanted(A), OVER, late=True)

    assert [frozenset(), frozenset(), frozenset({A})] == [plain.due, early.due, late.due]


async def test_failed_work_is_retried_an_hour_later(ledger: Ledger) -> None:
    """What a run took and did not settle is due again after an hour, and not before."""
    await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW)
    await ledger.close(INCIDENT, "run-1", NOW, ended={A})
    soon = await ledger.take(INCIDENT, "run-2", wanted(A, B), SOON)
    later = await ledger.take(INCIDENT, "run-3", wanted(A, B), NOW + timedelta(hours=1))

    assert not soon.due
    assert Share(frozenset({B}), frozenset({B}), first=False) == replace(later, log=None)


async def test_what_worked_meanwhile_was_not_tried_in_vain(ledger: Ledger) -> None:
    """A failure is news again once the same work has had a result."""
    hour = timedelta(hours=1)
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    await ledger.close(INCIDENT, "run-1", NOW)
    await ledger.take(INCIDENT, "run-2", wanted(A), NOW + hour)
    await ledger.close(INCIDENT, "run-2", NOW + hour, ended={A})
    third = await ledger.take(INCIDENT, "run-3", wanted(A, active=SOON), NOW + 2 * hour)

    assert ({A}, set()) == (third.due, third.tried)


async def test_work_of_a_lost_run_is_freed_after_25_hours(ledger: Ledger) -> None:
    """A run that never ended holds its share for no more than 25 hours, longer than any run waits."""
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    before = await ledger.take(INCIDENT, "run-2", wanted(A), NOW + timedelta(hours=24))
    after = await ledger.take(INCIDENT, "run-3", wanted(A), NOW + timedelta(hours=25))

    assert (frozenset(), frozenset({A})) == (before.due, after.due)


@pytest.mark.fault("A11", before="TypeError: closing had no way to say that nothing was told")
async def test_who_could_not_tell_leaves_the_next_run_the_first(ledger: Ledger) -> None:
    """A run whose comment was refused is no reason for the next one to be brief; one that has told is."""
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    meanwhile = await ledger.take(INCIDENT, "run-2", wanted(B), NOW)
    await ledger.close(INCIDENT, "run-1", NOW, said=False)
    await ledger.close(INCIDENT, "run-2", NOW, said=False)
    after = await ledger.take(INCIDENT, "run-3", wanted(A), NOW + timedelta(hours=1))
    await ledger.close(INCIDENT, "run-3", SOON, ended={A}, told={"finding"})
    last = await ledger.take(INCIDENT, "run-4", wanted(B), NOW + timedelta(hours=1))

    assert [False, True, False] == [meanwhile.first, after.first, last.first]
    assert {"finding"} == last.told


@pytest.mark.fault("A15", before="TypeError: a person's run could not take anything")
async def test_a_persons_run_takes_everything(ledger: Ledger) -> None:
    """It gets all, also what is settled or being hunted, and others leave that alone meanwhile."""
    await ledger.take(INCIDENT, "run-1", wanted(A), NOW)
    mine = await ledger.take(INCIDENT, "run-2", wanted(A, B), NOW, everything=True)
    other = await ledger.take(INCIDENT, "run-3", wanted(A, B), SOON)

    assert (frozenset({A, B}), True) == (mine.due, mine.first)
    assert not other.due


@pytest.mark.fault("A10", before="TypeError: the limit was applied before the ledger")
async def test_one_run_takes_no_more_than_it_hunts(ledger: Ledger) -> None:
    """What is beyond is left, is said to be left, and is due to the next run at once."""
    first = await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW, within=lambda due: due - {B})
    again = await ledger.take(INCIDENT, "run-1", wanted(A, B), NOW, within=lambda due: due - {B})
    following = await ledger.take(INCIDENT, "run-2", wanted(A, B), SOON)

    assert ({A}, {B}) == (first.due, first.left) == (again.due, again.left)
    assert {B} == following.due


async def test_closing_a_run_twice_records_it_once(ledger: Ledger) -> None:
    """The log has one entry for that run, and none for a run that took nothing and has nothing to say."""
    for _ in range(2):
        await ledger.close(INCIDENT, "run-1", NOW, ended={A})
    await ledger.close(INCIDENT, "run-2", NOW)

    assert ["run-1"] == [entry.run_id for entry in await ledger.entries(INCIDENT)]


async def test_the_log_continues_after_its_oldest_entries_expire() -> None:
    """With its first entry deleted, the log still takes the next one at its end."""
    objects = MemoryStore()
    ledger = Ledger(Store(objects))
    for n in range(3):
        await ledger.close(INCIDENT, f"run-{n}", NOW, ended={str(n)})
    objects.delete(f"incidents/{INCIDENT}/000000")
    await ledger.close(INCIDENT, "run-3", SOON, ended={"3"})

    assert ["run-1", "run-2", "run-3"] == [entry.run_id for entry in await ledger.entries(INCIDENT)]
