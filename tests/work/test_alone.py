"""A run that came back works alone in its process, and pays for its own deaths only."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.work import come_back, work_on
from tests.support.endings import BENIGN, EXFILTRATION, SILENT, WINDOWS
from tests.support.process import Process, start

if TYPE_CHECKING:
    from tests.support.tenant import Deployment

STOPPED = "the run stopped its worker 3 times while it was alone in it; the app's log says where"


async def settle() -> None:
    """Let every delivery go on as far as it can."""
    await asyncio.sleep(0.2)


async def marks(app: Deployment, run: str) -> list[str]:
    """Return what is recorded of how a run came back, oldest first."""
    keys = await app.tools.store.keys(f"runs/{run}/returns/")
    return [key.rsplit("/", 1)[-1].partition(".")[2] for key in keys]


def sent(app: Deployment) -> set[tuple[str, int]]:
    """Return the runs that were sent to their queue, with the delay in seconds, and forget them."""
    messages = {(run, delay) for _, run, delay in app.messages}
    app.messages.clear()
    return messages


@pytest.mark.fault("H1", before="assert 1 == 3: all three runs had read their incident")
async def test_of_a_batch_with_runs_that_came_back_one_works(app: Deployment) -> None:
    """The others, fresh ones too, are sent again in 2 seconds; who came back records it, and so still counts."""
    process = Process(app)
    first, second, fresh = [await start(app, incident) for incident in (EXFILTRATION, WINDOWS, BENIGN)]
    process.deliver(first, again=True)
    await process.hunts()
    for run, again in ((second, True), (fresh, False)):
        process.deliver(run, again=again)
    await settle()

    assert 1 == app.calls("incident")
    assert {(second, 2), (fresh, 2)} == sent(app)
    assert [["alone"], ["back"], []] == [await marks(app, run) for run in (first, second, fresh)]
    await process.kill()


async def test_who_came_back_and_was_sent_again_still_counts_as_one(app: Deployment) -> None:
    """Its new message is delivered for the first time, and the run starts alone all the same."""
    process = Process(app)
    run = await start(app, WINDOWS)
    await app.tools.runs.came_back(run, "back", app.now())
    await process.delivered(run)

    assert ["alone", "back"] == sorted(await marks(app, run))
    assert (await app.done(run)).status == "completed"


async def test_who_is_to_be_alone_waits_for_those_at_work(app: Deployment) -> None:
    """They end first; it has not begun meanwhile, so that their death would not be its own."""
    process = Process(app)
    before, run = await start(app, BENIGN), await start(app, WINDOWS)
    process.deliver(before)
    await process.hunts()
    process.deliver(run, again=True)
    await settle()
    waiting = await marks(app, run)
    process.open.set()
    await asyncio.gather(*process.deliveries)

    assert [] == waiting
    assert ["alone"] == await marks(app, run)
    assert ["completed", "completed"] == [(await app.done(each)).status for each in (before, run)]


async def test_who_does_not_end_in_time_makes_room(app: Deployment) -> None:
    """After 20 seconds, here none, it goes back to its queue for 2 seconds, and is not counted as waiting."""
    process = Process(app, grace=0.0)
    slow, run = await start(app, BENIGN), await start(app, WINDOWS)
    process.deliver(slow)
    await process.hunts()
    process.deliver(run, again=True)
    await process.hunts()

    assert {(slow, 2)} == sent(app)
    assert "it makes room for another run, and goes on where it was" == (await waiting_for(app, slow))
    assert [] == await marks(app, slow)
    await process.kill()


async def waiting_for(app: Deployment, run: str) -> str:
    """Return what a run waits for."""
    wait = (await app.read(run)).wait
    assert wait
    return wait.reason


async def test_a_sweep_drops_its_query_at_once(app: Deployment) -> None:
    """An incident's run is alone without waiting for it."""
    process = Process(app)
    sweep, run = await start(app, kind="sweep"), await start(app, WINDOWS)
    process.deliver(sweep)
    await process.hunts()
    process.deliver(run, again=True)
    await process.hunts()

    assert {(sweep, 2)} == sent(app)
    assert ["alone"] == await marks(app, run)
    await process.kill()


async def test_a_sweep_that_came_back_gives_way_to_incidents(app: Deployment) -> None:
    """It starts alone only where nobody is at work, and ends that start when an incident's run comes."""
    process = Process(app)
    sweep, run = await start(app, kind="sweep"), await start(app, WINDOWS)
    process.deliver(sweep, again=True)
    await process.hunts()
    process.deliver(run)
    await settle()
    first = sent(app), await marks(app, sweep)
    process.deliver(run)
    await process.hunts()
    await process.deliver(sweep, again=True)

    assert ({(sweep, 2), (run, 2)}, ["alone", "ended"]) == first
    assert {(sweep, 30)} == sent(app)
    await process.kill()


