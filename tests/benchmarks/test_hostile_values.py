"""What a comment about values that an attacker made long costs, beside ordinary ones of their size."""

from __future__ import annotations

import pytest

from shared.comment.text import render_text
from tests.benchmarks.scripted import check
from tests.support.long_values import ORDINARY, comment_on, hostile
from tests.support.repeats import least_seconds

ROUNDS = 7


@pytest.mark.parametrize("kind", hostile())
def test_hostile_values_take_at_most_twice_the_time(kind: str) -> None:
    """12 rows of 32 KB of the piece that takes longest, beside 12 rows of 32 KB of ordinary command lines."""

    def seconds(unit: str) -> float:
        said = comment_on(unit)
        return least_seconds(lambda _: render_text(said, max_chars=30_000), "", ROUNDS)

    ordinary = seconds(ORDINARY)
    worst = max((seconds(unit), unit) for unit in hostile()[kind])
    figures = f"{1000 * worst[0]:.1f}/{1000 * ordinary:.1f} ms ({worst[1][:20]!r})"

    check(f"12 rows of 32 KB, {kind}, beside ordinary ones", figures, worst[0] / ordinary, 2)
