"""Which open incidents a sweep comments on, and that no finding is commented twice."""

from __future__ import annotations

from contextlib import suppress

from sandbox.tenant.state import WRITE
from shared.model.record import CommentResult
from shared.work import work_on
from tests.support.mortal import Killed, Life
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

# The planted incident about an upload from srv-7, which the sweep finds as well.
EXFILTRATION = "4101"


async def test_new_rows_are_commented_on_the_incident_of_their_device(app: Sweeping) -> None:
    """The archive hunt's rows become one comment, on the open incident of srv-7 and on no other."""
    done = await app.done(await app.swept())
    (text,) = app.comments(EXFILTRATION)

    assert (CommentResult(EXFILTRATION, "written"),) == done.comments
    assert [text] == app.all_comments
    assert text.startswith("Outrider: found on srv-7: archive-then-upload (1)\n")
    assert "tar -czf" in text
    assert "\nFrom a sweep of the whole fleet: first seen after " in text


async def test_baseline_hunts_find_rows_but_never_comment(app: Sweeping) -> None:
    """The two baselines find something new every day, so their rows are in the report alone."""
    done = await app.done(await app.swept(SERVERS, DESKTOPS))

    assert {"found"} == {outcome.outcome for outcome in done.outcomes}
    assert ([], ()) == (app.all_comments, done.comments)


async def test_a_resolved_incident_gets_no_comment(app: Sweeping) -> None:
    """A sweep that finds rows on the device of a resolved incident leaves that incident alone."""
    app.tenant.incidents[EXFILTRATION]["status"] = "resolved"
    done = await app.done(await app.swept(ARCHIVES))

    assert ([], ()) == (app.all_comments, done.comments)


async def test_a_sweep_does_not_repeat_what_an_enrichment_found(app: Sweeping) -> None:
    """Rows that an enrichment has already commented on the incident are not commented again."""
    enriched = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, enriched)
    done = await app.done(await app.swept(ARCHIVES))

    assert 1 == len(app.comments(EXFILTRATION))
    assert () == done.comments


async def test_a_second_sweep_writes_no_second_comment(app: Sweeping) -> None:
    """Another sweep ten minutes later finds the same rows, and records that they are commented already."""
    await app.swept(ARCHIVES)
    await app.let_pass(600)
    done = await app.done(await app.swept(ARCHIVES))

    assert 1 == len(app.comments(EXFILTRATION))
    assert ["alreadyThere"] == [result.status for result in done.comments]


async def test_comments_off_keeps_a_sweep_from_commenting(fleet: Fleet) -> None:
    """With COMMENTS=off the hunt still finds its rows, but no incident is commented."""
    app = Sweeping(fleet, COMMENTS="off")
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()

    assert ([], "found") == (app.all_comments, done.outcomes[0].outcome)


async def test_a_missing_role_delays_the_comment_but_repeats_no_query(app: Sweeping) -> None:
    """The run waits and names the role. Once it is granted, the comment follows without another query."""
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


async def test_a_killed_worker_never_causes_a_second_comment(fleet: Fleet) -> None:
    """A worker is killed after each possible number of calls; the sweep still ends with one comment."""
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
