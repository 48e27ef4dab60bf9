"""The ledger keeps no entity in the clear, and what an earlier version wrote there goes on counting."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from obstore.store import MemoryStore

from shared.catalog.select import finding_keys, ledger_keys
from shared.model.entity import Chosen, Device, Indicator
from shared.model.finding import Found, Part
from shared.state.earlier import upgrade_finding
from shared.state.entry import Entry
from shared.state.ledger import Ledger
from shared.state.objects import Store
from tests.support.said import HUNTS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "bob:hunter2@evil.example/a?token=x"
CHOSEN = Chosen((Device(name="SRV-7"),), (Indicator("url", URL),))
HUNT, DEVICES = HUNTS.by_name["file-origin"], HUNTS.by_name["archive-then-upload"]
VERSION = f"{HUNT.id}@{HUNT.version}"
ROWS = "0123456789abcdef" * 4
FOUND = Found(
    HUNT.name,
    per_entity={URL: Part(1, ROWS), "": Part(1, ROWS), "d41d8cd98f00b204e9800998ecf8427e": Part(2, ROWS)},
)


@pytest.mark.fault("B8", before="the URL stood in the key, with its password, for 400 days")
def test_a_key_holds_no_entity_in_the_clear() -> None:
    """A hunt, its version, and 32 digits of the SHA-256 of what it is about; another entity has another key."""
    keys = (*ledger_keys(HUNT, CHOSEN), *ledger_keys(DEVICES, CHOSEN), *finding_keys(HUNT, FOUND))

    assert f"{VERSION} #{hashlib.sha256(f'url:{URL}'.encode()).hexdigest()[:32]}" == keys[0]
    assert 5 == len(set(keys))
    assert [] == [key for key in keys if "evil" in key or "srv" in key.lower() or "hunter2" in key]


@pytest.mark.fault("B8", before="with hashed keys alone, all of it was hunted and commented once more")
async def test_an_earlier_ledger_goes_on_counting() -> None:
    """What it has as settled, looked at, taken and told is so still, by the activity that it knows."""
    store = Store(MemoryStore())
    url, device = f"{VERSION} url:{URL}", f"{DEVICES.id}@{DEVICES.version} device:srv-7"
    activity = {f"url:{URL}": NOW, "device:srv-7": NOW}
    told = (f"{VERSION} {URL} {ROWS[:16]}", f"{VERSION}  {ROWS[:16]}",
            f"{VERSION} d41d8cd98f00b204e9800998ecf8427e {ROWS[:16]}")  # fmt: skip
    entries = (
        Entry("run-1", NOW, taken=(url, device), activity=activity),
        Entry(
            "run-1",
            NOW,
            ended=(url,),
            looked={device: NOW + timedelta(days=1)},
            told=told,
            said=True,
            closed=True,
        ),
    )
    for number, entry in enumerate(entries):
        await store.create(f"incidents/defender-1/{number:06d}", msgspec.json.encode(entry))
    keys = (*ledger_keys(HUNT, CHOSEN), *ledger_keys(DEVICES, CHOSEN))
    later = NOW + timedelta(hours=2)

    quiet = await Ledger(store).take("defender-1", "run-2", dict.fromkeys(keys, NOW), later)
    active = await Ledger(store).take("defender-1", "run-3", dict.fromkeys(keys, later), later)

    assert (frozenset(), False) == (quiet.due, quiet.first)
    assert finding_keys(HUNT, FOUND) == quiet.told
    assert frozenset(keys) == active.due


async def test_what_is_written_today_is_read_as_it_is() -> None:
    """A ledger that was read and goes on is not hashed once more."""
    ledger = Ledger(Store(MemoryStore()))
    keys = ledger_keys(HUNT, CHOSEN)
    await ledger.take("defender-1", "run-1", dict.fromkeys(keys, NOW), NOW)
    await ledger.close("defender-1", "run-1", NOW, ended=keys, told=finding_keys(HUNT, FOUND))
    share = await ledger.take("defender-1", "run-2", dict.fromkeys(keys, NOW), NOW)

    assert not share.due
    assert finding_keys(HUNT, FOUND) == share.told == frozenset(map(upgrade_finding, share.told))


def test_context_was_told_without_its_rows() -> None:
    """Such a key has nothing behind its entity, today as before."""
    context = HUNTS.by_name["linux-server-egress-baseline"]
    version = f"{context.id}@{context.version}"
    found = Found(context.name, per_entity={"srv-7": Part(1, ROWS)})

    assert "context" == context.role
    assert finding_keys(context, found) == {upgrade_finding(f"{version} srv-7")}
