"""A hundred incidents while workers and hosts die: how long after the last death the last one is commented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.scripted import check
from tests.support.machine import weather

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 180.0  # seconds


def test_a_hundred_incidents_through_a_minute_of_deaths(tmp_path: Path) -> None:
    """The worker is killed every 3 seconds, the host every 20, and it is stopped once; each incident has one comment."""
    numbers = range(7001, 7101)
    tenant, seconds, before = weather(tmp_path, numbers, most=LIMIT, seconds=60, worker=3, host=20, stop=30)
    twice = sum(count - 1 for count in tenant.hunts.values())
    print(
        f"\n{before} of 100 were commented by the last death; {twice} of {len(tenant.hunts)} hunts were done twice",
        end="",
    )
    check("last comment after the last death", f"{seconds:.0f} of {LIMIT:.0f} s", seconds / LIMIT, 1.0)
