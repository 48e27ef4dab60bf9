"""The local Functions host: queue triggers, failures, poison queues, locks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sandbox.host.queue_trigger import QueueSettings, QueueTrigger
from tests.support.sample import SETTINGS, Instance, Loaded, started


async def test_message(app: Instance, loaded: Loaded) -> None:
    """
    A message reaches the function decoded, with its metadata, and is deleted when that succeeds.
    """
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


async def test_failed_comes_back(app: Instance) -> None:
    """
    A failed message is visible again after `visibilityTimeout`, not before.
    """
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


async def test_poison(app: Instance) -> None:
    """
    After `maxDequeueCount` failures a message goes to the poison queue, whose function is called with it.
    """
    await app.send("work", "fail")
    outcomes = []
    for _ in range(3):
        outcomes += await app.drain()
        app.now += 30

    assert [("Work", 1, "failed"), ("Work", 2, "failed"), ("Work", 3, "poisoned")] == outcomes[:3]
    assert [("WorkPoison", 1, "failed")] == outcomes[3:]
    assert (0, 1) == (await app.count("work"), await app.count("work-poison"))


async def test_poison_of_poison(app: Instance) -> None:
    """
    What fails in a poison queue is tried every 10 minutes, `maxDequeueCount` times, then never again.
    """
    await app.send("work-poison", "fail")
    outcomes = []
    for _ in range(5):
        outcomes += [outcome for _, _, outcome in await app.drain()]
        app.now += 600

    assert ["failed", "failed", "failed", "ignored", "ignored"] == outcomes


@pytest.mark.parametrize("how", ["die", "hang"])
async def test_worker_died(app: Instance, how: str) -> None:
    """
    A message whose worker died, or ran out of time, stays locked for 10 minutes.
    """
    await app.send("work", how)
    first = await app.drain()
    app.now += 599
    early = await app.drain()
    app.now += 1

    assert [("Work", 1, "died")] == first
    assert [] == early
    assert [("Work", 2, "died")] == await app.drain()


async def test_kills_every_worker(app: Instance) -> None:
    """
    A message that kills its worker each time is set aside on the delivery after the last.
    """
    await app.send("work", "die")
    outcomes = []
    for _ in range(4):
        outcomes += await app.drain()
        app.now += 600

    assert [("Work", 3, "died"), ("Work", 4, "poisoned"), ("WorkPoison", 1, "succeeded")] == outcomes[2:]


async def test_not_base64(app: Instance) -> None:
    """
    A message that is not base64 goes to the poison queue without the function seeing it.
    """
    await app.send_raw("work", "plain text")

    assert [("Work", 1, "poisoned")] == (await app.drain())[:1]


async def test_plain_text(loaded: Loaded) -> None:
    """
    With `messageEncoding` none the text is taken as it is.
    """
    queues = QueueSettings(message_encoding="none")
    extensions = msgspec.structs.replace(SETTINGS.extensions, queues=queues)
    async with started(loaded, settings=msgspec.structs.replace(SETTINGS, extensions=extensions)) as app:
        await app.send_raw("work", "plain text")
        outcome = await app.drain()

    assert [("Work", 1, "succeeded")] == outcome
    assert "plain text" == loaded[1].seen[0]["text"]


async def test_missing_queue(app: Instance) -> None:
    """
    The trigger finds nothing in a queue that is not there, and does not create it.
    """
    await asyncio.to_thread(app.queues.delete_queue, "work")
    drained = await app.drain()
    names = await asyncio.to_thread(lambda: [queue.name for queue in app.queues.list_queues()])

    assert ([], ["work-poison"]) == (drained, names)


async def test_lock_is_renewed(app: Instance, loaded: Loaded) -> None:
    """
    A message stays locked for as long as its function runs, and is then deleted with the latest receipt.
    """
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


async def test_in_background(app: Instance, loaded: Loaded) -> None:
    """
    Once started, the host polls by itself, works on several messages at once, and ends them before it stops.
    """
    await app.send("work", "nap", "nap", "nap", "nap")
    app.host.start()
    while sum("text" in entry for entry in loaded[1].seen) < 4:
        await asyncio.sleep(0.01)
    await app.host.stop()

    assert 0 == await app.count("work")
