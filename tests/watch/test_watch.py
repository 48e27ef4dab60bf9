"""Which incidents the watch starts runs for, and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import incidents
from sandbox.tenant.state import HUNT, READ, WRITE
from shared.errors import PermissionDenied, Throttled
from shared.watch import LookCounts, look
from shared.work import work_on
from tests.support.quiet import started
from tests.support.tenant import Deployment, Fleet


async def enriched(app: Deployment) -> dict[str, Any]:
    """Return an incident that opened and was enriched a minute ago."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await look(app.tools)
    await work_on(app.tools, app.messages.pop()[1])
    app.clock = app.now() + timedelta(minutes=1)
    return incident


async def test_new_incidents_start_runs_on_a_queue_by_severity(app: Deployment) -> None:
    """A high severity goes to the urgent queue and first, a low one to the ordinary queue."""
    low = incidents.generate(app.tenant, severity="low")
    high = incidents.generate(app.tenant, severity="high")
    looked = await look(app.tools)

    assert LookCounts(changed=2, started=2) == looked
    assert [("urgent", high["id"]), ("runs", low["id"])] == await started(app)


async def test_an_unchanged_incident_is_not_looked_at_again(app: Deployment) -> None:
    """The windows of two looks overlap, but the second look counts no incident as changed."""
    incidents.generate(app.tenant)
    first, second = await look(app.tools), await look(app.tools)

    assert (1, LookCounts()) == (first.started, second)


async def test_our_own_comment_starts_no_other_run(app: Deployment) -> None:
    """The comment updates its incident; the next look sees the change and counts it as settled."""
    incident = await enriched(app)
    incidents.update(app.tenant, incident)

    assert 1 == len(incident["comments"])
    assert LookCounts(changed=1, settled=1) == await look(app.tools)


async def test_a_grown_incident_is_hunted_for_new_evidence_only(app: Deployment) -> None:
    """The follow-up run's plan has the device that was added and none of the earlier entities."""
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


async def test_new_evidence_without_findings_gets_no_comment(app: Deployment) -> None:
    """The evidence is hunted, but nothing found about it is not worth a second comment."""
    incident = await enriched(app)
    incidents.grow(app.tenant, incident, incidents.evidence.ip("203.0.113.250", "malicious"))
    await look(app.tools)
    run = app.messages.pop()[1]
    await work_on(app.tools, run)
    done = await app.done(run)

    assert ["nothingSoFar"] == [outcome.outcome for outcome in done.outcomes]
    assert ["off"] == [comment.status for comment in done.comments]
    assert 1 == len(incident["comments"])


async def test_a_failed_hunt_is_retried_after_an_hour(app: Deployment) -> None:
    """A change to the incident starts no run after 30 minutes, and one for the failed hunt after 61."""
    incident = app.tenant.open("exfiltration")
    assert incident
    app.tenant.faults.add(match="hunt", contains="FileOriginUrl", status=400, times=1_000)
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

    assert (LookCounts(changed=1, settled=1), 1) == (early, late.started)
    assert ["file-origin"] == [outcome.hunt for outcome in done.outcomes]


async def test_the_watch_skips_what_a_person_has_hunted(app: Deployment) -> None:
    """A run that a person asked for settles the incident, also where a dry run came before it."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await app.enrich(incidentId=incident["id"], comment=False)
    app.messages.clear()
    await app.enrich(incidentId=incident["id"])
    app.messages.clear()

    assert LookCounts(changed=1, settled=1) == await look(app.tools)


async def test_the_watch_still_hunts_after_a_dry_run(app: Deployment) -> None:
    """A run that must not comment settles nothing, so the watch starts one of its own."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await app.enrich(incidentId=incident["id"], comment=False)

    assert LookCounts(changed=1, started=1) == await look(app.tools)


async def test_two_automatic_runs_hunt_and_comment_once(app: Deployment) -> None:
    """The watch starts two runs for an incident that changed; the second finds all of it done."""
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


async def test_minor_incidents_are_ignored_until_they_become_graver(fleet: Fleet) -> None:
    """Below WATCH_MIN_SEVERITY an incident starts no run; once its severity is higher, it does."""
    app = Deployment(fleet, planted_open=False, WATCH_MIN_SEVERITY="medium")
    incident = incidents.generate(app.tenant, severity="low")
    before = await look(app.tools)
    app.ahead = timedelta(minutes=1)
    incidents.grow(app.tenant, incident, severity="high")
    after = await look(app.tools)
    await app.close()

    assert (0, 1) == (before.started, after.started)


@pytest.mark.parametrize("status", ["resolved", "redirected"])
async def test_a_closed_incident_is_ignored_until_it_reopens(app: Deployment, status: str) -> None:
    """A resolved or merged incident starts no run; once it is active again, it does."""
    incident = incidents.generate(app.tenant)
    incidents.update(app.tenant, incident, status=status)
    before = await look(app.tools)
    incidents.update(app.tenant, incident, status="active", at=app.now() + timedelta(seconds=1))
    after = await look(app.tools)

    assert (0, 1) == (before.started, after.started)


async def test_the_first_look_goes_back_one_lookback_only(app: Deployment) -> None:
    """Incidents from before WATCH_LOOKBACK, which is an hour, are given no run."""
    incidents.generate(app.tenant, at=app.now() - timedelta(minutes=61))
    late = incidents.generate(app.tenant, at=app.now() - timedelta(minutes=59))
    await look(app.tools)

    assert [("runs", late["id"])] == await started(app)


async def test_a_run_that_could_not_be_sent_is_retried(app: Deployment) -> None:
    """The incident counts as waiting, and the next look starts its run."""
    incident = incidents.generate(app.tenant)
    send, app.messages = app.messages, None
    first = await look(app.tools)
    app.messages = send
    second = await look(app.tools)

    assert (LookCounts(changed=1, waiting=1), 1) == (first, second.started)
    assert incident["id"] == (await started(app))[0][1]


async def test_a_throttled_look_loses_no_incident(app: Deployment) -> None:
    """A look that Graph throttles raises, and the next look still starts the incident's run."""
    incidents.generate(app.tenant)
    app.tenant.faults.add(match="incident", status=429, retry_after=900)
    with pytest.raises(Throttled):
        await look(app.tools)

    assert 1 == (await look(app.tools)).started


async def test_a_look_without_its_role_names_it(app: Deployment) -> None:
    """Without the roles to read incidents, a look raises an error with the role to grant."""
    app.tenant.roles -= {READ, WRITE}
    with pytest.raises(PermissionDenied) as denied:
        await look(app.tools)

    assert "SecurityIncident.ReadWrite.All" == denied.value.role
    assert HUNT in app.tenant.roles
