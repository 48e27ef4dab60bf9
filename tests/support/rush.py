"""Outrider with more incidents than its hunting quota allows at once, second by second."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.tenant import incidents
from shared.state.runs import QUEUES
from shared.watch import look
from shared.work import work_on

from .tenant import Deployment, Fleet

if TYPE_CHECKING:
    from datetime import datetime


#: How many messages of a queue are delivered in a second, as host.json's `batchSize` has it.
_BATCH = 4
#: Seconds until a queue is polled: the urgent one at once, the others `maxPollingInterval` later, in whole seconds.
_POLL = {"urgent": 0, "runs": 1, "sweeps": 1}


class Rush(Deployment):
    """
    A deployment whose clock, which is the pace's, too, moves by a second at a time.

    A look is due every minute, and the queues deliver four messages a second each. A call that waits for its
    turn within a minute is sent at once, so what happens is up to 30 seconds early.
    """

    def __init__(self, fleet: Fleet, **environment: str) -> None:
        super().__init__(fleet, planted_open=False, **environment)
        self.watching = True
        self._passed = 0
        self._due: list[tuple[datetime, str, str]] = []

    def monotonic(self) -> float:
        """Return the time in seconds: the pace follows the clock."""
        return self.now().timestamp()

    def open(self, severity: str) -> dict[str, Any]:
        """Open an incident with the evidence of the first one, so that all send the same queries."""
        opened = incidents.generate(self.tenant, severity=severity)
        opened["alerts"] = next(iter(self.tenant.incidents.values()))["alerts"]
        return opened

    async def seconds(self, count: int) -> None:
        """Let *count* seconds pass."""
        for _ in range(count):
            if self.watching and self._passed % 60 == 0:
                await look(self.tools)
            for queue in QUEUES:
                self._receive()
                ready = [each for each in self._due if each[1] == queue and each[0] <= self.now()]
                for message in ready[:_BATCH]:
                    self._due.remove(message)
                    await work_on(self.tools, message[2])
            self._passed += 1
            self.clock += timedelta(seconds=1)

    async def until_comment(self, incident: dict[str, Any], *, most: int = 900) -> int:
        """Return the seconds until *incident* has a comment. Raises AssertionError after *most* seconds."""
        for passed in range(most):
            if incident["comments"]:
                return passed
            await self.seconds(1)
        raise AssertionError(f"no comment within {most} s")

    def _receive(self) -> None:
        self._due += [
            (self.now() + timedelta(seconds=delay + _POLL[queue]), queue, run)
            for queue, run, delay in self.messages
        ]
        self._due.sort(key=lambda message: message[0])
        self.messages.clear()
