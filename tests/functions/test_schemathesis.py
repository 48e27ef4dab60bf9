"""Schemathesis calls every operation with what the Swagger file allows, and with what it does not allow."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from obstore.store import LocalStore
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from sandbox.tenant.app import build_app
from shared.model.entity import Chosen, Device, Indicator
from shared.model.finding import Found
from shared.model.outcome import DeviceEnding, Outcome, Window
from shared.model.record import CommentResult, Done, Plan, PlannedHunt, Wait, Work
from shared.state.objects import Store
from shared.state.runs import Runs
from tests.support.deployed import KEY, SECRET, hosted, identity, served
from tests.support.openapi import document, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HUNT = "archive-then-upload"
RUNS = {
    name: f"{number:032x}"
    for number, name in enumerate(("queued", "waiting", "running", "completed", "failed"))
}
# Work is taken and left alone: what is called is the HTTP functions.
IDLE = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("DoUrgentRun", "DoRun", "DoSweep")}


def with_examples() -> dict[str, Any]:
    """Return the Swagger file with the recorded runs as examples: chance would find few of them."""
    examples = {
        "runId": {name: {"value": run} for name, run in RUNS.items()},
        "hunt": {"one": {"value": HUNT}},
        "format": {form: {"value": form} for form in ("json", "csv")},
    }
    described = deepcopy(document())
    for path in described["paths"].values():
        for parameter in (parameter for operation in path.values() for parameter in operation["parameters"]):
            if parameter["name"] in examples:
                parameter["x-examples"] = examples[parameter["name"]]
    return described


# The Functions host answers a wrong method with 404; and no schema says which incidents there are.
EXCLUDED = [unsupported_method, positive_data_acceptance]
# One takes more than Swagger 2.0 can say, a string or an object; the other's body is Microsoft's, and read where needed.
EXCLUDED_FOR = {name: [negative_data_rejection] for name in ("EnrichIncident", "EnrichSentinelIncident")}

schema = schemathesis.openapi.from_dict(with_examples())
schema.config.generation.modes = list(GenerationMode)


async def record(state: Path) -> None:
    """Record a run in each state below the folder *state*."""
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=1), now)
    found = Found(HUNT, 1, columns=("DeviceName",), first_rows=({"DeviceName": "srv-7"},))
    chosen = Chosen((Device(name="srv-7"),), (Indicator("ip", "203.0.113.9"),))
    # Made so late that nobody takes the run for cut off while the test lasts.
    later = now + timedelta(hours=1)
    plan = Plan("4101", "An incident", chosen=chosen, hunts=(PlannedHunt(HUNT, window),), made=later)
    outcome = Outcome(HUNT, "A hunt", "found", "", window, (DeviceEnding("srv-7", "found"),), found)
    written = CommentResult("4101", "written")
    runs = Runs(Store(LocalStore(state)), lambda *_: None)

    def work(run: str) -> Work:
        """Return what the run is asked to do."""
        return Work(run, now, "", "4101")

    for name, run in RUNS.items():
        await runs.start(work(run), chosen_key=False)
        if name != "queued":
            await runs.store_plan(run, plan)
    await runs.wait(RUNS["waiting"], Wait("Graph asks to wait", now + timedelta(minutes=2)), now)
    raw = b'{"schema":[{"name":"DeviceName","type":"String"}],"results":[{"DeviceName":"srv-7"}]}'
    await runs.record(RUNS["completed"], (found,), raw)
    failed = Found(HUNT, failure="the query timed out")
    await runs.record(RUNS["failed"], (failed,))
    done = Done("completed", "1 hunt found something", now, (outcome,), (written,))
    await runs.finish(work(RUNS["completed"]), done, plan, {HUNT: found})
    done = Done("failed", "FAILED", now, reason="the query timed out")
    await runs.finish(work(RUNS["failed"]), done, plan, {HUNT: failed})


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the app on the local host, with a run in each state, and a tenant for its self-test."""
    folder, cloud = (
        tmp_path_factory.mktemp("schemathesis"),
        build_app(devices=40, days=1, life=False, secret=SECRET),
    )
    with served(cloud) as tenant, hosted(folder, **identity(tenant), **IDLE) as client:
        asyncio.run(record(folder / "state"))
        yield client


def _calls(operation: str) -> Callable[..., None]:
    """Return the test of one operation; pytest-xdist would take tests of the same name for one."""

    @schema.include(operation_id=operation).parametrize()
    @settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
    def test(app: httpx.Client, case: schemathesis.Case) -> None:
        """Whatever is sent, no answer is a 5xx, and every field of an answer is described."""
        response = case.call_and_validate(
            f"{app.base_url}/api",
            headers={"x-functions-key": KEY},
            excluded_checks=[*EXCLUDED, *EXCLUDED_FOR.get(operation, ())],
        )

        if ["application/json"] == response.headers.get("content-type"):
            assert [] == problems(f"{case.method} /api{case.path}", response.status_code, response.content)

    return test


for one in (each for path in document()["paths"].values() for each in path.values()):
    globals()[f"test_{one['operationId']}"] = _calls(one["operationId"])
