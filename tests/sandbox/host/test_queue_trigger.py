"""The local Functions host: queue triggers, failures, poison queues and message locks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sandbox.host.queue_trigger import QueueSettings, QueueTrigger
from tests.support.sample import SETTINGS, Instance, Loaded, started


async def test_a_message_reaches_its_function_and_is_deleted(app: Instance, loaded: Loaded) -> None:
    """The function gets the decoded text and the metadata; when it succeeds, the message is deleted."""
    await app.send("work", "hello <&>")
    outcome = await app.drain()
    [seen] = loaded[1].seen
    start = datetime.fromtimestamp(app.now, UTC)

    assert [("Work", 1, "succeeded")] == outcome
    assert 0 == await app.count("work")
    assert ("hello <&>", 1) == (seen["text"], seen["count"])
    assert (start, start + timedelta(days=7)) == (seen["inserted"], seen["expires"])
    assert start + timedelta(minutes=10) == seen["next"]
    assert seen["id"]
    assert seen["receipt"]


async def test_a_failed_message_comes_back_after_its_timeout(app: Instance) -> None:
    """It is visible again after `visibilityTimeout`, and not before."""
    await app.send("work", "fail twice")
    first = await app.drain()
    app.now += 29
    early = await app.drain()
    app.now += 1
    second = await app.drain()
    app.now += 30

    assert [("Work", 1, "failed")] == first
    assert [] == early
    assert [("Work", 2, "failed")] == second
    assert [("Work", 3, "succeeded")] == await app.drain()


async def test_a_message_that_keeps_failing_is_poisoned(app: Instance) -> None:
    """After `maxDequeueCount` failures it is in the poison queue, whose function is called with it."""
    await app.send("work", "fail")
    outcomes = []
    for _ in range(3):
        outcomes += await app.drain()
        app.now += 30

    assert [("Work", 1, "failed"), ("Work", 2, "failed"), ("Work", 3, "poisoned")] == outcomes[:3]
    assert [("WorkPoison", 1, "failed")] == outcomes[3:]
    assert (0, 1) == (await app.count("work"), await app.count("work-poison"))


async def test_a_failing_poison_message_is_given_up(app: Instance) -> None:
    """It is tried every 10 minutes, `maxDequeueCount` times, and then never again."""
    await app.send("work-poison", "fail")
    outcomes = []
    for _ in range(5):
        outcomes += [outcome for _, _, outcome in await app.drain()]
        app.now += 600

    assert ["failed", "failed", "failed", "ignored", "ignored"] == outcomes


@pytest.mark.parametrize("how", ["die", "hang"])
async def test_a_message_whose_worker_died_stays_locked(app: Instance, how: str) -> None:
    """After 10 minutes it is delivered again; the same holds for a function that ran out of time."""
    await app.send("work", how)
    first = await app.drain()
    app.now += 599
    early = await app.drain()
    app.now += 1

    assert [("Work", 1, "died")] == first
    assert [] == early
    assert [("Work", 2, "died")] == await app.drain()


async def test_a_message_that_kills_every_worker_is_poisoned(app: Instance) -> None:
    """It is set aside on the delivery after the last one that is allowed."""
    await app.send("work", "die")
    outcomes = []
    for _ in range(4):
        outcomes += await app.drain()
        app.now += 600

    assert [("Work", 3, "died"), ("Work", 4, "poisoned"), ("WorkPoison", 1, "succeeded")] == outcomes[2:]


async def test_a_message_that_is_not_base64_is_poisoned(app: Instance) -> None:
    """Its function is not called."""
    await app.send_raw("work", "plain text")

    assert [("Work", 1, "poisoned")] == (await app.drain())[:1]


async def test_plain_text_is_accepted_without_an_encoding(loaded: Loaded) -> None:
    """If `messageEncoding` is none, the function gets the text as it is."""
    queues = QueueSettings(message_encoding="none")
    extensions = msgspec.structs.replace(SETTINGS.extensions, queues=queues)
    async with started(loaded, settings=msgspec.structs.replace(SETTINGS, extensions=extensions)) as app:
        await app.send_raw("work", "plain text")
        outcome = await app.drain()

    assert [("Work", 1, "succeeded")] == outcome
    assert "plain text" == loaded[1].seen[0]["text"]


async def test_a_missing_queue_is_empty_and_not_created(app: Instance) -> None:
    """Its trigger finds no message, and leaves the queues as they are."""
    await asyncio.to_thread(app.queues.delete_queue, "work")
    drained = await app.drain()
    names = await asyncio.to_thread(lambda: [queue.name for queue in app.queues.list_queues()])

    assert ([], ["work-poison"]) == (drained, names)


async def test_a_lock_is_renewed_while_the_function_runs(app: Instance, loaded: Loaded) -> None:
    """The message is not delivered twice, and is then deleted with the latest receipt."""
    [function] = [f for f in loaded[0] if f.name == "Work"]
    await app.send("work", "nap")
    with ThreadPoolExecutor() as threads:
        trigger = QueueTrigger(
            function, "work", app.queues, QueueSettings(), timeout=None, threads=threads, lock=1
        )
        [message] = await trigger.receive()
        delivery = asyncio.create_task(trigger.deliver(message))
        await asyncio.sleep(0.2)
        app.now += 0.9
        await asyncio.sleep(0.45)
        app.now += 0.5
        meanwhile = await trigger.receive()
        outcome = (await delivery).outcome

    assert ([], "succeeded", 0) == (meanwhile, outcome, await app.count("work"))


async def test_a_started_host_polls_by_itself(app: Instance, loaded: Loaded) -> None:
    """It works on the messages in the queue, and finishes them before it stops."""
    await app.send("work", "nap", "nap", "nap", "nap")
    app.host.start()
    while sum("text" in entry for entry in loaded[1].seen) < 4:
        await asyncio.sleep(0.01)
    await app.host.stop()

    assert 0 == await app.count("work")
