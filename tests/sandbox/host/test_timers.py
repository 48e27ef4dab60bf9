"""The local Functions host: timers, what they missed, settings that are not set, and disabled functions."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.host.timer_trigger import Forgetful
from sandbox.host.worker import Worker
from tests.support.sample import SCHEDULE, Instance, started

pytestmark = pytest.mark.asyncio(loop_scope="module")


def moment(app: Instance) -> datetime:
    """Return the time that the clock of the host shows."""
    return datetime.fromtimestamp(app.now, UTC)


async def test_a_timer_can_be_fired_on_demand(app: Instance) -> None:
    """The host's own admin endpoint fires it, too."""
    await app.host.fire("Tick", past_due=True)
    answer = await app.http.post("/admin/functions/Tick", json={})
    seen = await app.until_seen(2, "tick")

    assert 202 == answer.status_code
    assert [True, False] == [entry["tick"] for entry in seen]


async def test_a_startup_timer_runs_when_the_host_starts(worker: Worker) -> None:
    """It does not wait for its schedule, which is due once per year."""
    async with started(worker, {**SCHEDULE, "TICK_SCHEDULE": "0 0 0 1 1 *"}) as app:
        app.host.start()
        seen = await app.until_seen(1, "tick")

    assert [False] == [entry["tick"] for entry in seen]


async def test_a_timer_runs_when_its_schedule_is_due(worker: Worker) -> None:
    """One that is due every second runs again within about a second."""
    async with started(worker, {**SCHEDULE, "TICK_SCHEDULE": "* * * * * *"}, clock=time.time) as app:
        app.host.start()
        await asyncio.sleep(1.1)
        seen = await app.seen()

    assert 2 <= len(seen) <= 3


@pytest.mark.fault("H5", before="no timer fired")
async def test_what_was_due_while_the_host_was_down_fires_once(worker: Worker) -> None:
    """
    At the start it is past due, however often it was missed, and knows its last and next time.

    So ScheduleMonitor.CheckPastDueAsync and TimerListener (azure-webjobs-sdk-extensions); seen on 4.1037.0.
    """
    memory = Forgetful()
    async with started(worker, memory=memory) as app:
        first = moment(app)
        app.host.start()
        await app.until_seen(1, "tick")
    seen = []
    for hours in (3, 3.2):
        async with started(worker, memory=memory) as app:
            app.now += hours * 3600
            app.host.start()
            await app.until_seen(1, "tick")
            await asyncio.sleep(0.1)
            seen.append([entry for entry in await app.seen() if "hourly" in entry])

    [[late], again] = seen
    due = first.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert (True, due) == (late["hourly"], datetime.fromisoformat(late["status"]["Next"]))
    assert 1 == datetime.fromisoformat(late["status"]["Last"]).year
    assert [] == again


@pytest.mark.fault("H5", before="no status was stored")
async def test_a_timer_of_less_than_a_minute_is_never_past_due(worker: Worker) -> None:
    """The host stores nothing for it, and passes no times on (TimerTriggerAttribute.UseMonitor)."""
    memory = Forgetful()
    environ = {**SCHEDULE, "TICK_SCHEDULE": "*/30 * * * * *"}
    seen = []
    for hours in (0, 3):
        async with started(worker, environ, memory=memory) as app:
            app.now += hours * 3600
            app.host.start()
            seen += await app.until_seen(1, "tick")

    assert [False, False] == [entry["tick"] for entry in seen]
    assert [None, None] == [entry["status"] or None for entry in seen]


async def test_another_schedule_is_not_past_due(worker: Worker) -> None:
    """What the new schedule would have fired while the old one held is not owed (ScheduleMonitor)."""
    memory = Forgetful()
    async with started(worker, memory=memory) as app:
        app.host.start()
        await app.until_seen(1, "tick")
    async with started(worker, {**SCHEDULE, "HOURLY_SCHEDULE": "0 30 * * * *"}, memory=memory) as app:
        app.now += 7200
        app.host.start()
        await app.until_seen(1, "tick")
        await asyncio.sleep(0.1)
        seen = await app.seen()

    assert [] == [entry for entry in seen if "hourly" in entry]


@pytest.mark.fault("H5", before="it fired on the second or after it")
async def test_a_timer_may_fire_early(worker: Worker) -> None:
    """By up to 3 ms, and still once for each time that is due (seen on 4.1037.0: 18 of 61)."""
    environ = {"TICK_SCHEDULE": "0 0 0 1 1 *", "HOURLY_SCHEDULE": "0 * * * * *"}
    async with started(worker, environ, early=0.003) as app:
        app.now += 60 - app.now % 60 - 0.002
        app.host.start()
        await app.until_seen(1, "hourly")
        await asyncio.sleep(0.2)
        [seen] = [entry for entry in await app.seen() if "hourly" in entry]

    assert app.now + 0.002 == datetime.fromisoformat(seen["status"]["Next"]).timestamp()
    assert not seen["hourly"]


async def test_a_schedule_that_cannot_be_read_fails_only_its_own_function(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that the method could not be indexed (seen on 4.1037.0), and other functions keep working."""
    async with started(worker, {**SCHEDULE, "TICK_SCHEDULE": "0 61 * * * *"}) as app:
        await app.send("work", "hello")

        assert [("Work", 1, "succeeded")] == await app.drain()
        assert ["Tick"] == list(app.host.errors)
        assert app.host.errors["Tick"].startswith("'61' is no minute")
    assert "Error indexing method 'Functions.Tick'" in caplog.text


async def test_an_unset_setting_fails_only_its_own_function(worker: Worker) -> None:
    """The host says which setting is missing, and other functions keep working."""
    async with started(worker, {"HOURLY_SCHEDULE": "0 0 * * * *"}) as app:
        await app.send("work", "hello")

        assert {"Tick": "'%TICK_SCHEDULE%' does not resolve to a value."} == app.host.errors
        assert [("Work", 1, "succeeded")] == await app.drain()


@pytest.mark.fault("H5", before="500 == 404: `__` and other case left it on")
@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("AzureWebJobs.{}.Disabled", "true"),
        ("azurewebjobs.{}.disabled", "TRUE"),
        ("AzureWebJobs.{}.Disabled", "1"),
        ("AzureWebJobs__{}__Disabled", "True"),
    ],
)
async def test_a_disabled_function_does_nothing(worker: Worker, form: str, value: str) -> None:
    """
    It answers no call and takes no message, and a missing setting of it is no error.

    Names and values are read without regard to case, as .NET reads settings, and `__` is the dot that
    Linux does not allow ("How to disable functions", Microsoft Learn; IsSettingEnabled of azure-webjobs-sdk).
    """
    off = {form.format(name): value for name in ("Break", "Work", "Tick", "Hourly")}
    async with started(worker, off) as app:
        await asyncio.to_thread(app.queues.create_queue, "work")
        await app.send("work", "hello")
        answer = await app.http.get("/api/break")

        assert (404, [], {}) == (answer.status_code, await app.drain(), app.host.errors)
        assert 1 == await app.count("work")


@pytest.mark.parametrize("value", ["false", "0", "yes", ""])
async def test_a_function_is_disabled_by_true_and_1_alone(worker: Worker, value: str) -> None:
    """Any other value leaves it on (IsSettingEnabled of azure-webjobs-sdk)."""
    async with started(worker, {**SCHEDULE, "AzureWebJobs.Echo.Disabled": value}) as app:
        answer = await app.http.post("/api/echo/a")

    assert 202 == answer.status_code
