"""A hundred incidents while workers and hosts die: how long after the last death the last one is commented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.scripted import check
from tests.support.answering import Tenant
from tests.support.deployed import served
from tests.support.machine import Machine, storm, until

if TYPE_CHECKING:
    from pathlib import Path

INCIDENTS = range(7001, 7101)
LIMIT = 180.0  # seconds


def test_a_hundred_incidents_through_a_minute_of_deaths(tmp_path: Path) -> None:
    """The worker is killed every 3 seconds, the host every 20, and it is stopped once; each incident has one comment."""
    tenant = Tenant(delay=0.5)
    with served(tenant) as address:
        machine = Machine(tmp_path, address)
        try:
            machine.start()
            for number in INCIDENTS:
                machine.enrich(number)
            last = storm(machine, seconds=60, worker=3, host=20, stop=30)
            before = len(tenant.comments)
            until(tenant, INCIDENTS, LIMIT)
        finally:
            machine.close()
    assert dict.fromkeys(INCIDENTS, 1) == {
        each: len(texts) for each, texts in sorted(tenant.comments.items())
    }
    seconds = max(tenant.times.values()) - last
    twice = sum(count - 1 for count in tenant.hunts.values())
    print(
        f"\n{before} of 100 were commented by the last death; {twice} of {len(tenant.hunts)} hunts were done twice",
        end="",
    )
    check("last comment after the last death", f"{seconds:.0f} of {LIMIT:.0f} s", seconds / LIMIT, 1.0)
