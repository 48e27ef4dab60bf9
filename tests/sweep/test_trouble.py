"""A sweep in a tenant that does all to prevent it, and with workers that die."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from math import ceil

import httpx
import pytest
from msgspec.structs import replace

from sandbox.tenant.state import HUNT, Limits
from shared.catalog.load import load_hunts
from shared.errors import Waiting
from shared.model.outcome import Window
from shared.sweep.asking import ask_all
from shared.sweep.flow import give_up_sweep
from shared.sweep.record import progress
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet, Killed, Life

EVERY = (ARCHIVES, DESKTOPS, SERVERS)


@pytest.fixture(scope="module")
def medium() -> Fleet:
    """Telemetry for the tests that ask for it in many parts."""
    return Fleet(devices=100, days=5)


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Sweeping]:
    """Outrider in a tenant of its own."""
    app = Sweeping(fleet)
    yield app
    await app.close()


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(truncate_rows=400, costly_rows=1_500), 400),
        (Limits(rows=399), 400),
        # Smaller than anyone told the app, as the limit of 50 MB is.
        (Limits(rows=399), 100_000),
    ],
    ids=["cuts, and ends wide queries", "refuses", "refuses unexpectedly"],
)
async def test_hard_tenant(medium: Fleet, limits: Limits, most: int) -> None:
    """
    A tenant that holds back rows beyond 400, and then blocks its CPU for ten minutes, is swept whole.

    Every row of an unlimited tenant is there, no minute sees more than 45 calls, and no more than twice as many are
    answered as were needed by who knew beforehand where the rows are.
    """
    easy, hard = Sweeping(medium), Sweeping(medium, limits=limits, most=most)
    seen = 0

    def block(request: httpx.Request | None) -> None:
        """Block the CPU from the eighth call on."""
        nonlocal seen
        seen += request is not None
        if seen == 8:
            until = hard.now() + timedelta(minutes=10)
            hard.tenant.faults.add(match="hunt", status=429, cpu=True, until=until)

    hard.tools = hard.worker(Life(meanwhile=block))
    whole, parts = await easy.swept(), await hard.swept()
    rows = [await easy.rows(whole, hunt) for hunt in EVERY]
    least = 1 + sum(ceil(len(each) / 399) for each in rows)
    answered = hard.answered()
    print(f"answered {dict(answered)}, at least {least}")
    await easy.close()
    await hard.close()

    assert "completed" == (await hard.done(parts)).status
    assert timedelta(minutes=10) <= hard.now() - medium.end
    assert 45 >= hard.busiest_minute()
    assert 2 * least >= answered.total() - answered[429]
    for hunt, every in zip(EVERY, rows, strict=True):
        summary = await easy.summary(whole, hunt)

        assert every == await hard.rows(parts, hunt)
        assert summary == replace(await hard.summary(parts, hunt), parts=1)


def in_parts(fleet: Fleet) -> Sweeping:
    """Outrider in a tenant that answers with fewer than 100 rows, of which there are several times as many."""
    return Sweeping(fleet, limits=Limits(rows=99), most=100, HUNTS_PER_MINUTE="15")


async def test_pace(fleet: Fleet) -> None:
    """A sweep of many parts leaves a third of the calls of every minute to incidents."""
    app = in_parts(fleet)
    run = await app.swept(DESKTOPS)
    await app.close()

    assert 10 < app.answered().total()
    assert 10 == app.busiest_minute()
    assert "completed" == (await app.done(run)).status


async def test_incidents_first(fleet: Fleet) -> None:
    """While a sweep waits for its turn, an incident that opens is hunted at once."""
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


async def test_part_never_answered(fleet: Fleet) -> None:
    """A part that Graph never answers is named with its reason, and all others are swept."""
    app = Sweeping(fleet)
    # Whatever asks for the devices whose ids begin with c1, alone or among others: srv-7 is one.
    for wide, times in (("Connections = count()", 1), ('startswith "c"', 4), ('startswith "c1"', 100)):
        app.tenant.faults.add(match="hunt", contains=wide.replace('"', '\\"'), status=504, times=times)
    run = await app.swept(SERVERS)
    summary, done = await app.summary(run, SERVERS), await app.done(run)
    rows = await app.rows(run, SERVERS)
    await app.close()

    assert ["c1-c1"] == [lost.part for lost in summary.lost]
    assert "its query runs longer than the 3 minutes that Graph allows" == summary.lost[0].reason
    assert 255 / 256 == summary.coverage
    assert rows
    assert not any(row["DeviceId"].startswith("c1") for row in rows)
    assert "completedWithFailures" == done.status
    assert done.verdict.endswith("; coverage 99 %")


async def test_refused(app: Sweeping) -> None:
    """A hunt that the tenant refuses is not run, and does not stop the others."""
    app.tenant.faults.add(match="hunt", contains="ArchiveProc", status=400)
    done = await app.done(await app.swept(ARCHIVES, SERVERS))
    archives, servers = done.outcomes

    assert ("notRun", "found") == (archives.outcome, servers.outcome)
    assert archives.reason.startswith("Graph refused the query (400)")
    assert "completedWithFailures" == done.status


async def test_outage(app: Sweeping) -> None:
    """An outage is waited for; after two hours without an answer, the sweep ends and says so."""
    app.tenant.faults.add(match="hunt", status=503, times=10_000)
    run = await app.start(SERVERS)
    began = app.now()
    await app.finish(run, most=200)
    done = await app.done(run)

    assert timedelta(hours=2) < done.finished - began < timedelta(hours=3)
    assert ("failed", "notRun") == (done.status, done.outcomes[0].outcome)
    assert done.outcomes[0].reason.startswith("Microsoft Graph has not answered for 2 hours")


async def test_missing_role(app: Sweeping) -> None:
    """A sweep without its Graph role waits for it."""
    app.tenant.roles.discard(HUNT)
    run = await app.start(SERVERS)
    wait = await app.deliver(run)
    app.tenant.roles.add(HUNT)
    await app.finish(run)

    assert wait
    assert "ThreatHunting.Read.All" in wait.reason
    assert "completed" == (await app.done(run)).status


async def test_progress(fleet: Fleet) -> None:
    """While a sweep runs, its record says how many parts of how many are done."""
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


async def test_give_up(fleet: Fleet) -> None:
    """A sweep that is given up keeps the parts that came, and says of the rest why it is missing."""
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


async def test_killed(fleet: Fleet) -> None:
    """Wherever its worker is killed, a sweep ends with the same summary, and asks nothing recorded again."""
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
        assert wanted == summary, calls
        assert 1 < summary.parts
        if not life.over:
            break

    assert calls > 20


async def test_two_workers(fleet: Fleet) -> None:
    """A sweep that two workers are given at the same time has one summary, with every row once."""
    app = in_parts(fleet)
    run = await app.start(DESKTOPS)
    while not await app.tools.runs.done(run):
        await asyncio.gather(*(app.deliver(run, app.worker()) for _ in range(2)))
        await app.let_pass(61)
    summary, rows = await app.summary(run, DESKTOPS), await app.rows(run, DESKTOPS)
    await app.close()

    assert (len(rows), 1.0) == (summary.rows, summary.coverage)
    assert len(rows) == len({str(row) for row in rows})


async def test_long(app: Sweeping) -> None:
    """A sweep begins no query that the deadline of its run would cut short, and goes on at once."""
    run = await app.start(SERVERS)
    hunt, record = load_hunts().by_name[SERVERS], app.record(run)
    work, window = (await app.read(run)).work, Window(app.now() - timedelta(days=1), app.now())
    with pytest.raises(Waiting) as raised:
        await ask_all(app.tools, work, record, hunt, window, time.monotonic() - 401)

    assert timedelta(0) == raised.value.delay
    assert {} == app.answered()
