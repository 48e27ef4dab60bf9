"""A run from its request to its comment, while Microsoft Graph answers normally."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from shared.comment import marker
from shared.model.record import CommentResult
from shared.work import work_on
from tests.support.endings import BENIGN, EXFILTRATION, MERGED, SILENT, UNKNOWN, endings, outcome
from tests.support.tenant import Deployment, Fleet


async def test_activity_on_a_server_is_found_and_commented(app: Deployment) -> None:
    """The planted archive and upload are found, and the comment's first line names what was found, and where."""
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "completed" == done.status
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert text.startswith(
        "Outrider: found on srv-7: archive-then-upload (1), file-origin (1), 203.0.113[.]9, "
    )


async def test_the_last_comment_line_names_run_and_findings(app: Deployment) -> None:
    """The line holds the run's id and a digest of its outcomes, by which a repetition is recognised."""
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    (text,) = app.comments(EXFILTRATION)
    plan = (await app.read(run)).plan

    assert plan
    assert (
        marker.line(run, marker.digest((await app.done(run)).outcomes, plan.chosen)) == text.splitlines()[-1]
    )


async def test_a_desktop_hunt_does_not_apply_to_a_server(app: Deployment) -> None:
    """The outcome is notApplicable, and its reason names both kinds of device."""
    ended = outcome(await app.enrich(incidentId=EXFILTRATION), "linux-desktop-egress-baseline")

    assert "notApplicable" == ended.outcome
    assert "it is a Linux server, the hunt is for Linux workstation" == ended.reason


async def test_a_silent_device_is_never_called_clean(app: Deployment) -> None:
    """Where a device sends no telemetry, the comment says that nothing could be looked at."""
    done = await app.enrich(incidentId=SILENT)
    (text,) = app.comments(SILENT)

    assert {"noTelemetry"} == set(endings(done).values())
    assert text.startswith("Outrider: no telemetry on srv-lost: nothing could be looked at\n")


async def test_a_comment_says_when_hunts_found_nothing(app: Deployment) -> None:
    """Where every hunt ran and returned no rows, the run is completed and commented."""
    done = await app.enrich(incidentId=BENIGN)
    (text,) = app.comments(BENIGN)

    assert ("completed", {"file-origin": "nothingSoFar"}) == (done.status, endings(done))
    assert text.startswith("Outrider: nothing found so far for 203.0.113[.]200, ")


async def test_a_merged_incident_is_commented_on_its_target(app: Deployment) -> None:
    """The comment goes to the incident that the other was merged into, and mentions the merge."""
    done = await app.enrich(incidentId=MERGED)
    (text,) = app.comments(EXFILTRATION)

    assert [] == app.comments(MERGED)
    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert "Incident 4105 was merged into incident 4101" in text


async def test_entities_without_an_incident_are_hunted_without_comment(app: Deployment) -> None:
    """A request that names only a device is hunted and its findings are stored."""
    run = await app.ask(devices=["srv-7.contoso.com"])
    await work_on(app.tools, run)
    done = await app.done(run)

    assert ("completed", ()) == (done.status, done.comments)
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert b"svc-backup" in (await app.tools.runs.findings(run, "archive-then-upload") or b"")
    assert [] == app.all_comments


async def test_a_run_for_an_unknown_incident_fails_naming_it(app: Deployment) -> None:
    """The run's reason, which is also its verdict, says which incident cannot be read."""
    done = await app.enrich(incidentId=UNKNOWN)

    assert ("failed", ()) == (done.status, done.comments)
    assert done.reason.startswith("incident 999999 cannot be read: ")
    assert done.reason == done.verdict


async def test_two_runs_at_once_write_one_comment(app: Deployment) -> None:
    """Of two runs for one incident, one writes the comment and the other reports it as already there."""
    runs = [await app.ask(incidentId=EXFILTRATION) for _ in range(2)]
    await asyncio.gather(*(work_on(app.worker(), run) for run in runs))
    # One that comes while the other is posting waits a minute.
    app.clock += timedelta(minutes=2)
    for run in runs:
        await work_on(app.worker(), run)
    results = [(await app.done(run)).comments[0].status for run in runs]

    assert ["alreadyThere", "written"] == sorted(results)
    assert 1 == len(app.comments(EXFILTRATION))


async def test_two_workers_post_one_comment(app: Deployment) -> None:
    """A run that is delivered to two workers at the same time is completed and commented once."""
    run = await app.ask(incidentId=EXFILTRATION)
    await asyncio.gather(*(work_on(app.worker(), run) for _ in range(2)))

    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(EXFILTRATION))


async def test_comments_off_still_hunts_but_writes_nothing(fleet: Fleet) -> None:
    """With COMMENTS=off the hunts run, and the result gives the setting as the reason for no comment."""
    app = Deployment(fleet, COMMENTS="off")
    done = await app.enrich(incidentId=BENIGN)
    await app.close()

    assert (CommentResult(BENIGN, "off", "COMMENTS is off"),) == done.comments
    assert {"file-origin": "nothingSoFar"} == endings(done)
    assert [] == app.all_comments


async def test_a_request_can_turn_its_comment_off(app: Deployment) -> None:
    """With `comment: false` nothing is written, and the result gives the request as the reason."""
    done = await app.enrich(incidentId=BENIGN, comment=False)

    assert (CommentResult(BENIGN, "off", "the request said comment: false"),) == done.comments
    assert [] == app.all_comments
