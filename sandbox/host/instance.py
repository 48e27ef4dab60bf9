"""
A local Functions host: HTTP, timers and queues for a `function_app.py`, on 127.0.0.1 and one event loop.

It does what the Functions host 4.1037.0 does where an app can notice. It says nothing about scale-out, platform
authentication, the master key or the timers' lock across instances.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from . import schedules
from .app_settings import AppSettings
from .host_file import HostSettings
from .http_trigger import HTTP_LIMIT, Route, allowed, answer, in_order, route, welcome
from .queue_trigger import GONE, QueueTrigger, StorageLost
from .tasks import Tasks
from .timer_trigger import EARLY, Forgetful, Memory, TimerTrigger
from .worker import Deaths, Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from azure.storage.queue import QueueServiceClient
    from starlette.types import Receive, Scope, Send

    from .frames import Function
    from .queue_message import Delivery

GRACE = 10
"""Seconds that running work may still take when the host stops."""

_ADMIN = "/admin/functions/"
_IN_ERROR = "The '%s' function is in error: Error indexing method 'Functions.%s'. %s"
_LOG = logging.getLogger("sandbox.host")


class Host:
    """
    One instance of a function app, whose functions *worker*, which is started, calls.

    It is an ASGI application for the HTTP triggers. `start` serves queues and timers in the background;
    `drain` and `fire` do it step by step instead. `errors` has the functions that cannot run, each with the
    reason. Once `over` is set, the host is to be stopped: it has lost its storage, as `problem` says in a line,
    or, if that is empty, recycles itself: another takes its place, with a worker that is started anew.

    Without a *key*, functions ask for none; *principal* has the headers of a signed-in caller (`signed_in`). *memory* keeps the timers' statuses; they fire *early* seconds too early. *may_time* says
    whether timers are to start. *gone* is how many seconds the storage may be out of reach, and *grace* how
    many running work may still take at a stop.
    """

    def __init__(
        self,
        worker: Worker,
        storage: QueueServiceClient,
        *,
        environ: Mapping[str, str],
        settings: HostSettings = HostSettings(),  # noqa: B008  (a frozen struct)
        key: str = "",
        principal: Mapping[str, str] = MappingProxyType({}),
        http_limit: float = HTTP_LIMIT,
        clock: Callable[[], float] = time.time,
        memory: Memory | None = None,
        early: float = EARLY,
        may_time: Callable[[], Awaitable[bool]] | None = None,
        gone: float = GONE,
        grace: float = GRACE,
    ) -> None:
        self.errors: dict[str, str] = {}
        self.over = asyncio.Event()
        self.problem = ""
        self._worker = worker
        self._storage = storage
        self._settings = settings
        self._key = key
        self._principal = principal
        self._http_limit = http_limit
        self._clock = clock
        self._memory = memory or Forgetful()
        self._early = early
        self._may_time = may_time
        self._gone = gone
        self._grace = grace
        self._timeout = (
            None if settings.function_timeout == "-1" else schedules.timespan(settings.function_timeout)
        )
        self._app_settings = AppSettings(environ)
        self._threads = ThreadPoolExecutor(thread_name_prefix="host")
        self._routes: tuple[Route, ...] = ()
        self._timers: dict[str, TimerTrigger] = {}
        self._queues: list[QueueTrigger] = []
        self._deaths = Deaths()
        self._stopping = asyncio.Event()
        self._tasks = Tasks()
        worker.on_death = self._worker_died
        for function in worker.functions:
            if self._app_settings.is_on(f"AzureWebJobs.{function.name}.Disabled"):
                continue
            try:
                self._register(function)
            except ValueError as error:
                self.errors[function.name] = str(error)
                _LOG.error(_IN_ERROR, function.name, function.name, error)

    def _register(self, function: Function) -> None:
        trigger, *others = function.bindings
        if any(binding.type != "http" for binding in others):
            raise ValueError(f"the sandbox does not emulate {', '.join(b.type for b in others)} bindings")
        if trigger.type == "httpTrigger":
            added = route(function, self._settings.extensions.http.route_prefix)
            self._routes = in_order((*self._routes, added))
        elif trigger.type == "timerTrigger":
            self._timers[function.name] = TimerTrigger(
                function,
                schedules.parse(self._app_settings.resolve(trigger.schedule)),
                self._worker,
                memory=self._memory,
                limit=self._timeout,
                clock=self._clock,
                early=self._early,
            )
        elif trigger.type == "queueTrigger" and trigger.connection in {"", "AzureWebJobsStorage"}:
            self._queues.append(
                QueueTrigger(
                    function,
                    self._app_settings.resolve(trigger.queue_name),
                    self._storage,
                    self._settings.extensions.queues,
                    self._worker,
                    timeout=self._timeout,
                    threads=self._threads,
                    gone=self._gone,
                    patient=self._app_settings.get("WEBSITE_SKU").lower() == "flexconsumption",
                )
            )
        else:
            raise ValueError(f"the sandbox does not emulate a {trigger.type} on {trigger.connection!r}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one HTTP request: to a function, or `POST /admin/functions/{name}`, which fires a timer.

        While the host stops, every call is answered with 503.
        """
        request = Request(scope, receive)
        name = scope["path"].removeprefix(_ADMIN)
        if self._stopping.is_set() or self.over.is_set():
            response = Response(status_code=503)
        elif scope["path"] == "/":
            response = welcome(self._app_settings)
        elif name in self._timers and scope["path"].startswith(_ADMIN) and request.method == "POST":
            response = Response(status_code=202 if allowed(request, "ADMIN", self._key) else 401)
            if response.status_code == 202:
                self._tasks.start(self._timers[name].fire_and_log())
        else:
            response = await answer(
                request,
                self._routes,
                self._worker,
                self._tasks.start,
                key=self._key,
                principal=self._principal,
                function_limit=self._timeout,
                http_limit=self._http_limit,
            )
        await response(scope, receive, send)

    def start(self) -> None:
        """Poll the queues and fire the timers in the background, until `stop`."""
        for queue in self._queues:
            self._tasks.start(self._until_lost(queue))
        if self._timers:
            self._tasks.start(self._keep_time())

    async def stop(self) -> None:
        """
        Take no more work, and give running work its grace; then the worker is killed.

        Messages that were not done by then stay locked for the rest of their 10 minutes.
        """
        self._stopping.set()
        if await self._tasks.end(self._grace):
            await self._worker.close()
        self._threads.shutdown(wait=False)

    async def drain(self) -> tuple[Delivery, ...]:
        """
        Deliver the visible messages, one at a time, and return every delivery in order.

        A message that becomes visible later is not waited for: move the clock and drain again.
        """
        deliveries: list[Delivery] = []
        while True:
            before = len(deliveries)
            for trigger in self._queues:
                for message in await trigger.receive():
                    deliveries.append(await trigger.deliver(message))  # noqa: PERF401  (one at a time)
            if len(deliveries) == before:
                return tuple(deliveries)

    async def fire(self, name: str, *, past_due: bool = False) -> None:
        """Run the timer-triggered function *name* now. Raises FunctionFailed or WorkerDied if it fails."""
        await self._timers[name].fire(past_due=past_due)

    async def create_queues(self) -> None:
        """Create the triggers' queues, as a deployment does; the host itself never creates one."""
        for trigger in self._queues:
            await trigger.create_queue()

    def describe(self, address: str) -> Iterator[str]:
        """Yield a line for each function, with its URL, schedule or queue; *address* is the host's."""
        for found in self._routes:
            methods = ",".join(found.methods) or "any method"
            yield f"{found.function.name}: [{methods}] {address}/{found.template}"
        for name, timer in self._timers.items():
            yield f"{name}: timerTrigger {self._app_settings.resolve(timer.function.trigger.schedule)}"
        for trigger in self._queues:
            yield f"{trigger.function.name}: queueTrigger {trigger.queue}"

    def _worker_died(self, own: bool) -> bool:  # noqa: FBT001  (the worker's callback)
        """Say whether a worker is started again; a kill by `functionTimeout` does not count as an error."""
        if self._stopping.is_set():
            return False
        if not own or not self._deaths.too_many(self._clock()):
            return True
        _LOG.error("The worker died too often: the host recycles itself")
        self.over.set()
        return False

    async def _until_lost(self, queue: QueueTrigger) -> None:
        try:
            await queue.listen(self._stopping, self._tasks.start)
        except StorageLost as lost:
            self.problem = str(lost)
            self.over.set()

    async def _keep_time(self) -> None:
        if self._may_time is not None and not await self._may_time():
            _LOG.error("Timers do not start: the host's blobs are refused")
            return
        for timer in self._timers.values():
            self._tasks.start(timer.listen(self._stopping))
