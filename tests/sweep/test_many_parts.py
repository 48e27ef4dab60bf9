"""A sweep in many parts: the calls it leaves to incidents, its progress, and workers that are killed."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from msgspec.structs import replace

from sandbox.tenant.state import Limits
from shared.catalog.load import load_hunts
from shared.errors import Waiting
from shared.model.outcome import Window
from shared.sweep.asking import ask_all
from shared.sweep.flow import give_up_sweep
from shared.sweep.record import progress
from tests.support.mortal import Killed, Life
from tests.support.sweeping import DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet


def in_parts(fleet: Fleet) -> Sweeping:
    """Return Outrider in a tenant that answers with fewer than 100 rows at a time, and has many more."""
    return Sweeping(fleet, limits=Limits(rows=99), most=100, HUNTS_PER_MINUTE="15")


async def test_a_sweep_leaves_a_third_of_the_calls_to_incidents(fleet: Fleet) -> None:
    """With HUNTS_PER_MINUTE=15, a sweep of many parts makes 10 calls in its busiest minute."""
    app = in_parts(fleet)
    run = await app.swept(DESKTOPS)
    await app.close()

    assert 10 < app.answered().total()
    assert 10 == app.busiest_minute()
    assert "completed" == (await app.done(run)).status


async def test_an_incident_is_hunted_while_a_sweep_waits(fleet: Fleet) -> None:
    """An incident that opens is commented at once, although the sweep has used up its calls."""
    app = in_parts(fleet)
    run = await app.start(DESKTOPS)
    wait = await app.deliver(run)
    at = app.now()
    await app.enrich(incidentId="4101")
    await app.close()

    assert wait
    assert "the sweep leaves room for incidents (HUNTS_PER_MINUTE)" == str(wait)
    assert at == app.now()
    assert 1 == len(app.comments("4101"))


async def test_a_running_sweep_reports_how_many_parts_are_done(fleet: Fleet) -> None:
    """Its record counts the parts done and planned; in the end they are equal, and all rows are counted."""
    app = in_parts(fleet)
    run = await app.start(DESKTOPS)
    await app.deliver(run)
    early = await progress(app.tools.store, await app.read(run), app.most)
    await app.finish(run)
    late = await progress(app.tools.store, await app.read(run), app.most)
    await app.close()

    assert 0 < early["partsDone"] < early["partsPlanned"] <= late["partsPlanned"] == late["partsDone"]
    assert [(DESKTOPS, late["partsDone"], (await app.summary(run, DESKTOPS)).rows)] == [
        (hunt["hunt"], hunt["partsDone"], hunt["rows"]) for hunt in late["hunts"]
    ]


async def test_a_sweep_given_up_keeps_the_parts_that_came(fleet: Fleet) -> None:
    """Each missing part is listed with the reason why the sweep was given up."""
    app = in_parts(fleet)
    run = await app.start(DESKTOPS)
    await app.deliver(run)
    await give_up_sweep(app.tools, await app.read(run), "it failed 5 times", posting=True, most=app.most)
    summary, done = await app.summary(run, DESKTOPS), await app.done(run)
    await app.close()

    assert 0 < summary.coverage < 1
    assert {"it failed 5 times"} == {lost.reason for lost in summary.lost}
    assert "completedWithFailures" == done.status
    assert "it failed 5 times" in done.outcomes[0].reason


async def test_a_killed_sweep_ends_alike_and_repeats_no_query(fleet: Fleet) -> None:
    """Killed after each possible number of calls, it ends with the same summary, and asks nothing twice."""
    wanted = None
    for calls in range(1_000):
        app = Sweeping(fleet, limits=Limits(rows=399), most=400)
        app.tenant.faults.add(match="hunt", contains="Connections = count()", status=504)
        run = await app.start(DESKTOPS)
        life = Life(calls)
        with suppress(Killed):
            await app.deliver(run, app.worker(life))
        recorded = await app.record(run).asked(DESKTOPS)
        known = await app.record(run).fleet() is not None
        before = app.answered().total()
        await app.finish(run)
        every, hunted = await app.record(run).asked(DESKTOPS), app.answered().total() - before
        summary = await app.summary(run, DESKTOPS)
        await app.close()
        wanted = wanted or summary

        assert (len(every) - len(recorded)) + (not known) == hunted, calls
        # A worker that is killed at the answer 504 has it for nothing: the fleet is then divided by counts.
        assert wanted == replace(summary, parts=wanted.parts), calls
        assert 1 < summary.parts
        if not life.over:
            break

    assert calls > 20


async def test_two_workers_on_one_sweep_count_each_row_once(fleet: Fleet) -> None:
    """Delivered to two workers at the same time, a sweep has one summary with every row once."""
    app = in_parts(fleet)
    run = await app.start(DESKTOPS)
    while not await app.tools.runs.done(run):
        await asyncio.gather(*(app.deliver(run, app.worker()) for _ in range(2)))
        await app.let_pass(61)
    summary, rows = await app.summary(run, DESKTOPS), await app.rows(run, DESKTOPS)
    await app.close()

    assert (len(rows), 1.0) == (summary.rows, summary.coverage)
    assert len(rows) == len({str(row) for row in rows})


async def test_no_query_starts_that_the_deadline_would_cut(app: Sweeping) -> None:
    """More than 400 seconds after its start, a run sends no further query, and is delivered again at once."""
    run = await app.start(SERVERS)
    hunt, record = load_hunts().by_name[SERVERS], app.record(run)
    window = Window(app.now() - timedelta(days=1), app.now())
    with pytest.raises(Waiting) as raised:
        await ask_all(app.tools, record, hunt, window, time.monotonic() - 401)

    assert timedelta(0) == raised.value.delay
    assert {} == app.answered()
