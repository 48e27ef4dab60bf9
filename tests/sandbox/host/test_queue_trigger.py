"""The local Functions host: queue triggers, failures, poison queues and message locks."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sandbox.host.host_file import QueueSettings
from sandbox.host.queue_trigger import QueueTrigger
from sandbox.host.worker import Worker
from tests.support.sample import SETTINGS, Instance, started

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_reaches_its_function_and_is_deleted(app: Instance) -> None:
    """The function gets the decoded text and the metadata; when it succeeds, the message is deleted."""
    await app.send("work", "hello <&>")
    outcome = await app.drain()
    [seen] = await app.seen()
    start = datetime.fromtimestamp(app.now, UTC)

    assert [("Work", 1, "succeeded")] == outcome
    assert 0 == await app.count("work")
    assert ("hello <&>", 1) == (seen["text"], seen["count"])
    assert (str(start), str(start + timedelta(days=7))) == (seen["inserted"], seen["expires"])
    assert str(start + timedelta(minutes=10)) == seen["next"]
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


DEATHS = ("exit", "kill", "raise SystemExit", "hang", "raise CancelledError")


@pytest.mark.fault("H5", before="nothing was delivered after 30 s: [] == []")
@pytest.mark.parametrize("how", DEATHS)
async def test_a_message_whose_worker_died_comes_back_after_its_timeout(app: Instance, how: str) -> None:
    """
    A death is a failure: the message is released for `visibilityTimeout`, counted from the death.

    So is `functionTimeout`, after which the host kills the worker (seen on 4.1037.0; azure-sdk-for-net,
    QueueProcessor.CompleteProcessingMessageAsync).
    """
    await app.send("work", how)
    first = await app.drain()
    app.now += 29
    early = await app.drain()
    app.now += 1

    assert [("Work", 1, "died")] == first
    assert [] == early
    assert [("Work", 2, "died")] == await app.drain()


@pytest.mark.fault("H5", before="(Work, 3, died), and only the fourth delivery was poisoned")
async def test_a_message_that_kills_every_worker_is_poisoned_at_once(app: Instance) -> None:
    """The `maxDequeueCount`-th death sets it aside, without another delivery (QueueProcessor)."""
    await app.send("work", "exit")
    outcomes = []
    for _ in range(3):
        outcomes += await app.drain()
        app.now += 31 * 60  # so that the host does not recycle itself

    expected = [
        ("Work", 1, "died"),
        ("Work", 2, "died"),
        ("Work", 3, "poisoned"),
        ("WorkPoison", 1, "succeeded"),
    ]
    assert expected == outcomes


async def test_a_poison_message_whose_worker_died_stays_locked(app: Instance) -> None:
    """A queue without a poison queue of its own is not released to (QueueProcessor)."""
    await app.send("work-poison", "exit there")
    first = await app.drain()
    app.now += 599
    early = await app.drain()
    app.now += 1

    assert ([("WorkPoison", 1, "died")], []) == (first, early)
    assert [("WorkPoison", 2, "died")] == await app.drain()


async def test_a_message_that_is_not_base64_stays_poison(app: Instance) -> None:
    """Its function is not called, and neither is the poison queue's: it stays there (seen on 4.1037.0)."""
    await app.send_raw("work", "plain text")
    outcome = await app.drain()
    app.now += 600

    assert [("Work", 1, "poisoned"), ("WorkPoison", 1, "ignored")] == outcome
    assert [("WorkPoison", 2, "ignored")] == await app.drain()
    assert (0, 1) == (await app.count("work"), await app.count("work-poison"))


@pytest.mark.fault("H5", before="(Work, 1, succeeded)")
async def test_a_message_that_is_not_utf_8_fails_in_the_host(app: Instance) -> None:
    """It is tried as one whose function fails, without a call, and again in the poison queue (4.1037.0)."""
    await app.send_raw("work", b64encode(b"\xff\xfe").decode())
    outcomes = []
    for _ in range(3):
        outcomes += await app.drain()
        app.now += 30
    seen = await app.seen()

    assert [("Work", 1, "failed"), ("Work", 2, "failed"), ("Work", 3, "poisoned")] == outcomes[:3]
    assert [("WorkPoison", 1, "failed")] == outcomes[3:]
    assert [] == seen


async def test_plain_text_is_accepted_without_an_encoding(worker: Worker) -> None:
    """If `messageEncoding` is none, the function gets the text as it is."""
    queues = QueueSettings(message_encoding="none")
    extensions = msgspec.structs.replace(SETTINGS.extensions, queues=queues)
    async with started(worker, settings=msgspec.structs.replace(SETTINGS, extensions=extensions)) as app:
        await app.send_raw("work", "plain text")
        outcome = await app.drain()
        [seen] = await app.seen()

    assert [("Work", 1, "succeeded")] == outcome
    assert "plain text" == seen["text"]


async def test_a_missing_queue_is_empty_and_not_created(app: Instance) -> None:
    """Its trigger finds no message, and leaves the queues as they are."""
    await asyncio.to_thread(app.queues.delete_queue, "work")
    drained = await app.drain()
    names = await asyncio.to_thread(lambda: [queue.name for queue in app.queues.list_queues()])

    assert ([], ["work-poison"]) == (drained, names)


async def test_a_lock_is_renewed_while_the_function_runs(app: Instance, worker: Worker) -> None:
    """The message is not delivered twice, and is then deleted with the latest receipt."""
    [function] = [f for f in worker.functions if f.name == "Work"]
    await app.send("work", "nap")
    with ThreadPoolExecutor() as threads:
        trigger = QueueTrigger(
            function, "work", app.queues, QueueSettings(), worker, timeout=None, threads=threads, lock=1
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


async def test_a_started_host_polls_by_itself(app: Instance) -> None:
    """It works on the messages in the queue, and finishes them before it stops."""
    await app.send("work", "nap", "nap", "nap", "nap")
    app.host.start()
    await app.until_seen(4)
    await app.host.stop()

    assert 0 == await app.count("work")
