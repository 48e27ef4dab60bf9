"""
Timer triggers: when they fire, with the Functions host's own rules.

They are those of TimerListener and ScheduleMonitor (Azure/azure-webjobs-sdk-extensions). The host stores when a
timer fired last and is due next, so that what was due while no host ran is fired once, as past due, when one
starts; it does so only for schedules that are due once a minute or less often (TimerTriggerAttribute.UseMonitor).
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import msgspec

from . import frames
from .worker import FunctionFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable

    from .schedules import Schedule
    from .worker import Worker

EARLY = 0.003
"""Seconds by which a timer may fire too early, as seen on the Functions host 4.1037.0 (18 of 61)."""

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""When a timer fired last that has not fired yet: .NET's default(DateTime)."""

_MONITORED = 60  # seconds between two occurrences
_LOOK_AHEAD = 5  # occurrences
_LOG = logging.getLogger("sandbox.host")


class Status(msgspec.Struct, frozen=True, rename="pascal"):
    """When a timer fired last and is due next, as the host stores it and passes it to the function."""

    last: datetime
    next: datetime
    last_updated: datetime


class Memory(Protocol):
    """Where the statuses of an app's timers outlive the host."""

    def read(self, timer: str) -> bytes | None:
        """Return what was written last for *timer*, if anything was."""

    def write(self, timer: str, status: bytes) -> None:
        """Store the *status* of *timer*."""


class Forgetful:
    """Statuses for as long as this object lives."""

    def __init__(self) -> None:
        self._statuses: dict[str, bytes] = {}

    def read(self, timer: str) -> bytes | None:
        """Return what was written last for *timer*, if anything was."""
        return self._statuses.get(timer)

    def write(self, timer: str, status: bytes) -> None:
        """Store the *status* of *timer*."""
        self._statuses[timer] = status


class TimerTrigger:
    """
    Calls *function* at the times of *schedule*, by *clock* (epoch seconds), *early* seconds before each.

    *limit* is `functionTimeout`, in seconds.
    """

    def __init__(
        self,
        function: frames.Function,
        schedule: Schedule,
        worker: Worker,
        *,
        memory: Memory,
        limit: float | None,
        clock: Callable[[], float],
        early: float,
    ) -> None:
        self.function = function
        self._schedule = schedule
        self._worker = worker
        self._memory = memory
        self._limit = limit
        self._clock = clock
        self._early = early
        now = self._now()
        times = [now]
        for _ in range(_LOOK_AHEAD):
            times.append(schedule.next(times[-1]))
        gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(times[1:])]
        self._monitored = min(gaps) >= _MONITORED
        self._status = Status(NEVER, times[1], NEVER)

    async def fire(self, *, past_due: bool = False) -> None:
        """Call the function now; its times stay as they are. Raises FunctionFailed or WorkerDied."""
        data = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": self._status if self._monitored else None,
            "IsPastDue": past_due,
        }
        text = frames.Json(msgspec.json.encode(data).decode())
        await self._worker.call(self.function, text, limit=self._limit)

    async def fire_and_log(self, *, past_due: bool = False) -> None:
        """As `fire`, but log how it ended."""
        try:
            await self.fire(past_due=past_due)
        except (FunctionFailed, WorkerDied) as error:
            _LOG.error("%s: %s", self.function.name, error)
        else:
            _LOG.info("%s: done", self.function.name)

    async def listen(self, stopping: asyncio.Event) -> None:
        """Fire what is past due, or `runOnStartup` asks for; then keep the schedule until *stopping*."""
        if self._monitored and self._is_past_due():
            _LOG.info("%s is past due, and fires now", self.function.name)
            await self._invoke(past_due=True)
        elif self.function.trigger.run_on_startup:
            await self._invoke(past_due=False)
        while not stopping.is_set():
            due = self._status.next.timestamp() - self._early
            try:
                await asyncio.wait_for(stopping.wait(), max(0, due - self._clock()))
            except TimeoutError:
                if self._clock() >= due:
                    await self._invoke(scheduled=True)

    async def _invoke(self, *, past_due: bool = False, scheduled: bool = False) -> None:
        started = self._now()
        await self.fire_and_log(past_due=past_due)
        if scheduled:  # else a timer that fired early would fire twice
            started = max(started, self._status.next)
        self._keep(Status(started, self._schedule.next(started), started))

    def _is_past_due(self) -> bool:
        now, stored = self._now(), self._memory.read(self.function.name)
        if stored is None:
            self._keep(Status(NEVER, self._schedule.next(now), now))
            return False
        status = msgspec.json.decode(stored, type=Status)
        reckoned = status.last if status.last > NEVER else status.last_updated
        expected = self._schedule.next(reckoned)
        if expected != status.next:  # another schedule since: what it would have fired is not owed
            if now > expected:
                expected, reckoned = self._schedule.next(now), now
            status = Status(NEVER, expected, reckoned)
            self._keep(status)
        self._status = status
        return now > status.next

    def _keep(self, status: Status) -> None:
        self._status = status
        if self._monitored:
            self._memory.write(self.function.name, msgspec.json.encode(status))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
