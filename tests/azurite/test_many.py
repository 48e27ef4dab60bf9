"""Many incidents at once, through the queue and the container of a storage account."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.graph.client import Graph
from shared.model.record import Work
from shared.sentinel.client import Arm
from shared.state.queue import sender
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on
from tests.support.echo import Anyone, Echo, numbers
from tests.support.hunt_files import five_hunts

if TYPE_CHECKING:
    from shared.model.record import Done
    from tests.support.azurite import Azurite

INCIDENTS, AT_ONCE = range(100, 300), 16


@pytest.mark.azurite
async def test_two_hundred_incidents_sixteen_at_once(azurite: Azurite) -> None:
    """Each has one comment, which is its own, and its run says so; no message is left."""
    tenant = Echo()
    chosen = azurite.settings(HUNTS_PER_MINUTE="100000", HUNT_CONCURRENCY="64")
    graph, arm = Graph(chosen, Anyone(), transport=tenant), Arm(chosen, Anyone())
    store = azurite.open()
    tools = Tools(chosen, graph, arm, store, Runs(store, sender(chosen)), five_hunts())
    slots, queue = asyncio.Semaphore(AT_ONCE), azurite.queue("urgent")

    async def ask(number: int) -> None:
        """Start a run for an incident."""
        async with slots:
            work = Work(run_id(""), datetime.now(UTC), "", incident_id=str(7_000 + number))
            await tools.runs.start(work, chosen_key=False)

    async def done() -> Done | None:
        """Do the next run of the queue, and return how it ended."""
        async with slots:
            message = await asyncio.to_thread(queue.receive_message, visibility_timeout=120)
            assert message
            await work_on(tools, message.content)
            await asyncio.to_thread(queue.delete_message, message)
            return await tools.runs.done(message.content)

    started = time.monotonic()
    await asyncio.gather(*map(ask, INCIDENTS))
    ends = await asyncio.gather(*(done() for _ in INCIDENTS))
    print(f"\n{len(INCIDENTS)} incidents, {AT_ONCE} at once: {time.monotonic() - started:.0f} s")
    await graph.close()

    assert {n: [{n}] for n in INCIDENTS} == {n: [numbers(t) for t in tenant.comments[n]] for n in INCIDENTS}
    assert Counter({("completed", "written"): 200}) == Counter(
        (end.status, *(each.status for each in end.comments)) for end in ends if end
    )
    assert 0 == queue.get_queue_properties().approximate_message_count
