"""Sixty incidents at once while a sweep is under way, with twelve calls a minute and six processes: five minutes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx

from tests.benchmarks.scripted import check
from tests.support.crowd import Crowd, Served
from tests.support.crowd_process import start, tools_for
from tests.support.deployed import ROOT, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 12
NUMBERS = range(4101, 4161)
#: Three processes on each of two instances: one for each queue.
QUEUES = ("urgent", "runs", "sweeps")
#: The sweep's share of a minute.
SWEPT = LIMIT - LIMIT // 3


def until(what: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so. Raises AssertionError if it is not after *seconds*."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


async def begin(folder: Path, address: str, numbers: range | tuple[int, ...]) -> None:
    """Start runs of incidents in both of their queues, or a sweep for 0."""
    tools = tools_for(folder, address, LIMIT, httpx.AsyncHTTPTransport())
    for number in numbers:
        await start(tools, number, QUEUES[number % 2] if number else "sweeps")
    await tools.graph.close()


def test_incidents_go_before_a_sweep_within_the_quota(tmp_path: Path) -> None:
    """No more than 12 calls in any 60 seconds, no refusal, and hardly longer than the quota takes."""
    crowd = Crowd(LIMIT)
    processes = []
    with served(Served(crowd)) as address:
        try:
            for queue in QUEUES * 2:
                command = [sys.executable, "-m", "tests.support.crowd_process"]
                arguments = [str(tmp_path), address, queue, str(LIMIT)]
                processes.append(subprocess.Popen([*command, *arguments], cwd=ROOT))
            asyncio.run(begin(tmp_path, address, (0,)))
            until(lambda: len(crowd.hunts) >= SWEPT, 60)
            arrived = time.monotonic()
            asyncio.run(begin(tmp_path, address, NUMBERS))
            until(lambda: len(crowd.comments) == len(NUMBERS), 600)
            # What would come twice comes soon; the sweep goes on.
            until(lambda: not crowd.hunts[-1].incident, 150)
        finally:
            (tmp_path / "end").touch()
            for process in processes:
                process.terminate()
                process.wait()
    said = crowd.check(arrived, NUMBERS)
    print("\n" + "\n".join(said), end="")
    took = max(crowd.of_incidents) - arrived
    least = crowd.least(arrived, len(NUMBERS))
    check("60 incidents at 12 calls a minute", f"{took:.0f} of {least:.0f} s", took / least, 1.15)
