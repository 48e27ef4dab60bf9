"""
A local Functions host: HTTP, timers and queues for a `function_app.py`, on 127.0.0.1 and one event loop.

It does what Azure does where an app can notice: redelivery, locks, poison queues, keys, disabled functions.
It says nothing about scale-out, platform authentication or the timers' lock across instances.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from azure.core.exceptions import ResourceExistsError
from starlette.requests import Request
from starlette.responses import Response

from . import schedules
from .http_trigger import HTTP_LIMIT, Route, allowed, answer, in_order, route
from .queue_trigger import Delivery, QueueSettings, QueueTrigger
from .worker import Datum, Function, FunctionFailed, WorkerDied, call

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from azure.storage.queue import QueueServiceClient
    from starlette.types import Receive, Scope, Send

_ADMIN = "/admin/functions/"
_GRACE = 10  # seconds that running work may still take when the host stops
_LOG = logging.getLogger("sandbox.host")


class HttpSettings(msgspec.Struct, frozen=True, rename="camel"):
    """`extensions.http` of host.json."""

    route_prefix: str = "api"


class Extensions(msgspec.Struct, frozen=True):
    """`extensions` of host.json, as far as the sandbox reads it."""

    http: HttpSettings = HttpSettings()
    queues: QueueSettings = QueueSettings()


class HostSettings(msgspec.Struct, frozen=True, rename="camel"):
    """host.json, as far as the sandbox reads it; a `functionTimeout` of -1 means no limit."""

    extensions: Extensions = Extensions()
    function_timeout: str = "00:30:00"


def read_host_file(app_dir: Path) -> HostSettings:
    """Read host.json of *app_dir*. Raises msgspec.ValidationError, which names the wrong field."""
    return msgspec.json.decode((app_dir / "host.json").read_bytes(), type=HostSettings)


class Host:
    """
    One instance of a function app.

    It is an ASGI application for the HTTP triggers. `start` serves queues and timers in the background;
    `drain` and `fire` do it step by step instead. `errors` has the functions that cannot run, each with the
    reason. Without a *key*, functions ask for none; *principal* is the caller's id that App Service
    authentication would pass on.
    """

    def __init__(
        self,
        functions: tuple[Function, ...],
        storage: QueueServiceClient,
        *,
        environ: Mapping[str, str],
        settings: HostSettings = HostSettings(),  # noqa: B008  (a frozen struct)
        key: str = "",
        principal: str = "",
        http_limit: float = HTTP_LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.errors: dict[str, str] = {}
        self._storage = storage
        self._environ = environ
        self._settings = settings
        self._key = key
        self._principal = principal
        self._http_limit = http_limit
        self._clock = clock
        self._timeout = (
            None if settings.function_timeout == "-1" else schedules.timespan(settings.function_timeout)
        )
        self._threads = ThreadPoolExecutor(thread_name_prefix="host")
        self._routes: tuple[Route, ...] = ()
        self._timers: dict[str, tuple[Function, schedules.Schedule]] = {}
        self._queues: list[QueueTrigger] = []
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        for function in functions:
            if environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in {"true", "1"}:
                continue
            try:
                self._register(function)
            except ValueError as error:
                self.errors[function.name] = str(error)
                _LOG.error("The '%s' function is in error: %s", function.name, error)

    def _register(self, function: Function) -> None:
        trigger, *others = function.bindings
        if any(binding.type != "http" for binding in others):
            raise ValueError(f"the sandbox does not emulate {', '.join(b.type for b in others)} bindings")
        if trigger.type == "httpTrigger":
            added = route(function, self._settings.extensions.http.route_prefix)
            self._routes = in_order((*self._routes, added))
        elif trigger.type == "timerTrigger":
            self._timers[function.name] = (function, schedules.parse(self._resolve(trigger.schedule)))
        elif trigger.type == "queueTrigger" and trigger.connection in {"", "AzureWebJobsStorage"}:
            queue, settings = self._resolve(trigger.queue_name), self._settings.extensions.queues
            self._queues.append(
                QueueTrigger(
                    function, queue, self._storage, settings, timeout=self._timeout, threads=self._threads
                )
            )
        else:
            raise ValueError(f"the sandbox does not emulate a {trigger.type} on {trigger.connection!r}")

    def _resolve(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            if not self._environ.get(found[1]):
                raise ValueError(f"'{found[0]}' does not resolve to a value.")
            return self._environ[found[1]]

        return re.sub(r"%([^%]+)%", value, text)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request: to a function, or `POST /admin/functions/{name}`, which fires a timer."""
        request = Request(scope, receive)
        name = scope["path"].removeprefix(_ADMIN)
        if name in self._timers and scope["path"].startswith(_ADMIN) and request.method == "POST":
            response = Response(status_code=202 if allowed(request, "ADMIN", self._key) else 401)
            if response.status_code == 202:
                self._background(self._fire_and_log(name))
        else:
            response = await answer(
                request,
                self._routes,
                key=self._key,
                principal=self._principal,
                function_limit=self._timeout,
                http_limit=self._http_limit,
            )
        await response(scope, receive, send)

    def start(self) -> None:
        """Poll the queues and fire the timers in the background, until `stop`."""
        for queue in self._queues:
            self._background(queue.listen(self._stopping))
        for name in self._timers:
            self._background(self._keep_time(name))

    async def stop(self) -> None:
        """Take no more work, and give running work 10 seconds; messages that need longer stay locked."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE)
            for task in late:
                task.cancel()
        self._threads.shutdown(wait=False)

    async def drain(self) -> tuple[Delivery, ...]:
        """
        Deliver visible messages, one at a time, until none is left; return every delivery in order.

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
        function, schedule = self._timers[name]
        now = datetime.fromtimestamp(self._clock(), UTC)
        status = {"Last": now, "Next": schedule.next(now), "LastUpdated": now}
        data = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        await call(function, Datum(msgspec.json.encode(data).decode(), "json"), {}, self._timeout)

    async def create_queues(self) -> None:
        """Create the triggers' queues, as a deployment does; the host itself never creates one."""
        loop = asyncio.get_running_loop()
        for trigger in self._queues:
            try:
                await loop.run_in_executor(self._threads, self._storage.create_queue, trigger.queue)
            except ResourceExistsError:
                continue

    def describe(self, address: str) -> Iterator[str]:
        """Yield a line for each function, with its URL, schedule or queue; *address* is the host's."""
        for found in self._routes:
            methods = ",".join(found.methods) or "any method"
            yield f"{found.function.name}: [{methods}] {address}/{found.template}"
        for name, (function, _) in self._timers.items():
            yield f"{name}: timerTrigger {self._resolve(function.trigger.schedule)}"
        for trigger in self._queues:
            yield f"{trigger.function.name}: queueTrigger {trigger.queue}"

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_time(self, name: str) -> None:
        function, schedule = self._timers[name]
        if function.trigger.run_on_startup:
            await self._fire_and_log(name)
        due = schedule.next(datetime.fromtimestamp(self._clock(), UTC))
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), max(0, due.timestamp() - self._clock()))
            except TimeoutError:
                if self._clock() >= due.timestamp():
                    await self._fire_and_log(name)
                    due = schedule.next(max(due, datetime.fromtimestamp(self._clock(), UTC)))

    async def _fire_and_log(self, name: str) -> None:
        try:
            await self.fire(name)
        except (FunctionFailed, WorkerDied) as error:
            _LOG.error("%s: %s", name, error)
        else:
            _LOG.info("%s: done", name)
