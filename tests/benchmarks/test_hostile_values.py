"""What a comment about values that an attacker made long costs, beside ordinary ones of their size, and who waits for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from shared.comment.text import render_text
from shared.incident.defender import comment_in_defender
from shared.model.record import Plan
from tests.benchmarks.scripted import check
from tests.support import callers
from tests.support.endings import EXFILTRATION
from tests.support.long_values import ORDINARY, comment_on, hostile
from tests.support.repeats import least_seconds

if TYPE_CHECKING:
    from tests.support.tenant import Deployment

ROUNDS = 7


def seconds(unit: str, rounds: int = ROUNDS) -> float:
    """Return the least processor time of a comment about 12 rows of 32 KB that repeat *unit*."""
    said = comment_on(unit)
    return least_seconds(lambda _: render_text(said, max_chars=30_000), "", rounds)


@pytest.mark.parametrize("kind", hostile())
def test_hostile_values_take_at_most_twice_the_time(kind: str) -> None:
    """12 rows of 32 KB of the piece that takes longest, beside 12 rows of 32 KB of ordinary command lines."""
    ordinary = seconds(ORDINARY)
    worst = max((seconds(unit), unit) for unit in hostile()[kind])
    figures = f"{1000 * worst[0]:.1f}/{1000 * ordinary:.1f} ms ({worst[1][:20]!r})"

    check(f"12 rows of 32 KB, {kind}, beside ordinary ones", figures, worst[0] / ordinary, 2)


async def test_health_answers_while_such_a_comment_is_written(
    app: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks waits for a part of the comment at most, not for all of it."""
    unit = max((seconds(unit, 1), unit) for units in hostile().values() for unit in units)[1]
    said = comment_on(unit)
    incident = await app.tools.graph.get_incident(EXFILTRATION)
    waits = []
    with callers.queues() as address, callers.platform(address, "entra", monkeypatch):
        await callers.ask("GET /api/health", callers.principal())
        started = time.perf_counter()
        writing = asyncio.create_task(
            comment_in_defender(app.tools, Plan(incident_id=EXFILTRATION), said, "a" * 32, incident)
        )
        while not writing.done():
            asked = time.perf_counter()
            answer = await callers.ask("GET /api/health", callers.principal())
            waits.append(time.perf_counter() - asked)
            assert 200 == answer.status_code
            await asyncio.sleep(0)
        took = time.perf_counter() - started
        await callers.close()
    figures = f"{1000 * max(waits):.0f}/{1000 * took:.0f} ms ({len(waits)} answers)"

    check("health, beside the comment written meanwhile", figures, max(waits) / took, 0.5)
