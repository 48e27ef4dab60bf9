"""Runs in a tenant that refuses or fails: they wait, resume, or say what they could not do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from sandbox.tenant.state import HUNT
from shared.work import give_up, work_on
from tests.support.endings import BENIGN, EXFILTRATION, FILE_ORIGIN, outcome
from tests.support.mortal import Killed, Life
from tests.support.tenant import Deployment, Fleet


@pytest.mark.parametrize("status", [400, 504])
async def test_one_failed_hunt_leaves_the_others_reported(app: Deployment, status: int) -> None:
    """A hunt that Graph refuses or cuts short is commented as not run, next to what the others found."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=status, times=1_000)
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "completedWithFailures" == done.status
    assert "notRun" == outcome(done, "file-origin").outcome
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert done.verdict.startswith(
        "found on srv-7: archive-then-upload (1), 203.0.113[.]9, drop[.]evil[.]example/u in "
    )
    assert done.verdict.endswith(" rows of context; 1 could not be run; 1 not looked at")
    assert "\nNOT RUN: file-origin (" in text


async def test_a_hunt_that_fails_once_is_tried_again(app: Deployment) -> None:
    """After a single 500 from Graph the hunt is repeated, and the run is completed."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=500)
    done = await app.enrich(incidentId=EXFILTRATION)

    assert "completed" == done.status


async def test_a_hunt_is_abandoned_after_two_hours_of_errors(app: Deployment) -> None:
    """While Graph keeps answering 500 the run waits; the comment has what the others found, and lists it as not run."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=500, times=1_000)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    early = await app.read(run)
    for minutes in (2, 4, 6, 121, 123, 245):
        app.ahead = timedelta(minutes=minutes)
        await work_on(app.tools, run)
    done = await app.done(run)
    (text,) = app.comments(EXFILTRATION)

    assert early.done is None
    assert ("urgent", run, 120) == app.messages[1]
    assert "completedWithFailures" == done.status
    assert "\nNOT RUN: file-origin (Microsoft Graph has not answered for 2 hours" in text


async def test_an_unreadable_incident_fails_its_run_after_two_hours(app: Deployment) -> None:
    """While Graph refuses to show the incident the run waits, and then ends as failed."""
    app.tenant.faults.add(match="incident", status=400, times=1_000)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    early = await app.read(run)
    app.ahead = timedelta(hours=2, minutes=1)
    await work_on(app.tools, run)

    assert early.done is None
    assert "failed" == (await app.done(run)).status


async def test_a_run_fails_when_no_hunt_can_be_run(app: Deployment) -> None:
    """The comment begins by saying that none of the hunts could be run on the device."""
    app.tenant.faults.add(match="hunt", status=400, times=1_000)
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)

    assert "failed" == done.status
    assert text.startswith("Outrider: FAILED: none of 4 hunts could be run on srv-7; 1 not looked at\n")


async def test_a_throttled_run_waits_as_long_as_graph_says(app: Deployment) -> None:
    """It is sent again with Graph's delay, records why it waits, and comments nothing meanwhile."""
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


async def test_a_throttled_call_is_sent_again(app: Deployment) -> None:
    """Once Graph's time is over, and then the comment is written."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    before = app.calls("hunt")
    app.ahead = timedelta(seconds=901)
    await work_on(app.tools, run)

    assert (1, 2) == (before, app.calls("hunt"))
    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(EXFILTRATION))


async def test_a_run_waits_until_its_graph_role_is_granted(app: Deployment) -> None:
    """While it waits, the run names the role; once the role is granted, the run is completed."""
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


async def test_a_run_fails_after_a_day_without_its_role(app: Deployment) -> None:
    """After 24 hours the run ends as failed, and its comment names the missing role."""
    app.tenant.roles.discard(HUNT)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    app.ahead = timedelta(hours=24)
    await work_on(app.tools, run)
    (text,) = app.comments(EXFILTRATION)

    assert "failed" == (await app.done(run)).status
    assert "has lacked the Graph application role ThreatHunting.Read.All for 24 hours" in text


async def test_a_comment_accepted_with_an_error_is_not_repeated(app: Deployment) -> None:
    """Where Graph stores the comment but answers 503, the run counts it as written."""
    app.tenant.faults.add(match="comment", accept_then=503)
    done = await app.enrich(incidentId=BENIGN)

    assert 1 == len(app.comments(BENIGN))
    assert ["written"] == [result.status for result in done.comments]


async def test_a_comment_that_was_lost_is_written_later(app: Deployment) -> None:
    """Where Graph answers 503 and stores nothing, the comment is written at the next delivery."""
    app.tenant.faults.add(match="comment", status=503)
    run = await app.ask(incidentId=BENIGN)
    await work_on(app.tools, run)
    before = app.comments(BENIGN)
    app.ahead = timedelta(minutes=4)
    await work_on(app.tools, run)

    assert [] == before
    assert 1 == len(app.comments(BENIGN))
    assert "completed" == (await app.done(run)).status


async def test_giving_up_keeps_findings_and_explains_the_rest(fleet: Fleet) -> None:
    """The comment has what was found, and says of the hunt that is missing, here from a call of its own, why it was not run."""
    app = Deployment(fleet, HUNT_BATCH="off")
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    await give_up(app.tools, run, "it failed 5 times", posting=True)
    done = await app.done(run)
    (text,) = app.comments(EXFILTRATION)

    assert "completedWithFailures" == done.status
    assert "found" == outcome(done, "archive-then-upload").outcome
    assert "\nNOT RUN: file-origin (it failed 5 times)\n" in text


async def test_giving_up_can_leave_the_comment_out(app: Deployment) -> None:
    """A run whose comment is what fails is given up without one, and its record says why."""
    run = await app.ask(incidentId=BENIGN)
    await give_up(app.tools, run, "it failed 5 times", posting=False)
    done = await app.done(run)

    assert ("failed", "it failed 5 times") == (done.status, done.reason)
    assert [] == app.all_comments


async def test_the_next_worker_finishes_what_a_killed_one_began(fleet: Fleet) -> None:
    """Whichever call kills the worker, no recorded hunt is repeated and there is one comment."""
    for calls in range(1_000):
        app = Deployment(fleet)
        run = await app.ask(incidentId=EXFILTRATION)
        life = Life(calls)
        with suppress(Killed):
            await work_on(app.worker(life), run)
        recorded, before = len((await app.read(run)).found), app.calls("hunt")
        app.ahead = timedelta(minutes=10)
        await work_on(app.worker(), run, again=True)
        done, hunts = await app.done(run), app.calls("hunt") - before
        await app.close()

        assert "completed" == done.status, calls
        assert 1 == len(app.comments(EXFILTRATION)), calls
        assert (0 if recorded else 1, 5) == (hunts, len((await app.read(run)).found)), calls
        if not life.over:
            break

    assert calls > 15
