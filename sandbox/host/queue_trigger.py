"""
The queue trigger's listener, with the Functions host's own rules.

They are those of QueueListener and QueueProcessor in the host's storage extension (Azure/azure-sdk-for-net,
Microsoft.Azure.WebJobs.Extensions.Storage.Queues). Four of them may surprise: the listener does not create
its queue; a message whose instance died stays locked for the rest of 10 minutes; a message that is not base64
goes to the poison queue unseen; and a poison queue has no poison queue, so what fails there is tried every 10
minutes, `maxDequeueCount` times, and then never again.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
from base64 import b64decode
from functools import partial
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

import msgspec
from azure.core.exceptions import AzureError, ResourceNotFoundError

from .schedules import timespan
from .worker import Datum, Function, FunctionFailed, WorkerDied, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from azure.storage.queue import QueueMessage, QueueServiceClient

LOCK = 600
"""Seconds that a message stays invisible while a function works on it."""

_SHORTEST_POLL = 0.1  # seconds
_LOG = logging.getLogger("sandbox.host")

P = ParamSpec("P")
T = TypeVar("T")
Outcome = Literal["succeeded", "failed", "died", "poisoned", "ignored"]


class QueueSettings(msgspec.Struct, frozen=True, rename="camel"):
    """
    `extensions.queues` of host.json, with the defaults of its reference on Microsoft Learn.

    Without `newBatchThreshold` it is half of `batchSize`. Times are `hh:mm:ss`.
    """

    batch_size: int = 16
    new_batch_threshold: int | None = None
    visibility_timeout: str = "00:00:00"
    max_dequeue_count: int = 5
    max_polling_interval: str = "00:00:01"
    message_encoding: Literal["base64", "none"] = "base64"


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of one message to a function, the `dequeue_count`-th, and how it ended."""

    function: str
    queue: str
    message_id: str
    dequeue_count: int
    outcome: Outcome


class QueueTrigger:
    """
    Receives the messages of *queue* and calls *function* with them.

    *timeout* is `functionTimeout` (None for no limit), and *lock* is how long a message is hidden from other
    receivers; both are in seconds. The lock is renewed after half of its time.
    """

    def __init__(
        self,
        function: Function,
        queue: str,
        storage: QueueServiceClient,
        settings: QueueSettings,
        *,
        timeout: float | None,
        threads: Executor,
        lock: int = LOCK,
    ) -> None:
        self.function = function
        self.queue = queue
        self._client = storage.get_queue_client(queue)
        self._poison = None if queue.endswith("-poison") else storage.get_queue_client(f"{queue}-poison")
        self._settings = settings
        self._timeout = timeout
        self._threads = threads
        self._lock = lock

    async def receive(self) -> list[QueueMessage]:
        """Receive and lock up to `batchSize` messages; none if the queue does not exist."""
        size = self._settings.batch_size
        pages = self._client.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=self._lock
        )
        try:
            return await self._in_thread(list, pages)
        except ResourceNotFoundError:
            return []

    async def listen(self, stopping: asyncio.Event) -> None:
        """Poll until *stopping*, then wait for running calls; an idle queue is polled less and less often."""
        at_once = self._settings.new_batch_threshold
        at_once = self._settings.batch_size // 2 if at_once is None else at_once
        running: set[asyncio.Task[Delivery]] = set()
        pause = _SHORTEST_POLL
        while not stopping.is_set():
            messages: list[QueueMessage] = []
            try:
                messages = await self.receive()
            except AzureError as error:
                _LOG.warning("Queue %s cannot be read: %s", self.queue, error)
            running |= {asyncio.create_task(self.deliver(message)) for message in messages}
            if messages:
                pause = _SHORTEST_POLL
                while len(running) > at_once:
                    _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            else:
                await _wait(stopping, pause)
                pause = min(2 * pause, timespan(self._settings.max_polling_interval))
        if running:
            await asyncio.wait(running)

    async def deliver(self, message: QueueMessage) -> Delivery:
        """Call the function with a received *message*, then delete it, release it, or set it aside."""
        outcome: Outcome = "ignored"
        try:
            outcome = await self._process(message)
        except AzureError as error:  # the message is gone or someone else's, or the storage does not answer
            _LOG.warning("A message of %s was not settled: %s", self.queue, error)
        return Delivery(self.function.name, self.queue, message.id, message.dequeue_count or 0, outcome)

    async def _process(self, message: QueueMessage) -> Outcome:
        deliveries, most = message.dequeue_count or 0, self._settings.max_dequeue_count
        text = self._text(message.content)
        if text is None or deliveries > most:
            return await self._set_aside(message)
        done = asyncio.Event()
        lock = asyncio.create_task(self._keep_locked(message, done))
        try:
            await call(self.function, Datum(text, "string"), _metadata(message), self._timeout)
        except WorkerDied as death:
            _LOG.error("%s: the worker died: %s", self.function.name, death)
            return "died"
        except FunctionFailed:
            await _finish(lock, done)
            if self._poison is None:
                return "failed"
            if deliveries >= most:
                return await self._set_aside(message)
            hidden = int(timespan(self._settings.visibility_timeout))
            await self._in_thread(
                self._client.update_message, message.id, message.pop_receipt, visibility_timeout=hidden
            )
            return "failed"
        else:
            await _finish(lock, done)
            await self._in_thread(self._client.delete_message, message.id, message.pop_receipt)
            return "succeeded"
        finally:
            lock.cancel()

    async def _set_aside(self, message: QueueMessage) -> Outcome:
        if self._poison is None:
            return "ignored"
        _LOG.warning("A message of %s goes to %s.", self.queue, self._poison.queue_name)
        try:
            await self._in_thread(self._poison.send_message, message.content)
        except ResourceNotFoundError:
            await self._in_thread(self._poison.create_queue)
            await self._in_thread(self._poison.send_message, message.content)
        await self._in_thread(self._client.delete_message, message.id, message.pop_receipt)
        return "poisoned"

    async def _keep_locked(self, message: QueueMessage, done: asyncio.Event) -> None:
        while not await _wait(done, self._lock / 2):
            renewed = await self._in_thread(
                self._client.update_message, message.id, message.pop_receipt, visibility_timeout=self._lock
            )
            message.pop_receipt = renewed.pop_receipt

    def _text(self, content: str) -> str | None:
        if self._settings.message_encoding == "none":
            return content
        try:
            return b64decode(content, validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            return None

    async def _in_thread(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        # The host's own threads, since the app's may all be busy.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args, **options))


def _metadata(message: QueueMessage) -> dict[str, Datum]:
    # The host sends text as text and anything else, numbers and times among them, as JSON.
    values = {
        "DequeueCount": message.dequeue_count,
        "ExpirationTime": message.expires_on,
        "InsertionTime": message.inserted_on,
        "NextVisibleTime": message.next_visible_on,
    }
    metadata = {name: Datum(msgspec.json.encode(value).decode(), "json") for name, value in values.items()}
    return metadata | {"Id": Datum(message.id, "string"), "PopReceipt": Datum(message.pop_receipt, "string")}


async def _finish(lock: asyncio.Task[None], done: asyncio.Event) -> None:
    """Let a renewal in progress end, since it changes the receipt that settles the message."""
    done.set()
    await lock


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
