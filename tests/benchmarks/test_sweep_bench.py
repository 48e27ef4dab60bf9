"""What a sweep costs if its rows come in a dozen answers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from math import ceil

import pytest

from sandbox.tenant.intrusions import DROP_ADDRESS as DROP
from sandbox.tenant.intrusions import RELAY_ADDRESS as RELAY
from sandbox.tenant.state import Limits
from tests.benchmarks.scripted import ROOT, check
from tests.support.sweeping import DESKTOPS, SERVERS, Fleet, Sweeping

FEW, MANY = 100_000, 1_000_000
STAGE = "203.0.113.44"


@pytest.fixture(scope="module")
def taken() -> dict[int, dict[str, float]]:
    """What a sweep of few and of many rows took, by the number of rows: the best of three measurements."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.sweep"]

    def measure(rows: int) -> dict[str, float]:
        done = subprocess.run([*command, str(rows)], cwd=ROOT, check=True, capture_output=True)
        return json.loads(done.stdout)

    rounds = [{rows: measure(rows) for rows in (FEW, MANY)} for _ in range(3)]
    return {rows: min((one[rows] for one in rounds), key=lambda one: one["seconds"]) for rows in (FEW, MANY)}


def test_a_million_rows_need_at_most_512_mb(taken: dict[int, dict[str, float]]) -> None:
    """The peak memory of the whole process counts."""
    peak = taken[MANY]["peak"] / 1_000_000

    check("sweep of 1,000,000 rows: memory", f"{peak:.0f}/512 MB", peak / 512, 1)


def test_time_grows_in_proportion_to_the_rows(taken: dict[int, dict[str, float]]) -> None:
    """Ten times the rows take at most eleven times as long."""
    few, many = taken[FEW]["seconds"], taken[MANY]["seconds"]

    check("sweep of 1,000,000 rows, beside 100,000: time", f"{many:.2f}/{few:.2f} s", many / few, 11)


def test_a_million_rows_take_few_calls(taken: dict[int, dict[str, float]]) -> None:
    """They take at most twice as many as the eleven calls that they fill."""
    check("sweep of 1,000,000 rows: calls", f"{taken[MANY]['calls']:.0f}/11", taken[MANY]["calls"] / 11, 2)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """A fleet of 2,000 devices over a fortnight: about two million network events."""
    return Fleet(devices=2_000, days=14)


@pytest.mark.parametrize(
    ("hunt", "planted"),
    [
        (SERVERS, {("srv-7", "curl", DROP), ("srv-7", "perl", DROP), ("srv-2", "wget", RELAY)}),
        (DESKTOPS, {("wks-012", "python3", STAGE), ("wks-003", "wget", RELAY)}),
    ],
)
async def test_an_intrusion_is_among_the_first_ten_rows(
    fleet: Fleet, hunt: str, planted: set[tuple[str, str, str]]
) -> None:
    """What an intruder did on single devices of 2,000 is ranked above what is common."""
    app = Sweeping(fleet)
    summary = await app.summary(await app.swept(hunt), hunt)
    await app.close()
    first = [(row.device.split(".")[0], row.process, row.destination) for row in summary.ranked]
    worst = max(first.index(each) for each in planted) + 1

    check(f"{hunt}: rank among {summary.new_rows:,} new rows", f"{worst}/10", worst / 10, 1)


async def test_a_difficult_tenant_is_swept_whole_in_few_calls(fleet: Fleet) -> None:
    """It cuts answers at 1,000 rows, times out wide queries and runs out of CPU, yet no row is missing."""
    limits = Limits(truncate_rows=1_000, costly_rows=20_000)
    easy, hard = Sweeping(fleet), Sweeping(fleet, limits=limits, most=1_000)
    until = hard.now() + timedelta(minutes=10)
    hard.tenant.faults.add(match="hunt", status=429, cpu=True, until=until)
    whole, parts = await easy.swept(SERVERS), await hard.swept(SERVERS)
    rows = await easy.rows(whole, SERVERS)
    least, answered = 1 + ceil(len(rows) / 999), hard.answered()
    calls = answered.total() - answered[429]
    await easy.close()
    await hard.close()

    assert "completed" == (await hard.done(parts)).status
    assert rows == await hard.rows(parts, SERVERS)
    assert 45 >= hard.busiest_minute()
    check(f"{len(rows):,} rows, 1,000 an answer: calls", f"{calls}/{least}", calls / least, 2)
