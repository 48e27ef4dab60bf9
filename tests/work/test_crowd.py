"""Sixty incidents at once while a sweep is under way, with twelve calls a minute and six processes, in simulated time."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared import settings
from shared.graph.client import Graph
from shared.sentinel.client import Arm
from shared.state.quota import StoredQuota
from shared.state.runs import Runs
from shared.tools import Tools
from shared.work import work_on
from tests.benchmarks.large import Identity
from tests.benchmarks.scripted import ENVIRONMENT
from tests.support.crowd import Called, Crowd
from tests.support.crowd_process import BATCH, POLL, start
from tests.support.hunt_files import five_hunts
from tests.support.simulated import EPOCH, Account, SimulatedStore, passed, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 12
NUMBERS = range(4101, 4161)
QUEUES = ("urgent", "runs", "sweeps")


class Instances:
    """Two instances with a process for each queue, which share an account and its queues."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._account = Account()
        self._due: list[tuple[float, str, str]] = []
        self.crowd = Crowd(LIMIT, clock=passed)

    def process(self) -> Tools:
        """Return the tools of a new process, whose clock is off."""
        chosen = settings.read_settings(
            {
                **ENVIRONMENT,
                "GRAPH_URL": "http://127.0.0.1",
                "HUNTS_PER_MINUTE": str(LIMIT),
                "HUNT_CONCURRENCY": "16",
            }
        )
        off = self._chance.uniform(-3_600, 3_600)
        store = SimulatedStore(self._account, partial(self._delay, 0.03))
        quota = StoredQuota(store, LIMIT, clock=lambda: passed() + off)
        graph = Graph(chosen, Identity(), transport=Called(self.crowd), quota=quota)
        runs = Runs(store, lambda queue, run, delay: self._due.append((passed() + delay, queue, run)))
        return Tools(chosen, graph, Arm(chosen, Identity()), store, runs, five_hunts(), now=_now)

    async def work(self, queue: str) -> None:
        """Work on what *queue* has, in a process of its own, for ever."""
        tools = self.process()
        while True:
            ready = [each for each in sorted(self._due) if each[1] == queue and each[0] <= passed()][:BATCH]
            for message in ready:
                self._due.remove(message)
            await asyncio.gather(*(work_on(tools, run) for _, _, run in ready))
            await asyncio.sleep(self._chance.uniform(0, POLL))

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(900):
            while not what():
                await asyncio.sleep(0.5)

    async def _delay(self, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, most))


def _now() -> datetime:
    return datetime.fromtimestamp(EPOCH + passed(), UTC)


@pytest.mark.parametrize("seed", range(2))
def test_incidents_go_before_a_sweep_within_the_quota(seed: int) -> None:
    """No more than 12 calls in any 60 seconds, no refusal, and hardly longer than the quota takes."""

    async def course() -> None:
        """Start a sweep, then the incidents, and wait until the sweep goes on."""
        instances = Instances(seed)
        crowd, tools = instances.crowd, instances.process()
        working = [asyncio.create_task(instances.work(queue)) for queue in QUEUES * 2]
        await start(tools, 0, "sweeps")
        await instances.until(lambda: len(crowd.hunts) >= LIMIT - LIMIT // 3)
        arrived = passed()
        for number in NUMBERS:
            await start(tools, number, QUEUES[number % 2])
        await instances.until(lambda: len(crowd.comments) == len(NUMBERS))
        await instances.until(lambda: not crowd.hunts[-1].incident)
        for task in working:
            task.cancel()
        print(crowd.check(arrived, NUMBERS))
        took = max(crowd.of_incidents) - arrived

        assert took <= 1.15 * crowd.least(arrived, len(NUMBERS))

    simulate(course())
