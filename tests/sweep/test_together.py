"""Hunts of a sweep that share a call: how many calls that takes, and that nothing comes out otherwise for it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from sandbox.tenant.state import HUNT, Limits
from shared.catalog.load import Catalog
from shared.errors import Waiting
from shared.outcomes.reading import decode_answer, decode_rows
from shared.state.refusals import BATCHES
from shared.sweep.fleet import Fleet as Counted
from shared.sweep.flow import give_up_sweep
from shared.sweep.record import progress
from shared.sweep.report import sweep_page
from shared.sweep.serving import serve_rows
from shared.sweep.together import ask_together
from tests.support.mortal import Life
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

EVERY = (ARCHIVES, DESKTOPS, SERVERS)
#: Text of the call that counts, and of the one for rows, as it stands in a body.
COUNTS, ROWS = r"_Hunt0 = () {\nDeviceInfo", r"_Hunt0 = () {\nlet "
TOO_LARGE = {
    "status": 400,
    "body": {
        "error": {"code": "BadRequest", "message": "Query execution has exceeded the allowed result size."}
    },
}
ODD = {"status": 200, "body": {"schema": [{"name": "Foo", "type": "String"}], "results": [{"Foo": "x"}]}}


def copies(catalog: Catalog, number: int, *names: str) -> Catalog:
    """Return *number* hunts that are, by turns, those of these *names* under other names."""
    hunts = [catalog.by_name[names[n % len(names)]] for n in range(number)]
    return Catalog(tuple(replace(hunt, name=f"{hunt.name}-{n}") for n, hunt in enumerate(hunts)))


@dataclass
class Line:
    """What goes to Graph over the line; `together` are the bodies of calls for several hunts."""

    together: list[bytes] = field(default_factory=list)

    def __call__(self, request: httpx.Request | None) -> None:
        """Keep the body of *request*."""
        if request and b"_Hunt0" in request.content:
            self.together.append(request.content)


@pytest.mark.parametrize("number", [1, 4, 12])
async def test_hunts_that_fit_into_one_answer_take_two_calls(app: Sweeping, number: int) -> None:
    """One counts the devices, and the rows of each hunt; one returns them all."""
    app.tools = replace(app.tools, catalog=copies(app.tools.catalog, number, *EVERY))
    done = await app.done(await app.swept())

    assert {200: 2} == app.answered()
    assert [("completed", number)] == [(done.status, len(done.outcomes))]
    assert {"found"} == {outcome.outcome for outcome in done.outcomes}


async def everything(app: Sweeping) -> dict[str, Any]:
    """Sweep, and return all that one can see of it, without the run's id."""
    run = await app.swept()
    read, store, hunts = await app.read(run), app.tools.store, app.tools.catalog
    served = {}
    for hunt in EVERY:
        for part in ("", "00-ff"):
            raw, more = await serve_rows(store, read, hunts, hunt, part)
            rows = sorted(decode_rows(decode_answer(raw)), key=str)
            served[hunt, part] = decode_answer(raw).schema, rows, more
    return {
        "summaries": [await app.summary(run, hunt) for hunt in EVERY],
        "served": served,
        "outcomes": (await app.done(run)).outcomes,
        "progress": await progress(store, read),
        "page": re.sub(r"[0-9a-f]{8,32}", "", await sweep_page(store, read, hunts, app.tools.settings)),
        "comments": [re.sub(r"[0-9a-f]{32}", "", text) for text in app.all_comments],
    }


async def test_nothing_comes_out_otherwise_where_hunts_share_a_call(fleet: Fleet) -> None:
    """Summaries, rows, the page and comments are those of hunts that are asked one by one, also for a shorter window."""
    alone, together = Sweeping(fleet, HUNT_BATCH="off"), Sweeping(fleet)
    hunts = alone.tools.catalog.by_name
    for name, days in ((SERVERS, 1), (DESKTOPS, 2)):
        sweep = hunts[name].sweep
        assert sweep
        hunts[name] = replace(hunts[name], sweep=replace(sweep, lookback=timedelta(days=days)))
    for app in (alone, together):
        app.tools = replace(app.tools, catalog=Catalog(tuple(hunts.values())))
    wanted, found = await everything(alone), await everything(together)
    await alone.close()
    await together.close()

    assert ({200: 4}, {200: 2}) == (alone.answered(), together.answered())
    assert all(rows for _, rows, _ in wanted["served"].values())
    for each, value in wanted.items():
        assert value == found[each], each


