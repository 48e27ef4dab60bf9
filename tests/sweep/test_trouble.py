"""A sweep of a tenant that refuses queries, cuts answers, or does not answer."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

import httpx
import pytest
from msgspec.structs import replace

from sandbox.telemetry.engine import timestamp
from sandbox.tenant.state import HUNT, Limits
from tests.support.mortal import Life
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

EVERY = (ARCHIVES, DESKTOPS, SERVERS)


@pytest.fixture(scope="module")
def medium() -> Fleet:
    """Return telemetry of 100 devices over five days, for sweeps that take many parts."""
    return Fleet(devices=100, days=5)


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(truncate_rows=400, costly_rows=1_500), 400),
        (Limits(rows=399), 400),
        # A limit that the app does not know of, as it cannot know how many rows make 50 MB.
        (Limits(rows=399), 100_000),
    ],
    ids=["cuts answers and ends wide queries", "refuses", "refuses unexpectedly"],
)
async def test_a_tenant_that_cuts_and_blocks_is_swept_whole(medium: Fleet, limits: Limits, most: int) -> None:
    """
    Every row is found in a tenant that returns fewer than 400 rows, and then has no CPU left for ten minutes.

    No minute has more than 45 calls. At most twice as many calls are answered as would be needed if it were
    known beforehand where the rows are, and one for all hunts together where their counts promise too much.
    """
    easy, hard = Sweeping(medium), Sweeping(medium, limits=limits, most=most)
    seen = 0

    def block(request: httpx.Request | None) -> None:
        """Use up the tenant's CPU for ten minutes, from the eighth call on."""
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
    assert 2 * least + 1 >= answered.total() - answered[429]
    for hunt, every in zip(EVERY, rows, strict=True):
        summary = await easy.summary(whole, hunt)

        assert every == await hard.rows(parts, hunt)
        assert summary == replace(await hard.summary(parts, hunt), parts=1)


async def test_an_unanswered_part_is_named_and_the_rest_swept(fleet: Fleet) -> None:
    """Only the part of the ids that begin with c1 is lost, with its reason and its share of the fleet."""
    app = Sweeping(fleet)
    # No query that covers the ids beginning with c1, such as that of srv-7, is answered, however narrow.
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


async def test_a_refused_hunt_does_not_stop_the_others(app: Sweeping) -> None:
    """It ends as *not run* with Graph's words, and the other hunt still finds its rows."""
    app.tenant.faults.add(match="hunt", contains="ArchiveProc", status=400, times=100)
    done = await app.done(await app.swept(ARCHIVES, SERVERS))
    archives, servers = done.outcomes

    assert ("notRun", "found") == (archives.outcome, servers.outcome)
    assert archives.reason.startswith("Graph refused the query (400)")
    assert "completedWithFailures" == done.status


async def test_a_sweep_fails_after_two_hours_without_an_answer(app: Sweeping) -> None:
    """It waits through an outage for that long, and then ends and says so."""
    app.tenant.faults.add(match="hunt", status=503, times=10_000)
    run = await app.start(SERVERS)
    began = app.now()
    await app.finish(run, most=200)
    done = await app.done(run)

    assert timedelta(hours=2) < done.finished - began < timedelta(hours=3)
    assert ("failed", "notRun") == (done.status, done.outcomes[0].outcome)
    assert done.outcomes[0].reason.startswith("Microsoft Graph has not answered for 2 hours")


async def test_a_sweep_waits_for_its_missing_graph_role(app: Sweeping) -> None:
    """It names the role that it needs for hunting, and completes once the role is granted."""
    app.tenant.roles.discard(HUNT)
    run = await app.start(SERVERS)
    wait = await app.deliver(run)
    app.tenant.roles.add(HUNT)
    await app.finish(run)

    assert wait
    assert "ThreatHunting.Read.All" in wait.reason
    assert "completed" == (await app.done(run)).status


@pytest.mark.fault("C", before="with `>` in _ask: 'notRun' == 'found'")
@pytest.mark.parametrize(("number", "ending"), [(99, "found"), (100, "notRun")])
async def test_an_answer_of_exactly_the_row_limit_counts_as_cut(
    app: Sweeping, number: int, ending: str
) -> None:
    """Graph may cut silently at its limit, so nobody knows whether an answer of just that many rows is whole."""
    app.most = 100
    at = timestamp(app.now() - timedelta(hours=1))
    rows = [{"DeviceId": "a" * 40, "RemoteIP": f"198.51.100.{n}", "FirstSeen": at} for n in range(number)]
    app.tenant.faults.add(match="hunt", contains="Rows = count()", status=400)
    app.answers(SERVERS, rows)
    done = await app.done(await app.swept(SERVERS))

    assert ending == done.outcomes[0].outcome


@pytest.mark.fault("A14", before="['failed'] == …: Microsoft Graph has not answered for 2 hours")
async def test_seconds_of_an_outage_do_not_end_a_sweeps_comments(app: Sweeping) -> None:
    """A sweep that was asked for hours ago waits for a 503 of the incidents as long as any other."""
    run = await app.start(ARCHIVES)
    await app.let_pass(3 * 3_600)
    app.tenant.faults.add(match="incident", status=503, times=8)
    await app.finish(run)

    assert ["written"] == [comment.status for comment in (await app.done(run)).comments]
