"""What a playbook passes on, from its body to the comment, on Defender's incidents and on Sentinel's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.tenant import incidents, sentinel
from sandbox.tenant.state import RESPONDER
from shared.watch import look
from shared.work import work_on
from tests.support.tenant import Deployment

DEFENDER = "4101"


def own(app: Deployment) -> dict[str, Any]:
    """Return an incident that Defender does not know."""
    return app.tenant.standalone[0]


@pytest.mark.parametrize("pascal", [False, True])
async def test_defender(app: Deployment, *, pascal: bool) -> None:
    """A Defender incident is read from Graph and commented there, however its body is written."""
    source = app.tenant.incidents[DEFENDER]
    run = await app.playbook(sentinel.trigger(app.tenant, source, pascal=pascal))
    await work_on(app.tools, run)

    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(DEFENDER))
    assert [] == app.sentinel_comments(source)


@pytest.mark.parametrize("pascal", [False, True])
async def test_own(app: Deployment, *, pascal: bool) -> None:
    """An incident of Sentinel's own is commented there, in HTML, with a link to the query."""
    source = own(app)
    run = await app.playbook(sentinel.trigger(app.tenant, source, pascal=pascal))
    await work_on(app.tools, run)
    (html,) = app.sentinel_comments(source)

    assert "completed" == (await app.done(run)).status
    assert html.startswith("<h3>Outrider: ")
    assert "found something" in html
    assert 'href="https://security.microsoft.com/v2/advanced-hunting?query=' in html


async def test_late_entities(app: Deployment) -> None:
    """Entities that the body lacks are read from the incident itself."""
    source = own(app)
    body = sentinel.trigger(app.tenant, source)
    body["object"]["properties"]["relatedEntities"] = []
    run = await app.playbook(body)
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert plan.chosen.devices
    assert plan.chosen.indicators


async def test_entities_refused(app: Deployment) -> None:
    """Where the incident's entities cannot be read, those of the body are hunted, and the comment says so."""
    source = own(app)
    app.tenant.faults.add(match="sentinel", contains="/entities", status=400)
    run = await app.playbook(sentinel.trigger(app.tenant, source))
    await work_on(app.tools, run)
    (html,) = app.sentinel_comments(source)

    assert "there may be more" in html


async def test_many_entities(app: Deployment) -> None:
    """A body with sixty entities is hunted for all of them, in one query a hunt."""
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


async def test_missing_role(app: Deployment) -> None:
    """Without the role in the workspace, the run waits, names it, and goes on once it is granted."""
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


async def test_unknown(app: Deployment) -> None:
    """An incident that the workspace does not know ends its run, and says so."""
    body = sentinel.trigger(app.tenant, own(app))
    body["object"]["id"] = body["object"]["id"][:-4] + "ffff"
    run = await app.playbook(body)
    await work_on(app.tools, run)

    assert "failed" == (await app.done(run)).status


async def test_comment_again(app: Deployment) -> None:
    """The same incident passed on twice, also at once, has one comment."""
    source = own(app)
    runs = [await app.playbook(sentinel.trigger(app.tenant, source)) for _ in range(2)]
    await asyncio.gather(*(work_on(app.worker(), run) for run in runs))

    assert 1 == len(app.sentinel_comments(source))


async def test_watch_too(app: Deployment) -> None:
    """With the watch and a playbook both on, one incident has one comment, and is hunted once."""
    app.tenant.incidents = {DEFENDER: app.tenant.incidents[DEFENDER]}
    run = await app.playbook(sentinel.trigger(app.tenant, app.tenant.incidents[DEFENDER]))
    incidents.update(app.tenant, app.tenant.incidents[DEFENDER])
    await look(app.tools)
    runs = {message[1] for message in app.messages}
    await asyncio.gather(*(work_on(app.worker(), each) for each in runs))

    assert run in runs
    assert 2 == len(runs)
    assert 5 == app.calls("hunt")
    assert 1 == len(app.comments(DEFENDER))


@pytest.mark.parametrize(
    ("before", "status", "last"), [(98, "written", 0), (99, "written", 1), (100, "failed", 0)]
)
async def test_full(app: Deployment, before: int, status: str, last: int) -> None:
    """The last comment that an incident takes says that it is; after that, the run says why there is none."""
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
