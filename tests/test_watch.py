"""Which incidents the watch starts runs for, and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import incidents
from sandbox.tenant.state import HUNT, READ, WRITE
from shared.errors import PermissionDenied, Throttled
from shared.watch import Looked, look
from shared.work import work_on
from tests.support.tenant import Deployment, Fleet


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider in a tenant without incidents, whose clock stands still."""
    app = Deployment(fleet, planted_open=False)
    yield app
    await app.close()


async def started(app: Deployment) -> list[tuple[str, str]]:
    """Return the queue and the incident of each run that was sent, and forget the messages."""
    runs = [(queue, (await app.read(run)).work.incident_id) for queue, run, _ in app.messages]
    app.messages.clear()
    return runs


async def enriched(app: Deployment) -> dict[str, Any]:
    """Let an incident open, be found and be enriched, a minute ago."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await look(app.tools)
    await work_on(app.tools, app.messages.pop()[1])
    app.clock = app.now() + timedelta(minutes=1)
    return incident


async def test_opened(app: Deployment) -> None:
    """An incident that has opened is given a run; grave ones go to the urgent queue."""
    low = incidents.generate(app.tenant, severity="low")
    high = incidents.generate(app.tenant, severity="high")
    looked = await look(app.tools)

    assert Looked(changed=2, started=2) == looked
    assert [("urgent", high["id"]), ("runs", low["id"])] == await started(app)


async def test_once(app: Deployment) -> None:
    """What has not changed since is not looked at again, though the windows overlap."""
    incidents.generate(app.tenant)
    first, second = await look(app.tools), await look(app.tools)

    assert (1, Looked()) == (first.started, second)


async def test_own_comment(app: Deployment) -> None:
    """Our own comment updates the incident, and starts no other run."""
    incident = await enriched(app)
    incidents.update(app.tenant, incident)

    assert 1 == len(incident["comments"])
    assert Looked(changed=1, settled=1) == await look(app.tools)


async def test_grown(app: Deployment) -> None:
    """An incident that gains evidence is hunted for that alone, and commented if something is found."""
    incident = await enriched(app)
    name, platform = next(pair for pair in app.tenant.fleet if pair[0].startswith("srv-3."))
    incidents.grow(app.tenant, incident, incidents.evidence.device(name, platform))
    await look(app.tools)
    run = app.messages.pop()[1]
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert [name] == [device.name for device in plan.chosen.devices]
    assert plan.follow_up
    assert () == plan.chosen.indicators


async def test_nothing_new_to_say(app: Deployment) -> None:
    """New evidence about which nothing is found is hunted, and not worth another comment."""
    incident = await enriched(app)
    incidents.grow(app.tenant, incident, incidents.evidence.ip("203.0.113.250", "malicious"))
    await look(app.tools)
    run = app.messages.pop()[1]
    await work_on(app.tools, run)
    done = await app.done(run)

    assert ["nothingFound"] == [outcome.outcome for outcome in done.outcomes]
    assert ["off"] == [comment.status for comment in done.comments]
    assert 1 == len(incident["comments"])


async def test_failed_hunt(app: Deployment) -> None:
    """A hunt that failed is tried again when the incident changes, an hour later at the earliest."""
    incident = app.tenant.open("exfiltration")
    assert incident
    app.tenant.faults.add(match="hunt", contains="FileOriginUrl", status=400)
    await look(app.tools)
    await work_on(app.tools, app.messages.pop()[1])
    app.clock = app.now() + timedelta(minutes=30)
    incidents.update(app.tenant, incident)
    early = await look(app.tools)
    app.clock = app.now() + timedelta(minutes=31)
    incidents.update(app.tenant, incident)
    late = await look(app.tools)
    run = app.messages.pop()[1]
    await work_on(app.tools, run)
    done = await app.done(run)

    assert (Looked(changed=1, settled=1), 1) == (early, late.started)
    assert ["file-origin"] == [outcome.hunt for outcome in done.outcomes]


async def test_asked_by_a_person(app: Deployment) -> None:
    """What a person had hunted is not hunted again by the watch; a dry run does not count."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await app.enrich(incidentId=incident["id"], comment=False)
    app.messages.clear()
    await app.enrich(incidentId=incident["id"])
    app.messages.clear()

    assert Looked(changed=1, settled=1) == await look(app.tools)


