"""A run, from its request to its comment, in a tenant that answers."""

from __future__ import annotations

import asyncio

from shared.comment import marker
from shared.model.record import CommentResult
from shared.work import work_on
from tests.support.endings import BENIGN, EXFILTRATION, MERGED, SILENT, UNKNOWN, endings, outcome
from tests.support.tenant import Deployment, Fleet


async def test_found(app: Deployment) -> None:
    """What was done on a server is found, and commented on its incident."""
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "completed" == done.status
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert text.startswith("Outrider: 3 of 3 hunts found something on srv-7\n")


async def test_marker(app: Deployment) -> None:
    """A comment's last line names the run and what it found."""
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    (text,) = app.comments(EXFILTRATION)
    plan = (await app.read(run)).plan

    assert plan
    assert (
        marker.line(run, marker.digest((await app.done(run)).outcomes, plan.chosen)) == text.splitlines()[-1]
    )


async def test_not_applicable(app: Deployment) -> None:
    """A hunt for desktops does not apply to a server, and says so."""
    ended = outcome(await app.enrich(incidentId=EXFILTRATION), "linux-desktop-egress-baseline")

    assert "notApplicable" == ended.outcome
    assert "it is a Linux server, the hunt is for Linux workstation" == ended.reason


async def test_no_telemetry(app: Deployment) -> None:
    """A device that sends nothing is not called clean."""
    done = await app.enrich(incidentId=SILENT)
    (text,) = app.comments(SILENT)

    assert {"noTelemetry"} == set(endings(done).values())
    assert text.startswith("Outrider: no telemetry on srv-lost: nothing could be looked at\n")


async def test_nothing_found(app: Deployment) -> None:
    """Where all hunts ran without a row, the comment says that they found nothing."""
    done = await app.enrich(incidentId=BENIGN)
    (text,) = app.comments(BENIGN)

    assert ("completed", {"file-origin": "nothingFound"}) == (done.status, endings(done))
    assert text.startswith("Outrider: 1 hunt found nothing for ")


async def test_merged(app: Deployment) -> None:
    """A merged incident's comment is written on the one it went into, and says so."""
    done = await app.enrich(incidentId=MERGED)
    (text,) = app.comments(EXFILTRATION)

    assert [] == app.comments(MERGED)
    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert "Incident 4105 was merged into incident 4101" in text


async def test_entities(app: Deployment) -> None:
    """Entities without an incident are hunted for; nothing is commented anywhere."""
    run = await app.ask(devices=["srv-7.contoso.com"])
    await work_on(app.tools, run)
    done = await app.done(run)

    assert ("completed", ()) == (done.status, done.comments)
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert b"svc-backup" in (await app.tools.runs.findings(run, "archive-then-upload") or b"")
    assert [] == app.all_comments


async def test_unknown_incident(app: Deployment) -> None:
    """A run for an incident that does not exist fails and says which."""
    done = await app.enrich(incidentId=UNKNOWN)

    assert ("failed", ()) == (done.status, done.comments)
    assert done.reason.startswith("incident 999999 cannot be read: ")
    assert done.reason == done.verdict


async def test_two_runs(app: Deployment) -> None:
    """Two runs for one incident at the same time write one comment between them."""
    runs = [await app.ask(incidentId=EXFILTRATION) for _ in range(2)]
    await asyncio.gather(*(work_on(app.worker(), run) for run in runs))
    results = [(await app.done(run)).comments[0].status for run in runs]

    assert ["alreadyThere", "written"] == sorted(results)
    assert 1 == len(app.comments(EXFILTRATION))


async def test_two_workers(app: Deployment) -> None:
    """A run that two workers are given at the same time writes one comment."""
    run = await app.ask(incidentId=EXFILTRATION)
    await asyncio.gather(*(work_on(app.worker(), run) for _ in range(2)))

    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(EXFILTRATION))


async def test_comments_off(fleet: Fleet) -> None:
    """With COMMENTS=off, hunts are run and nothing is commented."""
    app = Deployment(fleet, COMMENTS="off")
    done = await app.enrich(incidentId=BENIGN)
    await app.close()

    assert (CommentResult(BENIGN, "off", "COMMENTS is off"),) == done.comments
    assert {"file-origin": "nothingFound"} == endings(done)
    assert [] == app.all_comments


async def test_comment_false(app: Deployment) -> None:
    """A request with `comment: false` leaves the incident alone."""
    done = await app.enrich(incidentId=BENIGN, comment=False)

    assert (CommentResult(BENIGN, "off", "the request said comment: false"),) == done.comments
    assert [] == app.all_comments
