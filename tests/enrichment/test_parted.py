"""What one hunt of many in a call does wrong costs the others nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.work import work_on
from tests.support.endings import EXFILTRATION
from tests.support.hunt_files import many_hunts
from tests.support.quick import quick
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.record import Done

    Deploy = Callable[..., Deployment]

COUNT = 40
UNKNOWN_COLUMN = "Failed to resolve scalar expression named 'Made7'"
NO_TABLE = "Failed to resolve table or column expression named 'DeviceImageLoadEvents'"
SYNTAX = "Fix syntax errors in your query."
PREEMPTED = "Query execution has exceeded the allowed limits. The query execution was preempted."
TOO_LARGE = "Query execution has exceeded the allowed result size. Optimize your query."


@pytest.fixture
def deploy(fleet: Fleet, tmp_path: Path) -> Deploy:
    """A function that deploys Outrider with 40 hunts, of which number n alone holds `made{n}.exe`, and with settings."""
    many = quick(fleet, many_hunts(tmp_path, COUNT))
    return lambda **settings: Deployment(many, HUNTS_PER_MINUTE="1000", **settings)


def refusal(message: str) -> dict[str, Any]:
    """Return the body of Graph's answer to a query that it refuses."""
    return {"error": {"code": "BadRequest", "message": message}}


def refuse(app: Deployment, message: str, *numbers: int, times: int = 1_000) -> None:
    """Let Graph refuse each query that holds one of these hunts."""
    for number in numbers:
        app.tenant.faults.add(
            match="hunt", contains=f"made{number}.exe", status=400, body=refusal(message), times=times
        )


def ended(done: Done, *endings: str) -> set[str]:
    """Return the names of the hunts that ended so."""
    return {each.hunt for each in done.outcomes if each.outcome in endings}


async def test_forty_hunts_are_one_call(deploy: Deploy) -> None:
    """None of them found anything, and the card was in it, too."""
    app = deploy()
    done = await app.enrich(incidentId=EXFILTRATION)

    assert (1, COUNT) == (app.calls("hunt"), len(done.outcomes))
    assert set() == ended(done, "notRun", "noTelemetry")
    await app.close()


@pytest.mark.parametrize("numbers", [(0,), (7,), (39,), (3, 17, 31)])
async def test_a_refused_hunt_is_found_by_halving(deploy: Deploy, numbers: tuple[int, ...]) -> None:
    """At most twice ⌈log₂ 41⌉ further calls for each; the others are reported, and it is not sent for an hour."""
    app = deploy()
    refuse(app, SYNTAX, *numbers)
    done = await app.enrich(incidentId=EXFILTRATION)
    calls = app.calls("hunt")
    second = await app.enrich(incidentId="4105")
    between = app.calls("hunt") - calls
    app.tenant.faults.clear()
    app.ahead = timedelta(minutes=61)
    third = await app.enrich(incidentId="4103", hunts=[f"made-{number}" for number in numbers])
    names = {f"made-{number}" for number in numbers}

    assert names == ended(done, "notRun") == ended(second, "notRun")
    assert 1 + 12 * len(numbers) >= calls
    assert 1 == between
    assert set() == ended(third, "notRun")
    assert all(SYNTAX in each.reason for each in done.outcomes if each.hunt in names)
    await app.close()


async def test_a_column_that_is_named_takes_out_the_hunt_that_uses_it(deploy: Deploy) -> None:
    """In one further call."""
    app = deploy()
    refuse(app, UNKNOWN_COLUMN, 7)
    done = await app.enrich(incidentId=EXFILTRATION)

    assert {"made-7"} == ended(done, "notRun")
    assert 2 == app.calls("hunt")
    await app.close()


async def test_a_table_that_the_tenant_lacks_is_no_telemetry_for_a_day(deploy: Deploy) -> None:
    """All hunts that read it are taken out in one further call; the next incidents' calls are without them."""
    app = deploy()
    app.tenant.faults.add(
        match="hunt", contains="DeviceImageLoadEvents", status=400, body=refusal(NO_TABLE), times=1_000
    )
    first = await app.enrich(incidentId=EXFILTRATION)
    calls = app.calls("hunt")
    second = await app.enrich(incidentId="4105")
    between = app.calls("hunt") - calls
    app.tenant.faults.clear()
    app.ahead = timedelta(hours=24, minutes=1)
    third = await app.enrich(incidentId="4103", hunts=["made-10"])
    tenth = {"made-0", "made-10", "made-20", "made-30"}

    assert (2, 1) == (calls, between)
    assert tenth == ended(first, "noTelemetry") == ended(second, "noTelemetry")
    assert {"this tenant has no table DeviceImageLoadEvents: no licence or connector of it brings that"} == {
        each.reason for each in first.outcomes if each.hunt in tenth
    }
    assert set() == ended(first, "notRun") | ended(third, "notRun", "noTelemetry")
    await app.close()


