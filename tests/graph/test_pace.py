"""How many hunting queries are sent per minute, and at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Throttled
from shared.pace import Pace
from shared.state.objects import Store
from shared.state.quota import StoredQuota
from tests.support.line import ROWS, Line, hunt, refusal


@given(
    st.integers(1, 5),
    st.floats(0, 200),
    st.lists(st.one_of(st.just(0.0), st.floats(0, 40), st.just(60.0)), min_size=1, max_size=40),
)
async def test_no_minute_has_more_calls_than_allowed(
    per_minute: int, patience: float, gaps: list[float]
) -> None:
    """Calls start in order and as soon as they may; only those that would wait too long are refused."""
    now = 1_000.0
    pace = Pace(per_minute, lambda: now)
    starts: list[float] = []
    for gap in gaps:
        now += gap
        free = max(now, starts[-per_minute] + 60) if len(starts) >= per_minute else now
        try:
            starts.append(now + await pace.reserve(patience))
        except Throttled as refused:
            assert refused.retry_after
            assert refused.retry_after > patience
            assert abs(free - now - refused.retry_after) < 1e-6
        else:
            assert starts[-1] - now <= patience + 1e-6
            assert abs(free - starts[-1]) < 1e-6

    assert sorted(starts) == starts
    assert all(
        later - earlier > 60 - 1e-6 for earlier, later in zip(starts, starts[per_minute:], strict=False)
    )


async def test_hunts_beyond_the_limit_per_minute_are_not_sent() -> None:
    """The caller is given the number of seconds until there is room under HUNTS_PER_MINUTE."""
    line = Line(ROWS)
    graph = line.graph(HUNTS_PER_MINUTE="2")
    await hunt(graph)
    await hunt(graph)
    with pytest.raises(Throttled, match=r"waiting for its turn: HUNTS_PER_MINUTE \(2\) is used up") as caught:
        await hunt(graph)

    assert caught.value.retry_after
    assert 59 < caught.value.retry_after <= 60
    assert (2, []) == (len(line.requests), line.slept)


async def test_each_attempt_that_reaches_graph_takes_a_place_of_the_shared_quota() -> None:
    """Clients that share a store share the quota, and a hunt that is repeated counts twice."""
    nobody: Any = None
    store = Store.open("memory://", nobody)
    line = Line(refusal(503), ROWS)
    one, other = (line.graph(quota=StoredQuota(store, 3), HUNTS_PER_MINUTE="3") for _ in range(2))
    await hunt(one)
    await hunt(other)
    with pytest.raises(Throttled, match=r"HUNTS_PER_MINUTE \(3\) is used up"):
        await hunt(one.without_retries())

    assert 3 == len(line.requests) == len(await store.keys("quota/places/"))


async def test_no_more_hunts_run_at_once_than_allowed() -> None:
    """Of twelve hunts that start together, only HUNT_CONCURRENCY are under way at any time."""
    under_way: list[int] = []

    class Busy(Line):
        """A line that counts the calls that are under way."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Answer after a moment."""
            under_way.append(1 + under_way[-1] if under_way else 1)
            await asyncio.sleep(0.001)
            under_way.append(under_way[-1] - 1)
            return await super().handle_async_request(request)

    graph = Busy(ROWS).graph(HUNT_CONCURRENCY="3")
    await asyncio.gather(*(hunt(graph) for _ in range(12)))

    assert 3 == max(under_way)


@pytest.mark.fault("A29", before="DID NOT RAISE Throttled: who came later took the slot")
async def test_who_was_refused_keeps_its_place() -> None:
    """A slot that becomes free goes to who was refused first; who comes later is told when it is its turn."""
    now = 1_000.0
    pace = Pace(2, lambda: now)
    waits = []
    for name in ("a", "b", "c", "d", "e"):
        try:
            await pace.reserve(30, name=name)
        except Throttled as refused:
            waits.append((name, refused.retry_after))
    now += 60
    with pytest.raises(Throttled) as late:
        await pace.reserve(30, name="f")

    assert [("c", 60), ("d", 60), ("e", 120)] == waits
    assert 60 == late.value.retry_after
    assert [0, 0] == [await pace.reserve(30, name=name) for name in ("d", "c")]
    with pytest.raises(Throttled) as served:
        await pace.reserve(30, name="g")
    # Behind e and f alone: who was served has left the line.
    assert 120 == served.value.retry_after


async def test_a_place_is_kept_for_two_minutes() -> None:
    """Who never comes back holds up nobody from then on."""
    now = 1_000.0
    pace = Pace(1, lambda: now)
    await pace.reserve(30)
    with pytest.raises(Throttled):
        await pace.reserve(30, name="gone")
    now += 60 + 120
    with pytest.raises(Throttled):
        await pace.reserve(30)
    now += 1

    assert 0 == await pace.reserve(30)


async def test_a_yielding_call_waits_for_no_place() -> None:
    """It asks for a slot that is free at once, and leaves those of who was refused before to them."""
    now = 1_000.0
    pace = Pace(3, lambda: now)
    for _ in range(3):
        await pace.reserve(30)
    for name in ("a", "b"):
        with pytest.raises(Throttled):
            await pace.reserve(30, name=name)
    now += 60
    with pytest.raises(Throttled):
        await pace.reserve(30, spare=1)
    await pace.reserve(30, name="a")
    now += 120 + 1

    assert 0 == await pace.reserve(30, spare=1)
