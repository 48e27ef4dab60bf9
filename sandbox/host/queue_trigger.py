"""
The queue trigger's listener, with the Functions host's own rules.

They are those of QueueListener and QueueProcessor in the host's storage extension (Azure/azure-sdk-for-net,
Microsoft.Azure.WebJobs.Extensions.Storage.Queues), as seen on the Functions host 4.1037.0. What may surprise:

- A death of the worker, or `functionTimeout`, is a failure of every message in it: they come back after
  `visibilityTimeout`, or, at the `maxDequeueCount`-th delivery, go to the poison queue at once.
- A message whose *host* died, or was stopped, stays locked for the rest of 10 minutes.
- A message that is not base64 goes to the poison queue unseen, and stays there; one that is not UTF-8 fails as if its
  function had, without a call of it, and again in the poison queue.
- A poison queue has no poison queue: what fails there is tried every 10 minutes, `maxDequeueCount` times, and
  then never again.
- The listener does not create its queue; it polls on, with a warning, while there is none. A queue that is
  refused (403) ends the host, and so does a storage account that cannot be reached; on Flex Consumption the
  host polls on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from .frames import Text
from .queue_message import Delivery, Outcome, content_of, metadata_of
from .schedules import timespan
from .worker import FunctionFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from concurrent.futures import Executor

    from azure.storage.queue import QueueMessage, QueueServiceClient

    from .frames import Function
    from .host_file import QueueSettings
    from .worker import Worker

    _Start = Callable[[Coroutine[None, None, "Delivery"]], asyncio.Task["Delivery"]]

LOCK = 600
"""Seconds that a message stays invisible while a function works on it."""

GONE = 15
"""Seconds of storage that cannot be reached, after which the host ends: with the client's retries, within 25."""

_UNANSWERED = (ServiceRequestError, ServiceResponseError)
_SHORTEST_POLL = 0.1  # seconds
_LOG = logging.getLogger("sandbox.host")

P = ParamSpec("P")
T = TypeVar("T")


class StorageLost(Exception):
    """The host cannot go on without its storage; the message says what is wrong, on one line."""


class QueueTrigger:
    """
    Receives the messages of *queue* and has *worker* call *function* with them.

    *timeout* is `functionTimeout` (None for no limit), *lock* is how long a message is hidden from other
    receivers, and *gone* how long the storage may be out of reach; all are in seconds. The lock is renewed
    after half of its time. With *patient*, as on Flex Consumption, no error of the storage ends the host.
    """

    def __init__(
        self,
        function: Function,
        queue: str,
        storage: QueueServiceClient,
        settings: QueueSettings,
        worker: Worker,
        *,
        timeout: float | None,
        threads: Executor,
        lock: int = LOCK,
        gone: float = GONE,
        patient: bool = False,
    ) -> None:
        self.function = function
        self.queue = queue
        self._client = storage.get_queue_client(queue)
        self._poison = None if queue.endswith("-poison") else storage.get_queue_client(f"{queue}-poison")
        self._settings = settings
        self._worker = worker
        self._timeout = timeout
        self._threads = threads
        self._lock = lock
        self._gone = gone
        self._patient = patient
        self._missing = False

    async def create_queue(self) -> None:
        """Create the queue unless it exists."""
        with suppress(ResourceExistsError):
            await self._in_thread(self._client.create_queue)

    async def receive(self) -> list[QueueMessage]:
        """Receive and lock up to `batchSize` messages; none if the queue does not exist."""
        size = self._settings.batch_size
        pages = self._client.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=self._lock
        )
        try:
            messages = await self._in_thread(list, pages)
        except ResourceNotFoundError:
            if not self._missing:
                _LOG.warning("Queue %s does not exist; %s waits for it", self.queue, self.function.name)
            self._missing = True
            return []
        self._missing = False
        return messages

    async def listen(self, stopping: asyncio.Event, start: _Start) -> None:
        """
        Poll until *stopping*, and deliver each message in a task that *start* makes.

        An idle queue is polled less and less often. Raises StorageLost if the host cannot go on.
        """
        at_once = self._settings.new_batch_threshold
        at_once = self._settings.batch_size // 2 if at_once is None else at_once
        running: set[asyncio.Task[Delivery]] = set()
        pause, reached = _SHORTEST_POLL, time.monotonic()
        while not stopping.is_set():
            messages: list[QueueMessage] = []
            try:
                messages = await self.receive()
                reached = time.monotonic()
            except AzureError as error:
                _LOG.warning("Queue %s cannot be read: %s", self.queue, _first_line(error))
                self._despair(error, reached)
            running |= {start(self.deliver(message)) for message in messages}
            if messages:
                pause = _SHORTEST_POLL
                while len(running) > at_once:
                    _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            else:
                await _wait(stopping, pause)
                pause = min(2 * pause, timespan(self._settings.max_polling_interval))

    def _despair(self, error: AzureError, reached: float) -> None:
        # Raise StorageLost for an error after which the host cannot go on.
        refused = isinstance(error, HttpResponseError) and error.status_code == 403
        gone = isinstance(error, _UNANSWERED) and time.monotonic() - reached >= self._gone
        if (refused or gone) and not self._patient:
            what = "is refused" if refused else "cannot be reached"
            raise StorageLost(f"the queue {self.queue} {what}: {_first_line(error)}")

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
        content = content_of(message, self._settings.message_encoding)
        if content is None or deliveries > most:
            return await self._set_aside(message)
        async with self._locked(message):
            outcome = await self._call(message, content)
        if outcome == "succeeded":
            await self._in_thread(self._client.delete_message, message.id, message.pop_receipt)
        elif self._poison is not None:
            if deliveries >= most:
                return await self._set_aside(message)
            hidden = int(timespan(self._settings.visibility_timeout))
            await self._in_thread(
                self._client.update_message, message.id, message.pop_receipt, visibility_timeout=hidden
            )
        return outcome

    async def _call(self, message: QueueMessage, content: bytes) -> Outcome:
        try:
            text = Text(content.decode())
            await self._worker.call(self.function, text, metadata_of(message), limit=self._timeout)
        except WorkerDied as death:
            _LOG.error("%s: the worker died: %s", self.function.name, death)
            return "died"
        except (FunctionFailed, UnicodeDecodeError) as error:
            _LOG.error("%s: %s", self.function.name, error)
            return "failed"
        return "succeeded"

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

    @asynccontextmanager
    async def _locked(self, message: QueueMessage) -> AsyncIterator[None]:
        done = asyncio.Event()
        lock = asyncio.create_task(self._keep_locked(message, done))
        try:
            yield
        except asyncio.CancelledError:  # the host stops, and leaves the message locked
            lock.cancel()
            raise
        done.set()
        await lock  # a renewal in progress changes the receipt that settles the message

    async def _keep_locked(self, message: QueueMessage, done: asyncio.Event) -> None:
        while not await _wait(done, self._lock / 2):
            renewed = await self._in_thread(
                self._client.update_message, message.id, message.pop_receipt, visibility_timeout=self._lock
            )
            message.pop_receipt = renewed.pop_receipt

    async def _in_thread(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        # The host's own threads, since the app's may all be busy.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args, **options))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
