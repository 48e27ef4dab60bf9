"""An incident's run is the same with HUNT_BATCH on and off, but for times and the number of calls."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenant import incidents
from shared.work import work_on
from tests.support import made_up
from tests.support.alike import commented, differences, enriched, left
from tests.support.endings import EXFILTRATION
from tests.support.hunt_files import six_hunts
from tests.support.mortal import Killed, Life
from tests.support.quick import with_hunts
from tests.support.tenant import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tenant import Fleet

MADE_UP, RANDOM = 3, 200
WAYS = ("on", "off")


async def both(fleet: Fleet, more: int) -> tuple[list[Any], list[int]]:
    """Return what is left behind by a run of every incident, and the number of calls, with the batch on and off."""
    found, calls = [], []
    for batch in WAYS:
        app = Deployment(fleet, HUNT_BATCH=batch, HUNTS_PER_MINUTE="100000")
        for _ in range(more):
            incidents.generate(app.tenant)
        found.append(await enriched(app))
        calls.append(app.calls("hunt"))
        await app.close()
    return found, calls


async def test_every_incident_of_the_sandbox_ends_alike(fleet: Fleet) -> None:
    """The planted ones and some that are made up: outcomes, groups, counts, findings and comments."""
    (one, two), (few, many) = await both(with_hunts(fleet, six_hunts()), MADE_UP)
    endings = [each["outcome"] for run in one.values() for each in run.get("done", {}).get("outcomes", ())]
    counted = [
        group
        for run in one.values()
        if "done" in run
        for each in run["done"]["outcomes"]
        for group in each["found"]["groups"]
        if group[5]
    ]

    assert [] == differences(one, two)
    assert len(one) >= MADE_UP + 6
    assert {"found", "nothingSoFar", "notApplicable"} <= {*endings}
    assert counted
    assert few <= len(one) < many


async def test_whatever_is_answered_ends_alike(fleet: Fleet, tmp_path: Path) -> None:
    """200 incidents with random answers: cells of every type, empty ones and some of a megabyte among them."""
    engine, catalog = made_up.MadeUp(), made_up.hunts(tmp_path)
    found = []
    for batch in WAYS:
        scripted = with_hunts(fleet, catalog)
        scripted.engine = engine
        app = Deployment(scripted, planted_open=False, HUNT_BATCH=batch, HUNTS_PER_MINUTE="100000")
        app.tenant.standalone.clear()
        made_up.incidents(app.tenant, RANDOM, fleet.end - timedelta(hours=1))
        found.append(await enriched(app))
        await app.close()
    one, two = found

    assert [] == differences(one, two)
    assert (RANDOM, RANDOM * 4) == (engine.together, engine.alone)
    assert {"DateTime", "Double", "Guid", "Int64", "Object", "SByte", "TimeSpan"} <= engine.types


@pytest.mark.parametrize(("first", "second"), [WAYS, WAYS[::-1]])
async def test_no_comment_twice_when_the_batch_is_switched(fleet: Fleet, first: str, second: str) -> None:
    """What stands on an incident is recognised, whichever way it was found."""
    app = Deployment(fleet, HUNT_BATCH=first)
    one = await app.enrich(incidentId=EXFILTRATION)
    app.switch(HUNT_BATCH=second)
    two = await app.enrich(incidentId=EXFILTRATION)

    assert ["written", "alreadyThere"] == [each.comments[0].status for each in (one, two)]
    assert 1 == len(app.comments(EXFILTRATION))
    await app.close()


@pytest.mark.parametrize(("first", "second"), [WAYS, WAYS[::-1]])
async def test_a_run_that_died_goes_on_the_other_way(fleet: Fleet, first: str, second: str) -> None:
    """At whatever call the worker died, the next one ends the run as if nothing had happened, with one comment."""
    whole = Deployment(fleet, HUNT_BATCH=first)
    run = await whole.ask(incidentId=EXFILTRATION)
    await work_on(whole.tools, run)
    expected = [(await left(whole, run)), commented(whole, [run])]
    await whole.close()
    resumed = 0
    for calls in range(60):
        app = Deployment(fleet, HUNT_BATCH=first)
        run = await app.ask(incidentId=EXFILTRATION)
        life = Life(calls)
        try:
            await work_on(app.worker(life), run)
        except Killed:
            resumed += bool((await app.read(run)).found)
        else:
            await app.close()
            break
        app.switch(HUNT_BATCH=second)
        while not (await app.read(run)).done:
            await work_on(app.tools, run)
            # Who died while it posted its comment may still get it through.
            app.ahead += timedelta(minutes=2)

        assert expected == [await left(app, run), commented(app, [run])], calls
        await app.close()
    else:
        pytest.fail("the run did not end")

    assert resumed > 2
