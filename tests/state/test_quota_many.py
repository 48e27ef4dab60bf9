"""The hunting quota of several processes whose clocks differ, in many random courses of simulated time."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Throttled
from shared.state.quota import StoredQuota
from tests.support.simulated import Account, SimulatedStore, passed, simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Course:
    """
    A random course: some processes and calls; a call that is refused comes back in any process.

    Of the calls to the store, the share *stalls* takes minutes, and the others less than half a second. `sent` has
    when each call was sent.
    """

    def __init__(self, seed: int, *, stalls: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.limit = self.random.choice([1, 2, 3, 7, 45])
        self.account = Account(whole=self.random.random() < 0.7)
        self.stalls = stalls
        self.sent: list[float] = []
        self.stores: list[SimulatedStore] = []

    def process(self, usual: float) -> StoredQuota:
        """Return the quota of a new process, whose clock runs by itself; the store answers within *usual* seconds."""
        offset, rate = self.random.uniform(-1e6, 1e6), self.random.uniform(0.9996, 1.0004)
        store = SimulatedStore(self.account, self._delay(usual / 2))
        self.stores.append(store)
        return StoredQuota(store, self.limit, clock=lambda: offset + passed() * rate, within=1e9)

    def _delay(self, usual: float) -> Callable[[], Awaitable[None]]:
        async def delay() -> None:
            """Let a random time pass."""
            stalled = self.random.random() < self.stalls
            await asyncio.sleep(self.random.uniform(1, 400) if stalled else self.random.uniform(0, usual))

        return delay

    async def run(self, calls: int) -> None:
        """Let six processes make so many calls in bursts."""
        processes = [
            self.process(self.random.choice([0.004, 0.1, 0.4])) for _ in range(self.random.randint(1, 6))
        ]

        async def call(number: int, at: float) -> None:
            """Make one call, and come back wherever it is refused."""
            spare = self.limit // 3 if self.random.random() < 0.2 else 0
            await asyncio.sleep(at)
            for _ in range(30):
                try:
                    wait = await self.random.choice(processes).reserve(30, spare, f"run {number}")
                except Throttled as refused:
                    assert refused.retry_after
                    await asyncio.sleep(refused.retry_after + self.random.uniform(0, 5))
                else:
                    await asyncio.sleep(wait)
                    self.sent.append(passed())
                    return

        bursts = [self.random.uniform(0, 400) for _ in range(4)]
        await asyncio.gather(
            *(call(n, self.random.choice(bursts) + self.random.uniform(0, 3)) for n in range(calls))
        )

    @property
    def most(self) -> int:
        """The largest number of calls in any 60 seconds."""
        times = sorted(self.sent)
        return max(sum(start <= each < start + 60 for each in times) for start in times)


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_no_minute_of_all_processes_together_has_more_calls_than_allowed(seed: int) -> None:
    """Whatever their clocks show; and nobody is refused for ever."""
    course = Course(seed)
    calls = min(60, 8 * course.limit)
    simulate(course.run(calls))

    assert course.most <= course.limit
    assert calls == len(course.sent)


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_a_process_that_stalls_breaks_nothing(seed: int) -> None:
    """Also one whose listing or whose write takes longer than places are kept."""
    course = Course(seed, stalls=0.03)
    simulate(course.run(min(100, 12 * course.limit)))

    assert course.sent
    assert course.most <= course.limit


@pytest.mark.parametrize("processes", [1, 6, 20])
def test_a_whole_minute_is_used(processes: int) -> None:
    """However many compete, a full minute is sent at once, and the next one within three seconds of its time."""
    course = Course(1)
    course.limit, course.account.whole = 45, True

    async def run() -> None:
        """Make two minutes' calls."""
        all_of_them = [course.process(0.1) for _ in range(processes)]

        async def call(number: int) -> None:
            """Make one call, and come back where it is refused."""
            for _ in range(9):
                try:
                    await asyncio.sleep(await all_of_them[number % processes].reserve(30, 0, str(number)))
                except Throttled as refused:
                    await asyncio.sleep((refused.retry_after or 0) + 1)
                else:
                    course.sent.append(passed())
                    return

        await asyncio.gather(*map(call, range(90)))

    simulate(run())
    times = sorted(course.sent)

    assert times[44] < 20
    assert 60 <= times[45] - times[0]
    assert times[89] - times[44] < 70
    assert course.most <= 45
