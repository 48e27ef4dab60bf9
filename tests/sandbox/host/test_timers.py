"""The local Functions host: timers, settings that are not set, functions that are switched off."""

from __future__ import annotations

import asyncio
import time

from tests.support.sample import Instance, Loaded, started


async def test_timer(app: Instance, loaded: Loaded) -> None:
    """
    A timer fires on demand, and through the host's own admin call.
    """
    await app.host.fire("Tick", past_due=True)
    answer = await app.http.post("/admin/functions/Tick", json={})
    await app.host.stop()

    assert 202 == answer.status_code
    assert [{"tick": True}, {"tick": False}] == loaded[1].seen


async def test_run_on_startup(loaded: Loaded) -> None:
    """
    A timer that asks for it runs when the host starts.
    """
    async with started(loaded, {"TICK_SCHEDULE": "0 0 0 1 1 *"}) as app:
        app.host.start()
        await app.host.stop()

    assert [{"tick": False}] == loaded[1].seen


async def test_timer_is_due(loaded: Loaded) -> None:
    """
    A timer runs whenever its schedule says so.
    """
    async with started(loaded, {"TICK_SCHEDULE": "* * * * * *"}, clock=time.time) as app:
        app.host.start()
        await asyncio.sleep(1.1)
        await app.host.stop()

    assert 2 <= len(loaded[1].seen) <= 3


async def test_unset_schedule(loaded: Loaded) -> None:
    """
    A setting that a binding names and nobody set fails that function, loudly, and no other.
    """
    async with started(loaded, {}) as app:
        await app.send("work", "hello")

        assert {"Tick": "'%TICK_SCHEDULE%' does not resolve to a value."} == app.host.errors
        assert [("Work", 1, "succeeded")] == await app.drain()


async def test_disabled(loaded: Loaded) -> None:
    """
    A function that is switched off answers no call, takes no message and keeps no time.
    """
    off = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("Break", "Work", "Tick")}
    async with started(loaded, off) as app:
        await asyncio.to_thread(app.queues.create_queue, "work")
        await app.send("work", "hello")
        answer = await app.http.get("/api/break")

        assert (404, [], {}) == (answer.status_code, await app.drain(), app.host.errors)
        assert 1 == await app.count("work")
