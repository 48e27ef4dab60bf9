"""A run in a tenant that refuses or fails, or whose worker dies: it waits, goes on, or says what it could not do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from sandbox.tenant.state import HUNT
from shared.work import give_up, work_on
from tests.support.endings import BENIGN, EXFILTRATION, FILE_ORIGIN, WINDOWS, outcome
from tests.support.tenant import Deployment, Fleet, Killed, Life


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
