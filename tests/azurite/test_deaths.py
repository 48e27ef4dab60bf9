"""Workers die at any of their calls, and the queue of a storage account delivers their runs again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.tenant import incidents
from shared.model.record import Work
from shared.state.queue import sender
from shared.state.runs import run_id
from shared.work import work_on
from tests.support.mortal import Killed, Life, MortalStore
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

    from tests.support.azurite import Azurite

#: Seconds for which a message is hidden from other workers: longer than a run takes here.
HIDDEN = 3


@pytest.mark.azurite
async def test_what_dead_workers_leave_is_done_by_the_next(fleet: Fleet, azurite: Azurite) -> None:
    """Of ten incidents, each with a worker that dies at another call, each is commented once."""
    to_queue = sender(azurite.settings())

    def send(queue: str, run: str, delay: int) -> None:
        """Send a run, and instead of a delay move the clock."""
        app.ahead += timedelta(seconds=delay)
        to_queue(queue, run, 0)

    app = Deployment(
        fleet,
        planted_open=False,
        opened=lambda: azurite.open(MortalStore),
        send=send,
        HUNTS_PER_MINUTE="100000",
    )
    # All about the same evidence, whose queries are the same.
    first = incidents.generate(app.tenant, severity="high")
    opened = [first, *(incidents.generate(app.tenant, severity="high") for _ in range(9))]
    for incident in opened:
        incident["alerts"] = first["alerts"]
    lives = {}
    for number, incident in enumerate(opened):
        work = Work(run_id(""), app.now(), "", incident_id=incident["id"])
        lives[work.run_id] = Life(2 + number)
        await app.tools.runs.start(work, chosen_key=False)

    queue, died = azurite.queue("urgent"), []

    async def deliver(message: QueueMessage) -> None:
        """Work on a message as a new worker, and delete it if the worker survived."""
        try:
            tools = app.worker(lives.pop(message.content, None))
            await work_on(tools, message.content, again=message.dequeue_count > 1)
        except Killed:
            died.append(message.content)
        else:
            queue.delete_message(message)

    while queue.get_queue_properties().approximate_message_count:
        message = queue.receive_message(visibility_timeout=HIDDEN)
        await (deliver(message) if message else asyncio.sleep(0.1))
    ends = [await app.done(run) for run in await runs(app)]
    await app.close()

    assert 10 == len(set(died)) == len(died)
    assert {incident["id"]: 1 for incident in opened} == {i["id"]: len(i["comments"]) for i in opened}
    assert {"completed"} == {end.status for end in ends}


async def runs(app: Deployment) -> list[str]:
    """Return the ids of the runs that no late look started."""
    names = {key.split("/")[1] for key in await app.tools.store.keys("runs/")}
    return [name for name in sorted(names) if (await app.read(name)).work.source != "late"]
