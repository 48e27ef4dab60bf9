"""Runs that a Sentinel playbook starts, on Defender's incidents and on Sentinel's own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import incidents, sentinel
from sandbox.tenant.state import RESPONDER
from shared.watch import look
from shared.work import work_on
from tests.support.tenant import Deployment

DEFENDER = "4101"


def own(app: Deployment) -> dict[str, Any]:
    """Return an incident of Sentinel's own, which Defender does not have."""
    return app.tenant.standalone[0]


@pytest.mark.parametrize("pascal", [False, True])
async def test_a_defender_incident_is_commented_only_in_defender(app: Deployment, *, pascal: bool) -> None:
    """It is read from Graph and commented there, in either form that a playbook's body can have."""
    source = app.tenant.incidents[DEFENDER]
    run = await app.playbook(sentinel.trigger(app.tenant, source, pascal=pascal))
    await work_on(app.tools, run)

    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(DEFENDER))
    assert [] == app.sentinel_comments(source)


@pytest.mark.parametrize("pascal", [False, True])
async def test_a_sentinel_incident_is_commented_there_in_html(app: Deployment, *, pascal: bool) -> None:
    """The comment says that something was found, and links to the query in the portal."""
    source = own(app)
    run = await app.playbook(sentinel.trigger(app.tenant, source, pascal=pascal))
    await work_on(app.tools, run)
    (html,) = app.sentinel_comments(source)

    assert "completed" == (await app.done(run)).status
    assert html.startswith("<h3>Outrider: found on srv-2: ")
    assert 'href="https://security.microsoft.com/v2/advanced-hunting?query=' in html


async def test_entities_missing_from_the_body_are_read_from_sentinel(app: Deployment) -> None:
    """Where the playbook's body lists no entities, the incident's devices and indicators are hunted."""
    source = own(app)
    body = sentinel.trigger(app.tenant, source)
    body["object"]["properties"]["relatedEntities"] = []
    run = await app.playbook(body)
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert plan.chosen.devices
    assert plan.chosen.indicators


async def test_unreadable_entities_are_mentioned_in_the_comment(app: Deployment) -> None:
    """Where Azure refuses to list the incident's entities, the comment warns that there may be more."""
    source = own(app)
    app.tenant.faults.add(match="sentinel", contains="/entities", status=400)
    run = await app.playbook(sentinel.trigger(app.tenant, source))
    await work_on(app.tools, run)
    (html,) = app.sentinel_comments(source)

    assert "there may be more" in html


async def test_sixty_entities_take_one_query_per_hunt(app: Deployment) -> None:
    """Sixty addresses in a playbook's body all enter the plan, and no hunt is sent more than once."""
    source = own(app)
    body = sentinel.trigger(app.tenant, source)
    body["object"]["properties"]["relatedEntities"] = [
        {"kind": "Ip", "properties": {"address": f"203.0.113.{n}"}} for n in range(1, 61)
    ]
    run = await app.playbook(body)
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert 60 <= len(plan.chosen.indicators)
    assert 5 >= app.calls("hunt")


async def test_a_run_waits_until_its_workspace_role_is_granted(app: Deployment) -> None:
    """The waiting run names the role; once it is granted, the comment is written and no hunt repeated."""
    source = own(app)
    app.tenant.roles.discard(RESPONDER)
    run = await app.playbook(sentinel.trigger(app.tenant, source))
    await work_on(app.tools, run)
    waiting = (await app.read(run)).wait
    app.tenant.roles.add(RESPONDER)
    hunts = app.calls("hunt")
    await work_on(app.tools, run)

    assert waiting
    assert "lacks the role Microsoft Sentinel Responder on the workspace" in waiting.reason
    assert hunts == app.calls("hunt")
    assert 1 == len(app.sentinel_comments(source))


async def test_an_incident_unknown_to_sentinel_fails_its_run(app: Deployment) -> None:
    """A playbook's incident that the workspace still does not have half an hour later gets a failed run."""
    body = sentinel.trigger(app.tenant, own(app))
    body["object"]["id"] = body["object"]["id"][:-4] + "ffff"
    run = await app.playbook(body)
    await work_on(app.tools, run)
    early = await app.read(run)
    app.clock += timedelta(minutes=30)
    await work_on(app.tools, run)

    assert early.done is None
    assert "failed" == (await app.done(run)).status


async def test_one_incident_passed_on_twice_has_one_comment(app: Deployment) -> None:
    """Two runs for the same Sentinel incident, worked on at the same time, write a single comment."""
    source = own(app)
    runs = [await app.playbook(sentinel.trigger(app.tenant, source)) for _ in range(2)]
    await asyncio.gather(*(work_on(app.worker(), run) for run in runs))

    assert 1 == len(app.sentinel_comments(source))


async def test_watch_and_playbook_together_write_one_comment(app: Deployment) -> None:
    """Each of the two starts a run, but the incident is hunted once and commented once."""
    app.tenant.incidents = {DEFENDER: app.tenant.incidents[DEFENDER]}
    run = await app.playbook(sentinel.trigger(app.tenant, app.tenant.incidents[DEFENDER]))
    incidents.update(app.tenant, app.tenant.incidents[DEFENDER])
    await look(app.tools)
    runs = {message[1] for message in app.messages}
    await asyncio.gather(*(work_on(app.worker(), each) for each in runs))

    assert run in runs
    assert 2 == len(runs)
    assert 1 == app.calls("hunt")
    assert 1 == len(app.comments(DEFENDER))


@pytest.mark.parametrize(
    ("before", "status", "last"), [(98, "written", 0), (99, "written", 1), (100, "failed", 0)]
)
async def test_the_last_comment_that_fits_says_so(
    app: Deployment, before: int, status: str, last: int
) -> None:
    """The 100th comment says that it is the last; with 100 already there, the run's comment fails."""
    source = own(app)
    comments = app.tenant.sentinel_comments.setdefault(sentinel.guid(source), {})
    comments |= {str(n): {"name": str(n), "properties": {"message": "seen"}} for n in range(before)}
    run = await app.playbook(sentinel.trigger(app.tenant, source))
    await work_on(app.tools, run)
    done = await app.done(run)

    assert [status] == [result.status for result in done.comments]
    assert last == sum(
        "the last that Microsoft Sentinel takes" in text for text in app.sentinel_comments(source)
    )
