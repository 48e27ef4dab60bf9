"""When a comment's incident is read again before it is commented on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.comment.content import Content
from shared.incident.posting import post
from shared.model.entity import Chosen
from shared.model.incident import Snapshot
from shared.model.record import Plan, Work
from tests.support.endings import EXFILTRATION
from tests.support.said import RUN_ID, outcome

if TYPE_CHECKING:
    from tests.support.tenant import Deployment


async def reads(app: Deployment, age: float, *, again: bool = False) -> int:
    """Post a comment on an incident that was read *age* seconds ago; return how often it was read meanwhile."""
    incident = await app.tools.graph.get_incident(EXFILTRATION)
    before = app.calls("incident")
    content = Content(RUN_ID, Chosen(), (outcome("found"),), app.tools.catalog.by_name)
    result = await post(
        app.tools,
        Work(RUN_ID, app.now(), "", incident_id=EXFILTRATION),
        Plan(incident_id=EXFILTRATION),
        content,
        Snapshot(incident, time.monotonic() - age),
        again=again,
    )

    assert "written" == result.status
    return app.calls("incident") - before


@pytest.mark.fault("C", before="it was read 0 times")
async def test_a_stale_incident_is_read_again(app: Deployment) -> None:
    """After 30 seconds it may have been merged, or commented on."""
    assert 1 == await reads(app, 31)


async def test_an_incident_just_read_is_not_read_again(app: Deployment) -> None:
    """One call less for each run."""
    assert 0 == await reads(app, 20)


async def test_a_run_that_is_delivered_again_reads_its_incident_again(app: Deployment) -> None:
    """The earlier worker may have written the comment."""
    assert 1 == await reads(app, 0, again=True)
