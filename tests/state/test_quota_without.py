"""The hunting quota where the store does not answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from tests.support.quota import Tenant, refused
from tests.support.simulated import passed, simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def fails() -> None:
    """Fail as a store does that cannot be reached."""
    raise OSError("no route to host")


async def hangs() -> None:
    """Answer after ten minutes."""
    await asyncio.sleep(600)


async def slow() -> None:
    """Answer late."""
    await asyncio.sleep(1.5)


@pytest.mark.parametrize("broken", [fails, hangs, slow])
def test_without_the_store_a_process_keeps_to_its_share(
    broken: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    """A sixth, of which what it sent before is a part; half a minute later it asks the store again. It is logged once."""
    tenant = Tenant(18)

    async def run() -> tuple[list[float], list[float], float, float]:
        """Take places before, while and after the store is broken."""
        quota, store = tenant.process()
        usual = store.delay
        await quota.reserve(30)
        store.delay = broken
        began = passed()
        shares = [await quota.reserve(30, name="a")]
        took = passed() - began
        waits = [await refused(quota.reserve(30, spare=6))]
        shares.append(await quota.reserve(30, name="b"))
        waits.append(await refused(quota.reserve(30, name="c")))
        store.delay = usual
        await asyncio.sleep(31)
        return shares, waits, took, await quota.reserve(30)

    results: list[tuple[list[float], list[float], float, float]] = []

    async def kept() -> None:
        """Keep what that gave."""
        results.append(await run())

    with caplog.at_level(logging.WARNING):
        simulate(kept())
    shares, waits, took, after = results[0]

    assert [0, 0] == shares
    assert took <= 2
    assert all(50 < wait <= 60 for wait in waits)
    assert 0 == after
    assert ["this process keeps to 3 of 18 calls a minute"] == [
        record.getMessage().partition("; ")[2] for record in caplog.records
    ]
