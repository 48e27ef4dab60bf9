"""The hunting quota in the store: whose turn it is, and what that costs."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import Throttled
from tests.support.quota import Tenant, refused, simulated


@simulated
async def test_a_call_costs_a_listing_and_a_write() -> None:
    """Also after many of them; where there are old places, a call in twenty deletes them."""
    quota, store = Tenant(10).process()
    for _ in range(200):
        assert 0 == await quota.reserve(30)
        await asyncio.sleep(10)

    assert 200 == store.calls.count("create")
    assert 200 <= store.calls.count("list") <= 210
    assert 0 < store.calls.count("delete_all") <= 10
    assert 0 == store.calls.count("put") + store.calls.count("delete")


@simulated
async def test_the_newest_place_stays_however_old() -> None:
    """What is long past is deleted, and numbers never begin again."""
    tenant = Tenant(50)
    quota = tenant.quota()
    for _ in range(30):
        await quota.reserve(30)
    await asyncio.sleep(1_000_000)
    await quota.reserve(30)

    assert [30, 31] == tenant.numbers()


@simulated
async def test_a_call_waits_for_its_place_to_begin() -> None:
    """It takes the number at once if that is within its patience, and no other process takes it."""
    tenant = Tenant(2)
    one, other = tenant.quota(), tenant.quota()
    first = [await one.reserve(30), await other.reserve(30)]
    await asyncio.sleep(40)
    waits = await asyncio.gather(one.reserve(30), other.reserve(30))
    later = await refused(tenant.quota().reserve(30))

    assert [0, 0] == first
    assert all(20 <= wait < 23 for wait in waits)
    assert [1, 2, 3, 4] == tenant.numbers()
    assert 80 <= later < 86


@simulated
async def test_a_refusal_says_what_is_used_up() -> None:
    """The run then says for what it waits."""
    quota = Tenant(1).quota()
    await quota.reserve(30)
    with pytest.raises(Throttled, match=r"waiting for its turn: HUNTS_PER_MINUTE \(1\) is used up") as caught:
        await quota.reserve(30)

    assert caught.value.retry_after
    assert 60 <= caught.value.retry_after < 63


@simulated
async def test_who_was_refused_keeps_its_place_in_every_process() -> None:
    """Who comes later is told to come after it, and does not get the place that is free by then."""
    tenant = Tenant(2)
    for _ in range(2):
        await tenant.quota().reserve(30)
    waits = []
    for name in "abc":
        waits.append(await refused(tenant.quota().reserve(30, name=name)))
        await asyncio.sleep(1)
    await asyncio.sleep(61)
    late = await refused(tenant.quota().reserve(30, name="d"))
    turns = [await tenant.quota().reserve(30, name=name) for name in "ba"]

    assert [True, True, False] == [wait < 64 for wait in waits]
    assert 118 <= waits[2] < 124
    assert 58 <= late < 64
    assert [0, 0] == turns
    # c and d alone still wait.
    assert 2 == sum(key.startswith("quota/waiting/") for key in tenant.account.objects)


@simulated
async def test_a_place_in_the_line_is_kept_for_two_minutes() -> None:
    """Who never comes back holds up nobody from then on."""
    tenant = Tenant(1)
    await tenant.quota().reserve(30)
    await refused(tenant.quota().reserve(30, name="gone"))
    await asyncio.sleep(60 + 115)
    await refused(tenant.quota().reserve(30))
    await asyncio.sleep(15)

    assert 0 == await tenant.quota().reserve(30)


@simulated
async def test_a_yielding_call_leaves_a_third_to_incidents() -> None:
    """It takes what is free at once alone, however patient its caller is."""
    tenant = Tenant(3)
    for _ in range(2):
        assert 0 == await tenant.quota().reserve(30, spare=1)
    await refused(tenant.quota().reserve(100, spare=1))

    assert 0 == await tenant.quota().reserve(30)


@simulated
async def test_a_yielding_call_never_goes_before_an_incident_that_waits() -> None:
    """Neither before one that was refused, nor before one whose place is to begin, in whatever process."""
    tenant = Tenant(3)
    for _ in range(3):
        await tenant.quota().reserve(30)
    await refused(tenant.quota().reserve(0, name="a"))
    await refused(tenant.quota().reserve(0, name="b"))
    await asyncio.sleep(65)
    behind = await refused(tenant.quota().reserve(30, spare=1))
    turns = [await tenant.quota().reserve(30, name=name) for name in ("a", "b", "c")]
    await asyncio.sleep(45)
    waits = await tenant.quota().reserve(30, name="e")
    await refused(tenant.quota().reserve(30, spare=1))

    assert behind > 50
    assert [0, 0, 0] == turns
    assert 0 < waits < 30


@simulated
async def test_who_dies_after_taking_a_place_costs_that_place_alone() -> None:
    """The others of the minute are sent, and so is the next minute."""
    tenant = Tenant(3)
    task = asyncio.create_task(tenant.quota().reserve(30))
    await task
    turns = [await tenant.quota().reserve(30) for _ in range(2)]
    await refused(tenant.quota().reserve(30))
    await asyncio.sleep(63)

    assert [0, 0] == turns
    assert [0, 0, 0] == [await tenant.quota().reserve(30) for _ in range(3)]


@simulated
async def test_a_new_process_asks_for_the_time_once() -> None:
    """Its own clock says nothing of the store's; once it knows, its waits are right."""
    tenant = Tenant(1, whole=True)
    await tenant.quota().reserve(30)
    await asyncio.sleep(40)
    new, store = tenant.process()
    wait = await new.reserve(30)
    await refused(new.reserve(0))

    assert 20 <= wait < 23.5
    assert 1 == store.calls.count("put")


@simulated
async def test_a_clock_that_is_set_back_holds_nobody_up_for_long() -> None:
    """A folder's clock is this machine's, which a person may set: places from the future count no more."""
    tenant = Tenant(2)
    old = tenant.quota()
    for _ in range(2):
        await old.reserve(30)
    tenant.account.ahead = -3_600.0
    new = await tenant.quota().reserve(30)
    wait = await refused(old.reserve(0))
    await asyncio.sleep(wait)

    assert 0 == new
    assert wait < 63
    assert all([await old.reserve(30) < 1, await tenant.quota().reserve(30) < 1])


@simulated
async def test_what_else_lies_in_the_folder_counts_for_nothing() -> None:
    """Such as what a file manager leaves there."""
    tenant = Tenant(1)
    for name in (
        "quota/.DS_Store",
        "quota/places/x",
        "quota/places/000000001.tmp",
        "quota/waiting/",
        "quota/clock",
    ):
        tenant.account.objects[name] = b"", tenant.account.now()

    assert 0 == await tenant.quota().reserve(0)
