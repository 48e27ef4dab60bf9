"""A process of the app that works on one queue, a folder, until it is told to end: `FOLDER GRAPH_URL QUEUE LIMIT`."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from shared import settings
from shared.graph.client import Graph
from shared.model.record import Work
from shared.sentinel.client import Arm
from shared.state.objects import Store
from shared.state.quota import StoredQuota
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on
from tests.benchmarks.large import Identity
from tests.benchmarks.scripted import ENVIRONMENT
from tests.support.hunt_files import five_hunts

if TYPE_CHECKING:
    from collections.abc import Callable

#: As host.json has it: so many messages at once, and no more before they are done.
BATCH, POLL = 4, 0.4


def sender(folder: Path) -> Callable[[str, str, int], None]:
    """Return what sends a message: a file, named by when it is to be delivered."""

    def send(queue: str, run: str, delay: int) -> None:
        """Send one message."""
        place = folder / "queues" / queue
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{int((time.time() + delay) * 1000):015d}.{run}").touch()

    return send


def received(folder: Path, queue: str) -> list[str]:
    """Return up to four runs whose messages are due, and which no other process took."""
    found: list[str] = []
    place, taken = folder / "queues" / queue, folder / "taken"
    taken.mkdir(exist_ok=True)
    for message in sorted(place.iterdir() if place.exists() else ()):
        if len(found) == BATCH or int(message.name.partition(".")[0]) > time.time() * 1000:
            break
        try:
            message.rename(taken / message.name)
        except FileNotFoundError:
            continue
        found.append(message.name.partition(".")[2])
    return found


def tools_for(folder: Path, graph_url: str, limit: int, transport: httpx.AsyncBaseTransport) -> Tools:
    """Return the tools of one process, whose state and queues are below *folder*."""
    chosen = settings.read_settings(
        {**ENVIRONMENT, "GRAPH_URL": graph_url, "HUNTS_PER_MINUTE": str(limit), "HUNT_CONCURRENCY": "16"}
    )
    store = Store.open((folder / "state").as_uri(), Identity())
    graph = Graph(chosen, Identity(), transport=transport, quota=StoredQuota(store, limit))
    return Tools(chosen, graph, Arm(chosen, Identity()), store, Runs(store, sender(folder)), five_hunts())


async def start(tools: Tools, number: int, queue: str) -> None:
    """Start a run of an incident, or a sweep for 0."""
    work = Work(
        run_id(""),
        datetime.now(UTC),
        "",
        incident_id=str(number or ""),
        hunts=() if number else ("linux-server-egress-baseline",),
        queue=queue,
        kind="enrichment" if number else "sweep",
        source="watch" if number else "timer",
    )
    await tools.runs.start(work, chosen_key=False)


async def main(folder: Path, graph_url: str, queue: str, limit: int) -> None:
    """Work on what the queue has until there is a file `end`."""
    async with httpx.AsyncHTTPTransport() as transport:
        tools = tools_for(folder, graph_url, limit, transport)
        while not (folder / "end").exists():
            await asyncio.gather(*(work_on(tools, run) for run in received(folder, queue)))
            await asyncio.sleep(POLL)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