async def test_a_hunt_that_is_too_large_is_divided_and_the_others_share_a_call(app: Sweeping) -> None:
    """Its parts are asked for as ever, and its rows are all there."""
    app.tools = replace(
        app.tools,
        catalog=Catalog((*copies(app.tools.catalog, 3, ARCHIVES).hunts, app.tools.catalog.by_name[DESKTOPS])),
    )
    app.most, app.tenant.limits = 500, Limits(rows=499)
    line = Line()
    app.tools = replace(app.tools, graph=app.worker(Life(meanwhile=line)).graph)
    run = await app.swept()
    summary = await app.summary(run, DESKTOPS)

    assert 1.0 == summary.coverage
    assert 1 < summary.parts
    assert [1] * 3 == [(await app.summary(run, f"{ARCHIVES}-{n}")).parts for n in range(3)]
    # Those of the devices are one more.
    assert [5, 3] == [body.count(b"/schema") for body in line.together]


@pytest.mark.parametrize("fault", [{"status": 504}, {"status": 400}, TOO_LARGE, ODD], ids=str)
@pytest.mark.parametrize("call", [COUNTS, ROWS])
async def test_hunts_whose_call_fails_are_asked_one_by_one(
    app: Sweeping, call: str, fault: dict[str, Any]
) -> None:
    """The call is not repeated, and every hunt ends as if it had never been sent."""
    app.tenant.faults.add(match="hunt", contains=call, times=1_000, **fault)
    run = await app.swept()
    done, fleet = await app.done(run), await app.record(run).fleet()

    assert 1 + 4 == app.answered().total()
    assert ("completed", 3) == (done.status, [outcome.outcome for outcome in done.outcomes].count("found"))
    assert fleet
    assert bool(fleet.rows) == (call == ROWS)
    assert fleet.kinds


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        ({"status": 429, "retry_after": 600}, 2),
        ({"status": 503}, 4),
    ],
)
async def test_a_call_is_sent_again_only_if_graph_has_not_begun(
    app: Sweeping, fault: dict[str, Any], calls: int
) -> None:
    """What was throttled is; after a failure nobody knows whether the call is its reason, and hunts are asked alone."""
    app.tenant.faults.add(match="hunt", contains=COUNTS, times=10, **fault)
    run = await app.start()
    wait = await app.deliver(run)
    app.tenant.faults.clear()
    await app.let_pass(1_000)
    await app.finish(run)

    assert wait
    assert calls == app.answered()[200]
    assert "completed" == (await app.done(run)).status


async def test_a_missing_role_costs_no_shared_call(app: Sweeping) -> None:
    """Once it is granted, hunts share their calls."""
    app.tenant.roles.discard(HUNT)
    run = await app.start()
    await app.deliver(run)
    app.tenant.roles.add(HUNT)
    await app.finish(run)

    assert {403: 1, 200: 2} == app.answered()


@pytest.mark.parametrize("off", ["setting", "memory"])
async def test_hunts_are_asked_one_by_one_where_that_is_wanted(fleet: Fleet, off: str) -> None:
    """So it is with HUNT_BATCH=off, and in a tenant that was found to refuse it, which a sweep only reads."""
    app = Sweeping(fleet, HUNT_BATCH="off" if off == "setting" else "on")
    if off == "memory":
        await app.tools.refusals.remember(BATCHES, "no", app.now() + timedelta(days=1))
    before = await app.tools.store.keys("refusals/")
    line = Line()
    app.tools = app.worker(Life(meanwhile=line))
    await app.swept()
    after = await app.tools.store.keys("refusals/")
    await app.close()

    assert {200: 4} == app.answered()
    assert [] == line.together
    assert before == after


async def test_a_sweep_that_can_share_calls_leaves_no_query_to_the_deadline(app: Sweeping) -> None:
    """More than 400 seconds after its start it sends none for several hunts, either."""
    run = await app.start()
    await app.deliver(run)
    read = await app.read(run)
    assert read.plan
    again = app.record(await app.start())
    await again.keep_fleet(Counted(rows=dict.fromkeys(EVERY, 1)))
    before = app.answered()
    with pytest.raises(Waiting) as raised:
        await ask_together(app.tools, read.plan, again, time.monotonic() - 401)

    assert timedelta(0) == raised.value.delay
    assert before == app.answered()
    assert set() == await again.tried()


async def test_a_sweep_given_up_after_its_counts_claims_nothing(app: Sweeping) -> None:
    """Counted rows are no rows: no part is done, and every hunt is *not run*."""
    app.tenant.faults.add(match="hunt", contains=ROWS, status=429, retry_after=600)
    run = await app.start()
    await app.deliver(run)
    early = await progress(app.tools.store, await app.read(run))
    await give_up_sweep(app.tools, await app.read(run), "it failed 5 times", posting=True)
    done = await app.done(run)

    assert (0, 3) == (early["partsDone"], early["partsPlanned"])
    assert ["notRun"] * 3 == [outcome.outcome for outcome in done.outcomes]
