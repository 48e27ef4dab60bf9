"""Which runs leave something for the watch to hunt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import incidents
from shared.model.entity import Dropped
from shared.watch import look
from shared.work import work_on
from tests.support.tenant import Deployment


async def hunted_by_the_watch(app: Deployment, **asked: Any) -> int:
    """Let a person's run end, then the watch's; return how many hunts the latter sent."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await app.enrich(incidentId=incident["id"], **asked)
    before = app.calls("hunt")
    app.messages.clear()
    app.clock = app.now() + timedelta(minutes=1)
    await look(app.tools)
    # Only these: a late look that comes before its time sends itself again.
    for _, run, _ in tuple(app.messages):
        await work_on(app.tools, run)
    return app.calls("hunt") - before


@pytest.mark.fault("C", before="the watch sent 0 hunts")
async def test_a_run_with_its_own_lookback_settles_nothing(app: Deployment) -> None:
    """It has looked at an hour only: the watch still hunts all that fits."""
    assert await hunted_by_the_watch(app, lookback="PT1H") > 0


async def test_what_the_watchs_run_leaves_out_is_named(app: Deployment) -> None:
    """Its plan has each entity that is not hunted, with the reason."""
    incident = app.tenant.open("exfiltration")
    assert incident
    incidents.grow(app.tenant, incident, incidents.evidence.ip("10.1.2.3", "malicious"))
    await look(app.tools)
    run = app.messages.pop()[1]
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert Dropped("ip", "10.1.2.3", "private or reserved address") in plan.chosen.dropped
