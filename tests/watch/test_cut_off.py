"""What a stop, a deployment or a lost instance cuts off goes on within two minutes, with one comment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.errors import Throttled
from shared.model.record import Work
from shared.resuming import cut_off_at, send_if_cut_off
from shared.state.runs import run_id
from shared.watch import look
from shared.work import Pulse, work_on
from tests.support.process import Process, start

if TYPE_CHECKING:
    from tests.support.tenant import Deployment

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


async def watched(app: Deployment) -> str:
    """Open an incident, let the watch start its run, and return the run's id."""
    assert app.tenant.open("exfiltration")
    await look(app.tools)
    return app.messages.pop()[1]


async def cut_off(app: Deployment, run: str) -> None:
    """Begin a run in a process that is lost while its queries are under way; its message stays locked."""
    process = Process(app)
    process.deliver(run)
    await process.hunts()
    await process.kill()


async def seconds_until_sent(app: Deployment, run: str, most: int = 15) -> float:
    """Let the watch look every minute until *run* is sent; return how many seconds that took."""
    app.messages.clear()
    before = app.ahead
    for _ in range(most):
        app.ahead += MINUTE
        await look(app.tools)
        if run in [each[1] for each in app.messages]:
            return (app.ahead - before).total_seconds()
    raise AssertionError(f"it was not sent within {most} minutes")


@pytest.mark.fault("H2", before="AssertionError: it was not sent within 15 minutes")
async def test_the_watch_sends_a_run_again_that_was_cut_off(app: Deployment) -> None:
    """It goes on within two minutes, alone, with what it has, and there is one comment."""
    run = await watched(app)
    await cut_off(app, run)
    seconds = await seconds_until_sent(app, run)
    await work_on(app.tools, run)

    assert seconds < 120
    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.all_comments)
    assert "alone" in {key.rpartition(".")[2] for key in await app.tools.store.keys(f"runs/{run}/returns/")}


@pytest.mark.fault("H2", before="AssertionError: it was not sent within 15 minutes")
@pytest.mark.parametrize("taken", [False, True], ids=["before-the-post", "after-the-post"])
async def test_a_run_that_was_cut_off_between_claim_and_comment_goes_on(
    app: Deployment, *, taken: bool
) -> None:
    """Whether Graph took the comment or not, it stands there once, within two minutes of the loss."""
    run = await watched(app)
    process = Process(app)
    process.open.set()
    lost = asyncio.Event()

    async def lose() -> None:
        """Let the process be lost here."""
        lost.set()
        await asyncio.Event().wait()

    process.before_comment, process.after_comment = (None, lose) if taken else (lose, None)
    process.deliver(run)
    async with asyncio.timeout(10):
        await lost.wait()
    await process.kill()
    seconds = await seconds_until_sent(app, run)
    await work_on(app.tools, run)

    assert seconds < 120
    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.all_comments)


async def test_who_asks_for_a_run_has_it_sent_again(app: Deployment) -> None:
    """Without the watch, the first request 45 seconds after its last sign of life does that, and only one."""
    # Who has sent it is known by spans of 45 seconds: what follows must not lie in two of them.
    app.clock -= timedelta(seconds=app.clock.timestamp() % 45)
    assert app.tenant.open("exfiltration")
    run = await app.ask(incidentId="4101")
    app.messages.clear()
    await cut_off(app, run)
    sent = []
    for ahead in (44, 45, 46):
        app.ahead = ahead * SECOND
        await send_if_cut_off(app.tools, await app.read(run))
        sent.append(len(app.messages))

    assert [0, 1, 1] == sent


async def test_what_http_started_is_found_by_the_watch_until_it_ends(app: Deployment) -> None:
    """It is listed in the store when it starts, and taken out when it is done."""
    assert app.tenant.open("exfiltration")
    run = await app.ask(incidentId="4101")
    before = sorted(await app.tools.runs.listed())
    await cut_off(app, run)
    await look(app.tools)
    seconds = await seconds_until_sent(app, run)
    await work_on(app.tools, run)

    assert [run] == before
    assert seconds < 120
    assert [] == sorted(await app.tools.runs.listed())