@pytest.mark.fault("H1", before="the run stopped the worker 5 times and was given up: of an innocent one")
async def test_only_starts_alone_that_did_not_end_count(app: Deployment) -> None:
    """After three of them the next delivery gives the run up, says why, and comments."""
    run = await start(app, EXFILTRATION)
    for _ in range(3):
        process = Process(app)
        process.deliver(run, again=True)
        await process.hunts()
        await process.kill()
        for _ in range(2):
            await come_back(app.tools, run)
    early = await app.tools.runs.done(run)
    await work_on(app.tools, run)
    done = await app.done(run)
    (text,) = app.comments(EXFILTRATION)

    assert early is None
    assert "failed" == done.status
    assert {STOPPED} == {outcome.reason for outcome in done.outcomes}
    assert (
        f"\nNOT RUN: archive-then-upload, file-origin, linux-desktop-egress-baseline, linux-server-egress-baseline ({STOPPED})\n"
        in text
    )


async def test_a_run_that_cannot_even_be_given_up_ends_without_a_comment(app: Deployment) -> None:
    """If the fourth start, which comments, kills as well, the fifth does not comment."""
    run = await start(app, EXFILTRATION)
    for _ in range(4):
        await app.tools.runs.came_back(run, "alone", app.now())
    await work_on(app.tools, run)

    assert "failed" == (await app.done(run)).status
    assert [] == app.all_comments


async def test_a_start_alone_that_ends_in_a_wait_is_no_death(app: Deployment) -> None:
    """A tenant that throttles for hours fails no run, and who ended its start is one of many again."""
    app.tenant.faults.add(match="hunt", status=429, retry_after=600, times=1_000)
    run = await start(app, WINDOWS)
    for _ in range(4):
        await work_on(app.tools, run, again=True)
    returns = (await app.read(run)).returns

    assert await app.tools.runs.done(run) is None
    assert (0, False) == (returns.deaths, returns.suspect)


async def test_a_run_that_fails_is_given_up_with_the_name_of_its_error(app: Deployment) -> None:
    """An exception is no death of the worker, and is not called one."""
    run = await start(app, EXFILTRATION)
    broken = replace(app.tools, catalog=None)
    for again in (False, True, True, True):
        with pytest.raises(AttributeError):
            await work_on(broken, run, again=again)
    await work_on(app.tools, run, again=True)

    assert "failed" == (await app.done(run)).status
    assert "the run failed 3 times (AttributeError); the app's log says where" == (await app.done(run)).reason


async def test_a_message_from_a_poison_queue_is_sent_on(app: Deployment) -> None:
    """Its run may have died with others: it starts alone next. One that is done is left alone."""
    run, done = await start(app, SILENT), await start(app, BENIGN)
    await work_on(app.tools, done)
    app.messages.clear()
    for each in (run, done):
        await come_back(app.tools, each)

    assert {(run, 2)} == sent(app)
    assert (await app.read(run)).returns.suspect
    assert not (await app.read(done)).returns.last


async def test_the_same_run_is_worked_on_once_in_a_process(app: Deployment) -> None:
    """A second message of it comes again later, and nothing of it is lost if the first one dies."""
    process = Process(app)
    run = await start(app, WINDOWS)
    process.deliver(run)
    await process.hunts()
    await process.deliver(run)

    assert {(run, 2)} == sent(app)
    assert 1 == app.calls("incident")
    await process.kill()


async def test_who_is_refused_for_long_says_so(app: Deployment) -> None:
    """Else it would count as cut off while it waits for its turn to be alone."""
    process = Process(app)
    first, second = await start(app, EXFILTRATION), await start(app, WINDOWS)
    process.deliver(first, again=True)
    await process.hunts()
    for ahead in (0, 10, 25, 35, 50):
        app.ahead = timedelta(seconds=ahead)
        await process.deliver(second, again=True)

    assert ["back", "back", "back"] == await marks(app, second)
    await process.kill()


async def test_the_comment_is_single_when_a_run_dies_alone_while_posting(app: Deployment) -> None:
    """Graph took it, and the answer was lost: the next start finds it on the incident."""
    app.tenant.faults.add(match="comment", status=503)
    run = await start(app, EXFILTRATION)
    await work_on(app.tools, run, again=True)
    app.ahead = timedelta(minutes=2)
    await work_on(app.tools, run)

    assert 1 == len(app.all_comments)
