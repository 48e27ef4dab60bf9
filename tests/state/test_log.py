"""The ledger's log: the last entry says all that stands before it, and is all that is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from obstore.store import MemoryStore

from shared.state.entry import Entry, Standing
from shared.state.ledger import Ledger
from shared.state.standing import Log, after, share
from tests.support.counting import CountingStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIDST = NOW + 15 * HOUR
INCIDENT = "defender-4101"
KEYS = tuple(f"hunt@1.0.{n} #{n % 3}" for n in range(6))

keys = st.sets(st.sampled_from(KEYS))
times = st.integers(0, 30).map(lambda hours: NOW + hours * HOUR)
runs = st.integers(0, 4).map(lambda n: f"run-{n}")
closes = st.tuples(runs, times, keys, keys, st.booleans())
takes = st.tuples(runs, times, keys, times)


def wanted(active: datetime | None = None) -> dict[str, datetime | None]:
    """Return all keys as a run wants them."""
    return dict.fromkeys(KEYS, active)


@pytest.fixture
def store() -> CountingStore:
    """An empty store that counts."""
    return CountingStore(MemoryStore())


async def fill(ledger: Ledger, some: int) -> None:
    """Let so many runs take what is due, and end."""
    for n in range(some):
        now = NOW + n * HOUR
        await ledger.take(INCIDENT, f"run-{n}", wanted(now), now)
        await ledger.close(
            INCIDENT, f"run-{n}", now, ended=KEYS[:2], looked={KEYS[2]: now}, told={f"told-{n}"}
        )


@pytest.mark.parametrize("before", [1, 20])
async def test_a_run_reads_a_listing_and_the_last_entry(store: CountingStore, before: int) -> None:
    """However long the log is; it ends without reading it again, since nobody else has written."""
    ledger = Ledger(store)
    await fill(ledger, before)
    store.asked.clear()
    taken = await ledger.take(INCIDENT, "mine", wanted(NOW + before * HOUR), NOW + before * HOUR)
    await ledger.close(INCIDENT, "mine", NOW, ended=KEYS, log=taken.log)

    assert ["read", "read", "write", "write"] == [kind for kind, _ in store.asked]
    assert {f"told-{n}" for n in range(before)} == taken.told


async def test_a_run_ends_behind_what_others_wrote_meanwhile(store: CountingStore) -> None:
    """It reads the log then, and what they wrote still stands."""
    ledger = Ledger(store)
    mine = await ledger.take(INCIDENT, "mine", dict.fromkeys(KEYS[:2], NOW), NOW)
    await ledger.take(INCIDENT, "other", wanted(NOW), NOW)
    await ledger.close(INCIDENT, "other", NOW, ended=KEYS[2:], told={"other"})
    await ledger.close(INCIDENT, "mine", NOW, ended=KEYS[:2], told={"mine"}, log=mine.log)
    await ledger.close(INCIDENT, "mine", NOW, ended=KEYS[:2], told={"twice"}, log=mine.log)
    last = await ledger.take(INCIDENT, "last", wanted(NOW), NOW)

    assert (frozenset(), {"mine", "other"}) == (last.due, last.told)
    assert 4 == len(await ledger.entries(INCIDENT))


@pytest.mark.parametrize("kept", [0, 3, 5])
async def test_entries_that_do_not_say_what_stands_before_them_are_all_read(
    store: CountingStore, kept: int
) -> None:
    """An earlier version wrote them: all, or those after the first ones. The next entry says what all of them do."""
    ledger = Ledger(store)
    await fill(ledger, 3)
    share_before = await ledger.take(INCIDENT, "look", wanted(NOW), NOW, within=lambda _: frozenset())
    for number, entry in enumerate(await ledger.entries(INCIDENT)):
        if number >= kept:
            old = msgspec.json.encode(replace(entry, before=None))
            await store.put(f"incidents/{INCIDENT}/{number:06d}", old)
    later = NOW + 3 * HOUR
    first = await ledger.take(INCIDENT, "run-9", wanted(later), later)
    again = await ledger.take(INCIDENT, "run-9", wanted(later), later)
    store.asked.clear()
    second = await ledger.take(INCIDENT, "run-10", wanted(later), later)

    assert share_before.told == first.told == second.told
    assert (first.due, first.tried, first.first) == (again.due, again.tried, again.first)
    assert not second.due
    assert 2 == len(store.asked)


@settings(max_examples=60)
@given(st.lists(st.one_of(takes, closes), max_size=12), times)
async def test_what_is_kept_decides_as_all_entries_do(some: list[tuple], now: datetime) -> None:
    """Nothing is due, or told, otherwise because the entries before the last are not read, and old ones are folded."""
    ledger = Ledger(store := CountingStore(MemoryStore()))
    logs: dict[str, Log | None] = {}
    at = NOW
    for each in some:
        run, at = each[0], max(at, each[1])
        if len(each) == 4:
            active = each[3]
            taken = await ledger.take(INCIDENT, run, dict.fromkeys(sorted(each[2]), active), at)
            logs[run] = taken.log
        else:
            looked = dict.fromkeys(each[3], at + HOUR)
            await ledger.close(
                INCIDENT, run, at, ended=each[2], looked=looked, said=each[4], log=logs.get(run)
            )
    entries = await ledger.entries(INCIDENT)
    whole = Standing()
    for number, entry in enumerate(entries):
        whole = after(whole, number, entry)
    now = max(at, now)
    decided = share(await ledger.standing(INCIDENT) or Standing(), wanted(MIDST), now)

    assert share(whole, wanted(MIDST), now) == decided
    assert earlier(entries, now) == (decided.due, decided.tried, decided.first)
    assert len(entries) == len(await store.keys(f"incidents/{INCIDENT}/"))


def earlier(entries: list[Entry], now: datetime) -> tuple[frozenset[str], frozenset[str], bool]:
    """Return what is due, was tried, and whether nobody told, counted from all entries, as their meaning says it."""
    taken = {entry.run_id: entry for entry in entries if not entry.closed}
    closed = {entry.run_id: entry for entry in entries if entry.closed}
    never = datetime.min.replace(tzinfo=UTC)
    looked: dict[str, datetime] = {}
    busy: dict[str, datetime] = {}
    tried: set[str] = set()
    said = False
    for entry in entries:
        activity = taken.get(entry.run_id, entry).activity
        if entry.closed:
            for key in (*entry.ended, *entry.looked):
                looked[key] = max(looked.get(key, never), activity.get(key.partition(" ")[2], never))
            tried -= {*entry.ended, *entry.looked}
            said = said or entry.said
            continue
        end = closed.get(entry.run_id)
        rest = {key for key in entry.taken if not end or key not in {*end.ended, *end.looked}}
        if now - (end or entry).at < (HOUR if end else 25 * HOUR):
            said = said or not end
            for key in rest:
                busy[key] = max(busy.get(key, never), activity.get(key.partition(" ")[2], never))
        tried |= rest
    due = {key for key in KEYS if key not in {**looked, **busy} or {**looked, **busy}[key] < MIDST}
    return frozenset(due), frozenset(due & tried), not said
