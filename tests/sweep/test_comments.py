"""What a sweep says on open incidents, and that it says it once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from sandbox.tenant.state import WRITE
from shared.model.record import CommentResult
from shared.work import work_on
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet, Killed, Life

# The upload from srv-7 is found by the sweep, too.
EXFILTRATION = "4101"


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Sweeping]:
    """Outrider in a tenant of its own."""
    app = Sweeping(fleet)
    yield app
    await app.close()


async def test_commented(app: Sweeping) -> None:
    """New rows of a hunt that comments stand on the open incident of their device, and on no other."""
    done = await app.done(await app.swept())
    (text,) = app.comments(EXFILTRATION)

    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert [text] == app.all_comments
    assert text.startswith("Outrider: 1 of 1 hunt found something on srv-7\n")
    assert "tar -czf" in text
    assert "\nFrom a sweep of the whole fleet: first seen after " in text


async def test_baselines(app: Sweeping) -> None:
    """Baselines, which find something new every day, comment nowhere."""
    done = await app.done(await app.swept(SERVERS, DESKTOPS))

    assert {"found"} == {outcome.outcome for outcome in done.outcomes}
    assert ([], ()) == (app.all_comments, done.comments)


async def test_resolved(app: Sweeping) -> None:
    """A resolved incident is left alone."""
    app.tenant.incidents[EXFILTRATION]["status"] = "resolved"
    done = await app.done(await app.swept(ARCHIVES))

    assert ([], ()) == (app.all_comments, done.comments)


async def test_said_before(app: Sweeping) -> None:
    """What an enrichment has found on the incident is not said again."""
    enriched = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, enriched)
    done = await app.done(await app.swept(ARCHIVES))

    assert 1 == len(app.comments(EXFILTRATION))
    assert () == done.comments


async def test_second_sweep(app: Sweeping) -> None:
    """Another sweep of the same day says the same findings no second time."""
    await app.swept(ARCHIVES)
    await app.let_pass(600)
    done = await app.done(await app.swept(ARCHIVES))

    assert 1 == len(app.comments(EXFILTRATION))
    assert ["alreadyThere"] == [result.status for result in done.comments]


async def test_off(fleet: Fleet) -> None:
    """With COMMENTS=off, a sweep comments nowhere."""
    app = Sweeping(fleet, COMMENTS="off")
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()

    assert ([], "found") == (app.all_comments, done.outcomes[0].outcome)


async def test_missing_role(app: Sweeping) -> None:
    """A sweep that may not read incidents waits for the role, and asks no query again."""
    app.tenant.roles.discard(WRITE)
    run = await app.start(ARCHIVES)
    wait = await app.deliver(run)
    before = app.answered()
    app.tenant.roles.add(WRITE)
    await app.finish(run)

    assert wait
    assert "SecurityIncident.ReadWrite.All" in wait.reason
    assert before == app.answered()
    assert 1 == len(app.comments(EXFILTRATION))


async def test_killed(fleet: Fleet) -> None:
    """Wherever its worker is killed, a sweep comments once."""
    for calls in range(8, 1_000):
        app = Sweeping(fleet)
        run = await app.start(ARCHIVES)
        life = Life(calls)
        with suppress(Killed):
            await app.deliver(run, app.worker(life))
        await app.let_pass(600)
        await app.finish(run)
        done = await app.done(run)
        await app.close()

        assert 1 == len(app.all_comments), calls
        assert [EXFILTRATION] == [comment.incident_id for comment in done.comments], calls
        assert done.comments[0].status in {"written", "alreadyThere"}, calls
        if not life.over:
            break

    assert calls > 15
