"""The local Functions host: timers, settings that are not set, and disabled functions."""

from __future__ import annotations

import asyncio
import time

from tests.support.sample import Instance, Loaded, started


async def test_a_timer_can_be_fired_on_demand(app: Instance, loaded: Loaded) -> None:
    """The host's own admin endpoint fires it, too."""
    await app.host.fire("Tick", past_due=True)
    answer = await app.http.post("/admin/functions/Tick", json={})
    await app.host.stop()

    assert 202 == answer.status_code
    assert [{"tick": True}, {"tick": False}] == loaded[1].seen


async def test_a_startup_timer_runs_when_the_host_starts(loaded: Loaded) -> None:
    """It does not wait for its schedule, which is due once per year."""
    async with started(loaded, {"TICK_SCHEDULE": "0 0 0 1 1 *"}) as app:
        app.host.start()
        await app.host.stop()

    assert [{"tick": False}] == loaded[1].seen


async def test_a_timer_runs_when_its_schedule_is_due(loaded: Loaded) -> None:
    """One that is due every second runs again within about a second."""
    async with started(loaded, {"TICK_SCHEDULE": "* * * * * *"}, clock=time.time) as app:
        app.host.start()
        await asyncio.sleep(1.1)
        await app.host.stop()

    assert 2 <= len(loaded[1].seen) <= 3


async def test_an_unset_setting_fails_only_its_own_function(loaded: Loaded) -> None:
    """The host says which setting is missing, and other functions keep working."""
    async with started(loaded, {}) as app:
        await app.send("work", "hello")

        assert {"Tick": "'%TICK_SCHEDULE%' does not resolve to a value."} == app.host.errors
        assert [("Work", 1, "succeeded")] == await app.drain()


async def test_a_disabled_function_does_nothing(loaded: Loaded) -> None:
    """It answers no call and takes no message, and a missing setting of it is no error."""
    off = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("Break", "Work", "Tick")}
    async with started(loaded, off) as app:
        await asyncio.to_thread(app.queues.create_queue, "work")
        await app.send("work", "hello")
        answer = await app.http.get("/api/break")

        assert (404, [], {}) == (answer.status_code, await app.drain(), app.host.errors)
        assert 1 == await app.count("work")
