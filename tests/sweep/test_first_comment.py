"""A sweep's comment is never an incident's first one, whose wait is measured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.telemetry.engine import timestamp
from shared.comment.content import Content
from shared.incident.posting import post
from shared.model.entity import Chosen
from shared.model.outcome import Outcome
from shared.model.record import Plan, Work
from shared.state.runs import run_id
from shared.work import work_on
from tests.support.sweeping import ARCHIVES, Sweeping
from tests.support.tenant import Deployment, Fleet
from tests.support.watched import INCIDENT, Watched


async def test_a_sweeps_comment_is_no_first_comment(fleet: Fleet) -> None:
    """A sweep that the timer starts comments on an incident of 20 days, and no time to a comment is measured."""
    app = Sweeping(fleet)
    watched = Watched(app)
    app.tenant.incidents[INCIDENT]["createdDateTime"] = timestamp(app.now() - timedelta(days=20))
    work = Work(run_id(""), app.now(), "", hunts=(ARCHIVES,), queue="sweeps", kind="sweep", source="timer")
    await watched.tools.runs.start(work, chosen_key=False)
    await work_on(watched.tools, work.run_id)
    comments = app.comments(INCIDENT)
    await watched.tools.graph.close()
    await app.close()

    assert 1 == len(comments)
    assert ("outrider.runs", "completed", "sweep", "timer") in watched.metrics
    assert [] == [key for key in watched.metrics if key[0] == "outrider.comment.seconds"]


@pytest.mark.fault("A30", before="{} == {('outrider.comment.seconds',): 1728000.0}")
async def test_no_plan_of_a_sweep_measures_a_first_comment(fleet: Fleet) -> None:
    """Even if a sweep's plan said when the incident was opened, its comment would not count."""
    app = Deployment(fleet)
    watched = Watched(app)
    opened = watched.app.now() - timedelta(days=20)
    work = Work(run_id(""), watched.app.now(), "", kind="sweep", source="timer")
    content = Content(work.run_id, Chosen(), (Outcome("x", "x", "found"),), {})
    result = await post(
        watched.tools, work, Plan(incident_id=INCIDENT, opened=opened), content, None, again=False
    )
    await watched.tools.graph.close()
    await app.close()

    assert "written" == result.status
    assert {} == watched.metrics