async def test_a_late_look_that_was_cut_off_is_found_too(app: Deployment) -> None:
    """It is listed once it is worked on, so that ordinary runs of the watch write nothing more."""
    assert app.tenant.open("exfiltration")
    run = await start(app, "4101", late=True)
    before = sorted(await app.tools.runs.listed())
    await cut_off(app, run)
    during = sorted(await app.tools.runs.listed())
    await look(app.tools)
    await seconds_until_sent(app, run)
    await work_on(app.tools, run)

    assert ([], [run], []) == (before, during, sorted(await app.tools.runs.listed()))


async def test_a_run_that_merely_queues_is_sent_again_after_ten_minutes_alone(app: Deployment) -> None:
    """Before that, a second message would only lengthen the queue."""
    run = await watched(app)

    assert 600 <= await seconds_until_sent(app, run) <= 660
    assert 600 <= await seconds_until_sent(app, run) <= 660


async def test_a_run_that_queued_when_it_was_looked_after_is_looked_after_again(app: Deployment) -> None:
    """What cuts it off once it has begun is noticed as soon as with any other."""
    run = await watched(app)
    app.ahead = MINUTE
    await look(app.tools)
    await cut_off(app, run)

    assert await seconds_until_sent(app, run) < 120


async def test_a_run_that_waits_is_left_alone_until_its_time(app: Deployment) -> None:
    """A queue has its message."""
    app.tenant.faults.add(match="hunt", status=429, retry_after=300, times=1_000)
    run = await watched(app)
    await work_on(app.tools, run)
    wait = (await app.read(run)).wait

    assert wait
    assert (wait.until - app.now()).total_seconds() + 45 <= await seconds_until_sent(app, run)


async def test_a_run_at_work_says_that_it_lives(app: Deployment) -> None:
    """So nobody takes it for cut off, however long Graph takes; an ordinary run writes nothing for that."""
    run = await watched(app)
    process = Process(app)
    process.deliver(run, pulse=Pulse(first=0.05, every=0.02))
    await process.hunts()
    app.ahead = 100 * SECOND
    await asyncio.sleep(0.3)
    lives = await app.read(run)
    process.open.set()
    await asyncio.gather(*process.deliveries)

    assert app.now() + 45 * SECOND == cut_off_at(lives)
    assert run not in [each[1] for each in app.messages]
    assert (await app.done(run)).status == "completed"


async def test_an_ordinary_run_says_nothing_of_itself(app: Deployment) -> None:
    """It writes no more than it did before runs said that they live."""
    run = await watched(app)
    await work_on(app.tools, run)
    read = await app.read(run)

    assert (None, None) == (read.alive, read.returns.last)


async def test_the_watch_looks_after_runs_although_graph_lists_nothing(app: Deployment) -> None:
    """A run whose incident was read needs no list."""
    run = await watched(app)
    await cut_off(app, run)
    app.tenant.faults.add(match="incident", status=429, retry_after=600, times=1_000)
    app.ahead = 2 * MINUTE
    with pytest.raises(Throttled):
        await look(app.tools)

    assert run in [each[1] for each in app.messages]


async def test_a_record_that_cannot_be_read_keeps_no_other_run_from_going_on(app: Deployment) -> None:
    """It is looked at again later, and the log says which it is."""
    run = await watched(app)
    await cut_off(app, run)
    odd = run_id("")
    await app.tools.store.put(f"runs/{odd}/request", b"{")
    await app.tools.runs.open(odd)

    assert await seconds_until_sent(app, run) < 120
    assert [odd] == sorted(await app.tools.runs.listed())


async def test_a_run_that_cannot_be_sent_now_is_sent_by_a_later_look(app: Deployment) -> None:
    """The queue refuses once; the look goes on to list incidents all the same."""
    run = await watched(app)
    await cut_off(app, run)
    messages, app.messages = app.messages, None
    app.ahead = MINUTE
    await look(app.tools)
    app.messages = messages

    assert await seconds_until_sent(app, run) < 120


async def test_a_sweep_that_was_cut_off_goes_on(app: Deployment) -> None:
    """Whoever started it, a timer or a person, the watch finds it."""
    work = Work(run_id(""), app.now(), "", queue="sweeps", kind="sweep", source="timer")
    await app.tools.runs.start(work, chosen_key=False)
    app.messages.clear()
    await cut_off(app, work.run_id)
    await look(app.tools)

    assert await seconds_until_sent(app, work.run_id) < 120
