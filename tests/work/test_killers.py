"""On the sandbox's host, as it is Azure's: runs that kill their worker, and the runs beside them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.answering import Tenant
from tests.support.deployed import finished, served
from tests.support.machine import Machine, until

if TYPE_CHECKING:
    from pathlib import Path

FIRST = 7001
STOPPED = "the run stopped its worker 3 times while it was alone in it; the app's log says where"


def play(folder: Path, killers: int, incidents: int) -> tuple[float, list[int], list[str]]:
    """
    Enrich so many *incidents* at once, the first of them *killers*, whose hunts take a second.

    Returns the seconds until all innocent ones were commented, on how many incidents there is how many comments,
    and why the killers failed.
    """
    folder.mkdir()
    numbers = range(FIRST, FIRST + incidents)
    guilty, innocent = numbers[:killers], numbers[killers:]
    tenant = Tenant(delay=1.0, killers=guilty)
    with served(tenant) as address:
        machine = Machine(folder, address)
        tenant.doom = machine.doom
        try:
            machine.start()
            began = time.monotonic()
            runs = {number: machine.enrich(number) for number in numbers}
            until(tenant, innocent, 120)
            seconds = max(tenant.times.get(number, began + 1_000) for number in innocent) - began
            until(tenant, guilty, 240)
            ended = [finished(machine.http, f"/api/runs/{runs[number]}") for number in guilty]
        finally:
            machine.close()
    reasons = {f"{run['status']}: {hunt['reason']}" for run in ended for hunt in run["hunts"]}
    return seconds, [len(comments) for comments in tenant.comments.values()], sorted(reasons)


@pytest.mark.fault(
    "H1", before="none of the neighbours' incidents was commented, and four runs were given up"
)
def test_innocent_neighbours_are_commented_within_two_minutes(tmp_path: Path) -> None:
    """A killer among eleven incidents, and two among twenty, in batches of four: only the killers fail, and say why."""
    with ThreadPoolExecutor() as pool:
        games = [(tmp_path / "one", 1, 11), (tmp_path / "two", 2, 20)]
        played = list(pool.map(lambda game: play(*game), games))

    assert [True, True] == [seconds < 120 for seconds, *_ in played]
    assert [[1] * 11, [1] * 20] == [comments for _, comments, _ in played]
    assert [[f"failed: {STOPPED}"]] * 2 == [reasons for *_, reasons in played]
