"""The page and the rows of a sweep as they are served, read from what the sweep recorded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace

from sandbox.tenant.state import Limits, Tenant
from shared.errors import InvalidRequest
from shared.outcomes.reading import decode_answer, decode_rows
from shared.pages.layout import STYLE_HASH
from shared.sweep.report import sweep_page
from shared.sweep.serving import serve_rows
from tests.support.deployed import finished
from tests.support.sweeping import DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Sweeping]:
    """Yield Outrider in a tenant whose answers hold fewer than 150 rows, so that a sweep has many parts."""
    app = Sweeping(fleet, limits=Limits(rows=149), most=150)
    yield app
    await app.close()


async def test_the_page_shows_progress_and_then_the_findings(app: Sweeping) -> None:
    """Once the sweep is done, the page lists what is new and links to the rows of each part."""
    run = await app.start(DESKTOPS)
    store, tools = app.tools.store, app.tools
    before = await sweep_page(store, await tools.runs.read(run), tools.catalog, tools.settings, 150)
    await app.finish(run)
    after = await sweep_page(store, await tools.runs.read(run), tools.catalog, tools.settings, 150)
    parts = await app.record(run).whole(DESKTOPS)

    assert "Sweeping the fleet…" in before
    assert f"New: {DESKTOPS}" in after
    assert 1 < len(parts) == len(re.findall("&amp;part=", after))


async def test_new_rows_and_the_rows_of_each_part_are_served(app: Sweeping) -> None:
    """Without a part, only new rows are served, up to the limit; all parts together hold every row."""
    run = await app.swept(SERVERS, DESKTOPS)
    read, store, hunts = await app.tools.runs.read(run), app.tools.store, app.tools.catalog
    since = (await app.summary(run, SERVERS)).new_since
    rows = await app.rows(run, SERVERS)
    raw, more = await serve_rows(store, read, hunts, SERVERS, most=app.most)
    cut, cut_more = await serve_rows(store, read, hunts, DESKTOPS, most=app.most)
    every = []
    for part in await app.record(run).whole(SERVERS):
        each, _ = await serve_rows(store, read, hunts, SERVERS, part.name, app.most)
        every += list(decode_rows(decode_answer(each)))
    new = [row for row in rows if row["FirstSeen"] >= f"{since:%Y-%m-%dT%H:%M:%S.%f}"]

    assert (new, False) == (sorted(decode_rows(decode_answer(raw)), key=str), more)
    assert rows == sorted(every, key=str)
    # More rows are new than an answer may have, so it holds as many as it may.
    assert (app.most, True) == (len(decode_answer(cut).results), cut_more)


async def test_rows_that_a_sweep_does_not_have_are_refused(app: Sweeping) -> None:
    """A sweep that is not done, a hunt it did not run, an unknown part and a removed hunt are refused."""
    run = await app.start(SERVERS)
    store, hunts = app.tools.store, app.tools.catalog
    with pytest.raises(InvalidRequest, match="not done"):
        await serve_rows(store, await app.tools.runs.read(run), hunts, SERVERS, most=app.most)
    await app.finish(run)
    read = await app.tools.runs.read(run)

    with pytest.raises(InvalidRequest, match=f"'nope': this sweep has rows of {SERVERS}"):
        await serve_rows(store, read, hunts, "nope", most=app.most)
    with pytest.raises(InvalidRequest, match=r"part='zz': .* these parts: 00-"):
        await serve_rows(store, read, hunts, SERVERS, "zz", app.most)
    with pytest.raises(InvalidRequest, match="no longer has"):
        await serve_rows(store, read, replace(hunts, hunts=()), SERVERS, most=app.most)


def test_progress_page_and_rows_are_served_over_http(cloud: tuple[str, Tenant], http: httpx.Client) -> None:
    """The page has its security headers, and the new rows and those of a part come as JSON or CSV files."""
    cloud[1].faults.add(match="hunt", status=429, retry_after=3, times=1)
    accepted = http.post("/api/sweep", json={"hunts": [DESKTOPS]})
    at = accepted.headers["location"]
    early = http.get(at).json()
    run = finished(http, at)
    shown = http.get(f"{at}/report")
    query = {"hunt": DESKTOPS, "format": "csv"}
    new, every = (
        http.get(f"{at}/findings", params=query),
        http.get(f"{at}/findings", params=query | {"part": "00-ff"}),
    )
    body = http.get(f"{at}/findings", params={"hunt": DESKTOPS}).json()

    # Before the plan is made no part is planned; then there is one for each hunt.
    assert 0 == early["partsDone"] <= early["partsPlanned"] == early["huntCount"] <= 1
    assert "partsDone" not in run
    assert (200, "text/html; charset=utf-8") == (shown.status_code, shown.headers["content-type"])
    assert STYLE_HASH in shown.headers["content-security-policy"]
    assert f"New: {DESKTOPS}" in shown.text
    assert f"{run['runId'][:8]}-{DESKTOPS}-new.csv" in new.headers["content-disposition"]
    assert f"{run['runId'][:8]}-{DESKTOPS}-00-ff.csv" in every.headers["content-disposition"]
    assert run["hunts"][0]["rows"] == len(new.text.splitlines()) - 1 == len(body["rows"])
    assert len(every.text.splitlines()) >= len(new.text.splitlines())
    assert (DESKTOPS, False) == (body["hunt"], body["more"])
    assert 400 == http.get(f"{at}/findings", params=query | {"part": "00-00"}).status_code
