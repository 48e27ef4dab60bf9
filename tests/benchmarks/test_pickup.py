"""A lone run after a quiet minute, on the sandbox's host: how long it lies in its queue, and what it then costs."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.benchmarks.scripted import check
from tests.support.answering import Tenant
from tests.support.deployed import served
from tests.support.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

TRIP = 0.25  # seconds
RUNS = 10
#: Seconds. By then a queue is polled as rarely as it ever is, so a minute would be the same.
QUIET = 4.0


def test_a_lone_run_is_picked_up_at_once(tmp_path: Path) -> None:
    """It waits for half a second at most, and is done soon after its three round trips, as its caller sees it."""
    tenant = Tenant(trip=TRIP)
    with served(tenant) as address:
        machine = Machine(tmp_path, address, **{"AzureWebJobs.WatchIncidents.Disabled": "true"})
        try:
            machine.start()
            times = [_lone(machine, tenant, number) for number in range(7001, 7001 + RUNS)]
        finally:
            machine.close()
    wait, trips = max(wait for wait, _ in times), min(seconds for _, seconds in times) / (3 * TRIP)
    check("longest wait of a lone run in its queue", f"{wait:.2f} of 0.50 s", wait / 0.5, 1.0)
    check("picked up to done, as its caller sees it", f"{trips * 3 * TRIP:.2f} s", trips, 1.15)


def _lone(machine: Machine, tenant: Tenant, number: int) -> tuple[float, float]:
    """Start one run after some quiet; return how long it waited, and how long it then took until its status said so."""
    time.sleep(QUIET + random.random())
    run = machine.enrich(number)
    sent = time.monotonic()
    while machine.http.get(f"/api/runs/{run}").status_code == 202:
        time.sleep(0.01)
    return tenant.read[number] - sent, time.monotonic() - tenant.read[number]