async def test_dry_run(app: Deployment) -> None:
    """After a dry run, the watch still does its work."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await app.enrich(incidentId=incident["id"], comment=False)

    assert Looked(changed=1, started=1) == await look(app.tools)


async def test_two_doors(app: Deployment) -> None:
    """Two runs that come in by themselves for one incident at once hunt it once and comment it once."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await look(app.tools)
    first = app.messages.pop()[1]
    incidents.update(app.tenant, incident, at=app.now() + timedelta(seconds=1))
    await look(app.tools)
    second = app.messages.pop()[1]
    await work_on(app.tools, first)
    hunts = app.calls("hunt")
    await work_on(app.tools, second)

    assert hunts == app.calls("hunt")
    assert "completed" == (await app.done(second)).status
    assert 1 == len(incident["comments"])


async def test_severity(fleet: Fleet) -> None:
    """Incidents below WATCH_MIN_SEVERITY are left alone until they become graver."""
    app = Deployment(fleet, planted_open=False, WATCH_MIN_SEVERITY="medium")
    incident = incidents.generate(app.tenant, severity="low")
    before = await look(app.tools)
    app.ahead = timedelta(minutes=1)
    incidents.grow(app.tenant, incident, severity="high")
    after = await look(app.tools)
    await app.close()

    assert (0, 1) == (before.started, after.started)


@pytest.mark.parametrize("status", ["resolved", "redirected"])
async def test_over(app: Deployment, status: str) -> None:
    """Resolved and merged incidents are left alone; one that is opened again is not."""
    incident = incidents.generate(app.tenant)
    incidents.update(app.tenant, incident, status=status)
    before = await look(app.tools)
    incidents.update(app.tenant, incident, status="active", at=app.now() + timedelta(seconds=1))
    after = await look(app.tools)

    assert (0, 1) == (before.started, after.started)


async def test_first_start(app: Deployment) -> None:
    """A first look goes back WATCH_LOOKBACK and no further."""
    incidents.generate(app.tenant, at=app.now() - timedelta(minutes=61))
    late = incidents.generate(app.tenant, at=app.now() - timedelta(minutes=59))
    await look(app.tools)

    assert [("runs", late["id"])] == await started(app)


async def test_backlog(app: Deployment) -> None:
    """After an outage the backlog is drained as the quota allows, gravest first; what is new does not wait."""
    await look(app.tools)
    start = app.now()
    app.clock = start + timedelta(hours=20)
    grave, ages = ("low", "high", "medium"), range(1_000)
    for age in ages:
        at = start + timedelta(minutes=age + 1)
        incidents.generate(app.tenant, at=at, severity=grave[age % 3])
    first = await look(app.tools)
    early = await started(app)
    app.clock = app.now() + timedelta(minutes=1)
    new = incidents.generate(app.tenant, severity="low")
    await look(app.tools)
    late = await started(app)
    known = app.tenant.incidents

    assert (1_000, 90, 910) == (first.changed, first.started, first.waiting)
    assert ["high"] * 90 == [known[incident]["severity"] for _, incident in early]
    assert sorted(known[incident]["createdDateTime"] for _, incident in early) == [
        known[incident]["createdDateTime"] for _, incident in early
    ]
    assert ("runs", new["id"]) in late
    assert 9 == len(late)


async def test_refused_send(app: Deployment) -> None:
    """An incident whose run cannot be sent is tried again by the next look."""
    incident = incidents.generate(app.tenant)
    send, app.messages = app.messages, None  # type: ignore[assignment]
    first = await look(app.tools)
    app.messages = send
    second = await look(app.tools)

    assert (Looked(changed=1, waiting=1), 1) == (first, second.started)
    assert incident["id"] == (await started(app))[0][1]


async def test_throttled(app: Deployment) -> None:
    """A look that Graph refuses raises and loses nothing: the next one begins where it did."""
    incidents.generate(app.tenant)
    app.tenant.faults.add(match="incident", status=429, retry_after=900)
    with pytest.raises(Throttled):
        await look(app.tools)

    assert 1 == (await look(app.tools)).started


async def test_missing_role(app: Deployment) -> None:
    """Without the role to read incidents, a look fails and names it."""
    app.tenant.roles -= {READ, WRITE}
    with pytest.raises(PermissionDenied) as denied:
        await look(app.tools)

    assert "SecurityIncident.ReadWrite.All" == denied.value.role
    assert HUNT in app.tenant.roles
