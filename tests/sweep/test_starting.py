"""A timer's sweep whose message the queue refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import NotSent, SweepUnderWay
from shared.model.record import Done, Work
from shared.state.runs import run_id
from shared.sweep.starting import start_sweep, take_turn
from shared.watch import look
from shared.work import work_on
from tests.support.sweeping import SERVERS
from tests.support.tenant import Deployment, Fleet


class Refusing(list[Any]):
    """A queue that refuses its next *refusals* messages."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    def append(self, message: Any) -> None:
        """Keep *message*. Raises OSError while messages are refused."""
        if self.refusals:
            self.refusals -= 1
            raise OSError
        super().append(message)


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider in a tenant without incidents, whose clock stands still."""
    app = Deployment(fleet, planted_open=False)
    yield app
    await app.close()


async def fire(app: Deployment) -> list[float]:
    """Let the timer start its sweep, and return the seconds that it slept. Raises NotSent."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        """Record *seconds*, and return at once."""
        slept.append(seconds)

    await start_sweep(app.tools, sleep)
    return slept


async def end(app: Deployment, run: str) -> None:
    """Let a sweep end, so that the next one has its turn."""
    await app.tools.runs.finish((await app.read(run)).work, Done("completed", "", app.now()))


async def sweeps(app: Deployment) -> list[str]:
    """Return the kind, the source and the queue of each run that was sent."""
    works = [((await app.read(run)).work, queue) for queue, run, _ in app.messages]
    return [f"{work.kind} {work.source} {queue}" for work, queue in works]


async def test_a_timers_sweep_is_sent_once(app: Deployment) -> None:
    """A timer that fires twice for an instant starts one run, and the watch sends nothing more."""
    slept = await fire(app)
    first = app.messages[0][1]
    await fire(app)
    app.clock += timedelta(minutes=5)
    await look(app.tools)

    assert [] == slept
    assert {first} == {run for _, run, _ in app.messages}
    assert ["sweep timer sweeps"] * 2 == await sweeps(app)


@pytest.mark.fault("A29", before="NotSent, after one attempt")
async def test_a_timer_tries_five_times_to_send_its_sweep(app: Deployment) -> None:
    """The host fires no failed timer again, so the function waits and repeats, less than 10 minutes in all."""
    app.messages = Refusing(4)

    assert [5, 15, 60, 120] == await fire(app)
    assert ["sweep timer sweeps"] == await sweeps(app)


@pytest.mark.fault("A29", before="1 == 5: five refusals were left, and no look sent the run")
async def test_the_watch_sends_a_sweep_that_its_timer_could_not_send(app: Deployment) -> None:
    """Each look tries again, from a minute after the timer on; once it is sent, no other look sends it."""
    app.messages = Refusing(6)
    with pytest.raises(NotSent):
        await fire(app)
    await look(app.tools)
    early = app.messages.refusals
    for _ in range(4):
        app.clock += timedelta(minutes=1)
        await look(app.tools)

    assert 1 == early
    assert ["sweep timer sweeps"] == await sweeps(app)


async def test_a_queue_that_refuses_a_sweep_stops_no_look(app: Deployment) -> None:
    """The look goes on with its incidents."""
    app.messages = Refusing(99)
    with pytest.raises(NotSent):
        await fire(app)
    app.clock += timedelta(minutes=1)
    app.tenant.open("exfiltration")

    assert 1 == (await look(app.tools)).changed


async def named(fleet: Fleet, schedule: str, *moments: str) -> list[str]:
    """Return the runs, in the order of their first message, of a timer that fires at these *moments* of a day."""
    app = Deployment(fleet, planted_open=False, SWEEP_SCHEDULE=schedule)
    for moment in moments:
        app.clock = datetime.fromisoformat(f"2026-11-24T{moment}").replace(tzinfo=UTC)
        await fire(app)
        await end(app, app.messages[-1][1])
    await app.close()
    return list(dict.fromkeys(run for _, run, _ in app.messages))


@pytest.mark.fault(
    "H9", before="assert 2 == 3: fired at 08:59:59.997, a sweep took the name of the hour before"
)
async def test_a_sweep_is_that_of_its_scheduled_instant(fleet: Fleet) -> None:
    """
    An hourly timer that fires 3 ms early, again in time, and once more past due is one sweep; the next hour's is another.

    The Functions host fires timers up to 3 ms early, as was measured on version 4.1037.
    """
    runs = await named(fleet, "0 0 * * * *", "08:59:59.997", "09:00:00.003", "09:40:00", "10:00:00")

    assert 2 == len(runs)


async def test_a_schedule_within_the_hour_has_a_sweep_for_each_instant(fleet: Fleet) -> None:
    """Every 20 minutes is three sweeps an hour, of which each is started once."""
    runs = await named(fleet, "0 */20 * * * *", "09:00:00", "09:19:59.997", "09:25:00", "09:40:00")

    assert 3 == len(runs)


async def test_a_sweep_on_the_hour_keeps_the_name_it_had(fleet: Fleet) -> None:
    """Versions before named a sweep by its hour: going from one to the other starts no second sweep of the day."""
    runs = await named(fleet, "0 0 6 * * *", "06:00:00", "06:40:00")

    assert [run_id("sweep:2026-11-24T06")] == runs


async def by_hand(app: Deployment) -> str:
    """Start a sweep as `POST /api/sweep` does, and return its id."""
    work = Work(run_id(""), app.now(), "", hunts=(SERVERS,), queue="sweeps", kind="sweep", caller="somebody")
    await take_turn(app.tools, work)
    await app.tools.runs.start(work, chosen_key=False)
    return work.run_id


async def test_a_timers_sweep_waits_for_the_one_under_way(app: Deployment) -> None:
    """It is owed until that has ended, and then a look of the watch starts it, once."""
    first = await by_hand(app)
    slept = await fire(app)
    app.clock += timedelta(minutes=5)
    await look(app.tools)
    waits = [run for _, run, _ in app.messages]
    await end(app, first)
    await look(app.tools)
    await look(app.tools)
    runs = [run for _, run, _ in app.messages]

    assert [] == slept
    assert [first] == waits
    assert 2 == len(runs)
    assert "timer" == (await app.read(runs[1])).work.source


async def test_a_sweep_that_ends_starts_the_one_that_waits(app: Deployment) -> None:
    """Also where the watch is off."""
    first = await by_hand(app)
    await fire(app)
    await work_on(app.tools, first)
    kinds = await sweeps(app)

    assert (await app.done(first)).status == "completed"
    assert ["sweep api sweeps", "sweep timer sweeps"] == kinds


async def test_a_call_is_refused_while_the_timers_sweep_is_under_way(app: Deployment) -> None:
    """The error names it."""
    await fire(app)
    with pytest.raises(SweepUnderWay) as raised:
        await by_hand(app)

    assert app.messages[0][1] == raised.value.run_id
