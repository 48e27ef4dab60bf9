"""
Replay a period of time in a tenant, step by step.

A test changes incidents, the watch looks for them, the queues deliver messages, and workers are killed.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.catalog.select import finding_keys, ledger_keys
from shared.comment import marker
from shared.model.hunt import DEVICE_CARD
from shared.watch import look
from shared.work import work_on

from .mortal import Killed, Life
from .tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from shared.model.record import Run
    from shared.tools import Tools

    from .mortal import MortalStore

#: How long a message stays hidden after the worker that received it was killed: `visibilityTimeout` in host.json.
_HIDDEN = timedelta(seconds=30)


class Replay:
    """
    A deployment whose clock starts at *start* and is moved by the test.

    *deaths* are the numbers of calls at which a worker is killed, counted from 0 over all workers; a new one
    takes its place. `calls` counts the calls so far, and `died` the workers that were killed. `meanwhile` is
    called with each request to Graph before it is sent. `waiting` has the messages that are not delivered yet,
    each as the time at which it is due, and the run. The store is that of `Deployment`.
    """

    def __init__(
        self,
        fleet: Fleet,
        start: datetime,
        deaths: Iterable[int] = (),
        *,
        opened: Callable[[], MortalStore] | None = None,
        **environment: str,
    ) -> None:
        environment = {"HUNTS_PER_MINUTE": "100000", **environment}
        self.app = Deployment(fleet, planted_open=False, opened=opened, **environment)
        self.app.clock = start
        self.meanwhile: Callable[[httpx.Request], None] = lambda _: None
        self.died = 0
        self._deaths = sorted(deaths)
        self.waiting: list[tuple[datetime, str]] = []
        self._returned: set[tuple[datetime, str]] = set()
        self._tools: Tools | None = None
        self._life = Life()
        self.calls = 0

    @property
    def now(self) -> datetime:
        """The time in the tenant and in the app."""
        return self.app.now()

    async def minutes(self, count: int, *, every: int = 1) -> None:
        """
        Let *count* minutes pass, in steps of *every* minutes.

        After each step the watch looks once, and the messages that are due are delivered.
        """
        for _ in range(0, count, every):
            self.app.clock = self.now + timedelta(minutes=every)
            await self._as_worker(look)
            await self.deliver()

    async def settle(self) -> None:
        """Let time pass, with a look every 15 minutes, until no queue has a message left."""
        while self.waiting or self.app.messages:
            await self.minutes(30, every=15)

    async def deliver(self) -> None:
        """Deliver the messages that are due."""
        while True:
            self.waiting += [
                (self.now + timedelta(seconds=delay), run) for _, run, delay in self.app.messages
            ]
            self.app.messages.clear()
            ready = [message for message in self.waiting if message[0] <= self.now]
            if not ready:
                return
            for message in ready:
                self.waiting.remove(message)
                if not await self._as_worker(work_on, message[1], again=message in self._returned):
                    returned = self.now + _HIDDEN, message[1]
                    self.waiting.append(returned)
                    self._returned.add(returned)

    async def _as_worker(self, task: Callable[..., object], *arguments: str, **options: bool) -> bool:
        """Run *task* in the current worker, or a new one if that was killed; return whether it survived."""
        if self._tools is None:
            self._life = Life(self._deaths.pop(0) - self.calls if self._deaths else None, self._note)
            self._tools = self.app.worker(self._life)
        with suppress(Killed):
            await task(self._tools, *arguments, **options)
        if not self._life.over:
            return True
        self.died += 1
        self._tools = None
        return False

    def _note(self, request: httpx.Request | None) -> None:
        self.calls += 1
        if request:
            self.meanwhile(request)

    async def hunted(self) -> Counter[tuple[str, str]]:
        """
        Return how many runs hunted each pair of hunt and entity, as (incident id, ledger key) -> runs.

        The device card is not counted. Raises AssertionError if a run has not ended.
        """
        counted: Counter[tuple[str, str]] = Counter()
        for run in await self._ended():
            plan = run.plan
            assert run.done, run.work
            for planned in plan.hunts if plan else ():
                hunt = self.app.tools.catalog.by_name[planned.name]
                if plan and planned.name != DEVICE_CARD:
                    keys = ledger_keys(hunt, plan.entities(planned))
                    counted.update((plan.incident_id, key) for key in keys)
        return counted

    async def settled(self) -> dict[str, Counter[str]]:
        """
        Return how often the ledger says that a pair of hunt and entity needs no more hunting.

        The result is incident id -> ledger key -> number of times.
        """
        keys = await self.app.tools.store.keys("incidents/")
        incidents = {key.split("/")[1] for key in keys}
        return {
            incident.removeprefix("defender-"): Counter(
                key for entry in await self.app.tools.ledger.entries(incident) for key in entry.ended
            )
            for incident in incidents
        }

    async def written(self) -> dict[str, set[str]]:
        """Return the digests of the runs that say that their comment stands, by incident id."""
        told: dict[str, set[str]] = {}
        for run in await self._ended():
            plan, done = run.plan, run.done
            if plan and done and {"written", "alreadyThere"} & {result.status for result in done.comments}:
                digest = marker.digest(done.outcomes, plan.chosen)
                told.setdefault(plan.incident_id, set()).add(digest)
        return told

    async def untold(self) -> set[tuple[str, str]]:
        """Return what runs found and the ledger does not have as told: incident id and finding."""
        found, hunts = set(), self.app.tools.catalog.by_name
        for run in await self._ended():
            for each in run.done.outcomes if run.done else ():
                if run.plan and each.outcome == "found":
                    keys = finding_keys(hunts[each.hunt], each.found)
                    found |= {(run.plan.incident_id, key) for key in keys}
        ledger = self.app.tools.ledger
        for incident in {incident for incident, _ in found}:
            for entry in await ledger.entries(f"defender-{incident}"):
                found -= {(incident, key) for key in entry.told}
        return found

    async def _ended(self) -> list[Run]:
        names = {key.split("/")[1] for key in await self.app.tools.store.keys("runs/")}
        return [await self.app.read(name) for name in sorted(names)]

    def digests(self) -> dict[str, list[str]]:
        """Return the digest at the end of each comment, in the order of posting, by incident id."""
        return {
            incident: [text.rsplit(" ", 1)[-1] for text in self.app.comments(incident)]
            for incident in self.app.tenant.incidents
        }
