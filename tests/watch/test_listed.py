"""Under whose name a run is listed, and that it is listed no longer than it lasts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.model.record import Work
from shared.state.runs import run_id
from shared.watch import look
from shared.work import work_on
from tests.support.process import Process

if TYPE_CHECKING:
    from tests.support.tenant import Deployment


async def test_a_late_look_is_not_counted_for_whoever_asked_first(app: Deployment) -> None:
    """Nobody waits for it: it is listed under no caller's name, and nothing of it stays listed."""
    assert app.tenant.open("exfiltration")
    work = Work(run_id(""), app.now(), "", incident_id="4101", caller="somebody")
    await app.tools.runs.start(work, chosen_key=False)
    before = await app.tools.runs.listed("somebody")
    await work_on(app.tools, work.run_id)
    late = app.messages[-1][1]
    app.ahead = (await app.read(late)).work.requested - app.clock
    process = Process(app)
    process.deliver(late)
    await process.hunts()
    during = (await app.tools.runs.listed("somebody"), sorted(await app.tools.runs.listed()))
    process.open.set()
    await asyncio.gather(*process.deliveries)

    assert [work.run_id] == list(before)
    assert late != work.run_id
    assert ({}, [late]) == during
    assert [] == sorted(await app.tools.runs.listed())


async def test_runs_that_are_done_or_gone_are_forgotten(app: Deployment) -> None:
    """The list of runs that have not ended does not grow for ever."""
    assert app.tenant.open("exfiltration")
    run = await app.ask(incidentId="4101")
    await work_on(app.tools, run)
    for name in (run, run_id("")):
        await app.tools.runs.open(name)
    await look(app.tools)

    assert [] == sorted(await app.tools.runs.listed())
