"""A run, from its request to its comment, in a tenant that answers, refuses or fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.state import HUNT
from shared import marker
from shared.enrichment import give_up, work_on
from shared.records import CommentResult
from tests.tenant import Deployment, Fleet, Killed, Life

if TYPE_CHECKING:
    from shared.outcomes import Outcome
    from shared.records import Done

EXFILTRATION, WINDOWS, SILENT, MERGED, BENIGN, UNKNOWN = "4101", "4103", "4104", "4105", "4106", "999999"
# Only file-origin asks for this column.
FILE_ORIGIN = "FileOriginUrl"


def outcome(done: Done, hunt: str) -> Outcome:
    """Return how *hunt* ended."""
    return next(each for each in done.outcomes if each.hunt == hunt)


def endings(done: Done) -> dict[str, str]:
    """Return each hunt's outcome."""
    return {each.hunt: each.outcome for each in done.outcomes}


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


@pytest.mark.parametrize("status", [400, 504])
async def test_one_hunt_fails(app: Deployment, status: int) -> None:
    """A hunt that Graph refuses, or cuts short, is not run; the others are reported, and the comment names it."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=status)
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "completedWithFailures" == done.status
    assert "notRun" == outcome(done, "file-origin").outcome
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert "2 of 3 hunts found something on srv-7; 1 could not be run" == done.verdict
    assert "\nNOT RUN: file-origin: " in text


async def test_short_outage(app: Deployment) -> None:
    """A hunt that Graph answers with 500 once is tried again."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=500)
    done = await app.enrich(incidentId=EXFILTRATION)

    assert "completed" == done.status


async def test_long_outage(app: Deployment) -> None:
    """A hunt that Graph keeps answering with 500 is waited for; after two hours, it is not run."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=500, times=1_000)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    early = await app.read(run)
    app.ahead = timedelta(hours=2, minutes=1)
    await work_on(app.tools, run, again=True)
    done = await app.done(run)
    (text,) = app.comments(EXFILTRATION)

    assert early.done is None
    assert ("urgent", run, 120) == app.messages[1]
    assert "completedWithFailures" == done.status
    assert "\nNOT RUN: file-origin: Microsoft Graph has not answered for 2 hours" in text


async def test_incident_never_readable(app: Deployment) -> None:
    """An incident that Graph keeps refusing to show, for whatever reason, ends its run after two hours."""
    app.tenant.faults.add(match="incident", status=400, times=1_000)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    early = await app.read(run)
    app.ahead = timedelta(hours=2, minutes=1)
    await work_on(app.tools, run, again=True)

    assert early.done is None
    assert "failed" == (await app.done(run)).status


async def test_all_hunts_fail(app: Deployment) -> None:
    """Where no hunt could be run, the run failed, and its comment begins with that."""
    app.tenant.faults.add(match="hunt", status=400, times=1_000)
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "failed" == done.status
    assert text.startswith("Outrider: FAILED: none of 4 hunts could be run on srv-7\n")


async def test_throttled(app: Deployment) -> None:
    """A throttled run waits as long as Graph says, and comments nothing meanwhile."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    read = await app.read(run)

    assert [("urgent", run, 0), ("urgent", run, 901)] == app.messages
    assert read.done is None
    assert read.wait
    assert "Microsoft Graph throttles this tenant (429)" == read.wait.reason
    assert timedelta(seconds=890) < read.wait.until - app.now() <= timedelta(seconds=901)
    assert [] == app.all_comments


async def test_after_throttling(app: Deployment) -> None:
    """A run that has waited runs only the hunt it lacks, then comments."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    before = app.calls("hunt")
    app.ahead = timedelta(seconds=901)
    await work_on(app.tools, run)

    assert (5, 6) == (before, app.calls("hunt"))
    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(EXFILTRATION))


async def test_missing_role(app: Deployment) -> None:
    """A run without a Graph role waits for it and names it, then goes on once it is granted."""
    app.tenant.roles.discard(HUNT)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    waiting = await app.read(run)
    app.tenant.roles.add(HUNT)
    await work_on(app.tools, run)

    assert ("urgent", run, 900) == app.messages[1]
    assert waiting.done is None
    assert waiting.wait
    assert "lacks the Graph application role ThreatHunting.Read.All" in waiting.wait.reason
    assert "completed" == (await app.done(run)).status


async def test_role_never_granted(app: Deployment) -> None:
    """After a day without the role, the run ends and its comment names the role."""
    app.tenant.roles.discard(HUNT)
    run = await app.ask(incidentId=EXFILTRATION)
    app.ahead = timedelta(hours=24, minutes=1)
    await work_on(app.tools, run)
    (text,) = app.comments(EXFILTRATION)

    assert "failed" == (await app.done(run)).status
    assert "has lacked the Graph application role ThreatHunting.Read.All for 24 hours" in text


async def test_comment_taken_but_refused(app: Deployment) -> None:
    """A comment that Graph takes, although it answers 503, is not written again."""
    app.tenant.faults.add(match="comment", accept_then=503)
    done = await app.enrich(incidentId=BENIGN)

    assert 1 == len(app.comments(BENIGN))
    assert ["written"] == [result.status for result in done.comments]


async def test_comment_lost(app: Deployment) -> None:
    """A comment that Graph answers with 503 and does not take is written later."""
    app.tenant.faults.add(match="comment", status=503)
    run = await app.ask(incidentId=BENIGN)
    await work_on(app.tools, run)
    before = app.comments(BENIGN)
    app.ahead = timedelta(minutes=4)
    await work_on(app.tools, run, again=True)

    assert [] == before
    assert 1 == len(app.comments(BENIGN))
    assert "completed" == (await app.done(run)).status


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


async def test_give_up(app: Deployment) -> None:
    """A run that is given up keeps what it found, and says of the rest why it was not run."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    await give_up(app.tools, run, "it failed 5 times", posting=True)
    done = await app.done(run)
    (text,) = app.comments(EXFILTRATION)

    assert "completedWithFailures" == done.status
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert "\nNOT RUN: file-origin: it failed 5 times\n" in text


async def test_give_up_silently(app: Deployment) -> None:
    """A run whose comment is what fails is given up without one, and records that."""
    run = await app.ask(incidentId=BENIGN)
    await give_up(app.tools, run, "it failed 5 times", posting=False)
    done = await app.done(run)

    assert ("failed", "it failed 5 times") == (done.status, done.reason)
    assert [] == app.all_comments


async def test_killed(fleet: Fleet) -> None:
    """Wherever a worker is killed, the next ends its run: no recorded hunt again, and one comment in all."""
    for calls in range(1_000):
        app = Deployment(fleet)
        run = await app.ask(incidentId=WINDOWS)
        life = Life(calls)
        with suppress(Killed):
            await work_on(app.worker(life), run)
        recorded, before = len((await app.read(run)).found), app.calls("hunt")
        app.ahead = timedelta(minutes=10)
        await work_on(app.worker(), run, again=True)
        done, hunts = await app.done(run), app.calls("hunt") - before
        await app.close()

        assert "completed" == done.status, calls
        assert 1 == len(app.comments(WINDOWS)), calls
        assert (3 - recorded, 3) == (hunts, len((await app.read(run)).found)), calls
        if not life.over:
            break

    assert calls > 15
