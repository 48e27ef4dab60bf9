"""The hunting quota in a storage account, whose clock tells whole seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.errors import Throttled
from shared.state.quota import StoredQuota

if TYPE_CHECKING:
    from tests.support.azurite import Azurite

pytestmark = pytest.mark.azurite


async def test_processes_share_the_places_of_a_minute(azurite: Azurite) -> None:
    """Three of them, which compete, take four at once; a fifth is told when to come, and keeps its place in the line."""
    processes = [StoredQuota(azurite.open(), 4) for _ in range(3)]
    waits = await asyncio.gather(*(processes[n % 3].reserve(30, 0, str(n)) for n in range(4)))
    with pytest.raises(Throttled) as refused:
        await processes[0].reserve(30, 0, "run")
    names = await azurite.open().keys("quota/")

    assert [0, 0, 0, 0] == waits
    assert refused.value.retry_after
    assert 55 < refused.value.retry_after < 65
    assert [f"quota/places/{n:09d}" for n in (1, 2, 3, 4)] == [n for n in names if "places" in n]
    assert 1 == sum("waiting" in name for name in names)


async def test_a_place_is_free_a_minute_later_and_old_ones_are_deleted(azurite: Azurite) -> None:
    """With a minute of two seconds."""
    quota = StoredQuota(azurite.open(), 1, minute=2)
    await quota.reserve(30)
    wait = await quota.reserve(30)
    await azurite.open().delete_all([f"quota/places/{n:09d}" for n in range(2)])

    assert 0 < wait < 6
    assert ["quota/places/000000002"] == await azurite.open().keys("quota/places/")