@pytest.mark.parametrize("fault", [{"status": 504}, {"status": 400, "body": refusal(PREEMPTED)}])
async def test_a_hunt_that_takes_too_long_is_found_in_two_rounds(
    deploy: Deploy, fault: dict[str, Any]
) -> None:
    """Eight groups, then each of the group that takes too long; the next incident is hunted for with all."""
    app = deploy()
    app.tenant.faults.add(match="hunt", contains="made7.exe", times=1_000, **fault)
    done = await app.enrich(incidentId=EXFILTRATION)
    calls = app.calls("hunt")
    app.tenant.faults.clear()
    second = await app.enrich(incidentId="4105")

    assert {"made-7"} == ended(done, "notRun")
    assert 1 + 13 >= calls
    assert (1, set()) == (app.calls("hunt") - calls, ended(second, "notRun"))
    await app.close()


async def test_three_hunts_that_take_too_long_leave_most_reported(deploy: Deploy) -> None:
    """With 13 further calls as well; what was in a call with one of them twice says so."""
    app = deploy()
    for number in (3, 17, 31):
        app.tenant.faults.add(match="hunt", contains=f"made{number}.exe", status=504, times=1_000)
    done = await app.enrich(incidentId=EXFILTRATION)
    slow = {"made-3", "made-17", "made-31"}

    assert slow <= ended(done, "notRun")
    assert 12 >= len(ended(done, "notRun"))
    assert 1 + 13 >= app.calls("hunt")
    assert all("longer than" in each.reason for each in done.outcomes if each.outcome == "notRun")
    await app.close()


async def test_an_answer_that_is_too_large_is_asked_for_with_a_tenth_of_the_rows(deploy: Deploy) -> None:
    """Where Graph can return that, it is one further call, and every hunt has its answer."""
    app = deploy()
    app.tenant.faults.add(match="hunt", status=400, body=refusal(TOO_LARGE))
    done = await app.enrich(incidentId=EXFILTRATION)

    assert (2, set()) == (app.calls("hunt"), ended(done, "notRun"))
    await app.close()


@pytest.mark.parametrize("numbers", [(7,), (3, 17, 31)])
async def test_a_hunt_whose_answer_is_always_too_large_leaves_the_others(
    deploy: Deploy, numbers: tuple[int, ...]
) -> None:
    """It is found by halving, and takes part in the next incident's call."""
    app = deploy()
    refuse(app, TOO_LARGE, *numbers)
    done = await app.enrich(incidentId=EXFILTRATION)
    calls = app.calls("hunt")
    app.tenant.faults.clear()
    second = await app.enrich(incidentId="4105")

    assert {f"made-{number}" for number in numbers} == ended(done, "notRun")
    assert 2 + 12 * len(numbers) >= calls
    assert (1, set()) == (app.calls("hunt") - calls, ended(second, "notRun"))
    await app.close()


async def test_a_tenant_that_takes_no_batches_is_asked_hunt_by_hunt(deploy: Deploy) -> None:
    """After at most seven refusals; the next run does so from the start, and after a day it is tried again."""
    app = deploy()
    app.tenant.faults.add(
        match="hunt", contains="_Hunt0", status=400, body=refusal("No functions here"), times=1_000
    )
    done = await app.enrich(incidentId=EXFILTRATION)
    calls = app.calls("hunt")
    second = await app.enrich(incidentId="4105")
    between = app.calls("hunt") - calls
    app.tenant.faults.clear()
    app.ahead = timedelta(hours=24, minutes=1)
    before = app.calls("hunt")
    await app.enrich(incidentId="4103")

    assert set() == ended(done, "notRun") | ended(second, "notRun")
    assert (COUNT + 1 + 7 >= calls, COUNT + 1, 1) == (True, between, app.calls("hunt") - before)
    await app.close()


async def test_a_hunt_at_which_graph_fails_is_parted_from_the_others(deploy: Deploy) -> None:
    """Once the run has waited, half of what is left is answered each time; after two hours the rest is not run."""
    app = deploy()
    app.tenant.faults.add(match="hunt", contains="made7.exe", status=500, times=10_000)
    run = await app.ask(incidentId=EXFILTRATION)
    for minutes in (0, 2, 4, 6, 8, 10, 12, 14, 140):
        app.ahead = timedelta(minutes=minutes)
        await work_on(app.tools, run)
    done = await app.done(run)

    assert {"made-7"} == ended(done, "notRun")
    await app.close()
