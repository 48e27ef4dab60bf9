"""The Swagger file describes every answer of the app: runs in every state, and every error."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from obstore.store import LocalStore

from sandbox.tenant.app import build_app
from sandbox.tenant.state import Limits
from shared.model.record import Work
from shared.state.objects import Store
from shared.state.runs import Runs
from tests.support.deployed import SECRET, hosted, identity, served
from tests.support.openapi import operations, problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.tenant.state import Tenant

HUNT, SWEPT = "archive-then-upload", "linux-server-egress-baseline"
RUN, FINDINGS = "GET /api/runs/{runId}", "GET /api/runs/{runId}/findings"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Tenant, Path]]:
    """
    A client of the app on the local host, the state of its tenant, and the folder of the app's own state.
    """
    cloud = build_app(devices=40, days=1, life=False, secret=SECRET, limits=Limits(calls_per_minute=None))
    folder = tmp_path_factory.mktemp("openapi")
    with served(cloud) as tenant, hosted(folder, **identity(tenant), HUNTS_PER_MINUTE="1000") as client:
        yield client, cloud.state.tenant, folder / "state"


def answer(client: httpx.Client, operation: str, **options: Any) -> httpx.Response:
    """Call *operation*, check that its answer and headers are as described, and return the answer."""
    method, path = operation.split(" ")
    response = client.request(method, path.format(runId=options.pop("run", "")), **options)

    assert [] == problems(operation, response.status_code, response.content)
    described = operations()[operation]["responses"][str(response.status_code)].get("headers", {})
    assert [] == [name for name in described if name not in response.headers]
    return response


def run(client: httpx.Client, until: str, path: str = "enrich", **body: Any) -> dict[str, Any]:
    """Start a run and poll it until its status is *until*, checking every answer; return the last body."""
    run_id = answer(client, f"POST /api/{path}", json=body).json()["runId"]
    for _ in range(300):
        body = answer(client, RUN, run=run_id).json()
        if body["status"] in (until, "completed"):
            break
        time.sleep(0.1)

    assert until == body["status"]
    return body


def test_a_completed_run_is_described(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """So are its findings; the numbers of hunts, outcomes, columns and rows agree."""
    client, *_ = app
    done = run(client, "completed", incidentId="4101")
    rows = answer(client, FINDINGS, run=done["runId"], params={"hunt": HUNT}).json()
    hunt = next(hunt for hunt in done["hunts"] if hunt["hunt"] == HUNT)

    assert "found" == hunt["outcome"]
    assert [hunt["columns"], hunt["rows"]] == [rows["columns"], len(rows["rows"])]
    assert len(done["hunts"]) == done["huntCount"] == sum(done["outcomes"].values())


def test_a_sweep_is_described_until_it_is_done(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """Every answer while the sweep runs is as described, and so is the completed sweep."""
    client, *_ = app
    done = run(client, "completed", "sweep", hunts=[SWEPT])

    assert [(SWEPT, "found")] == [(hunt["hunt"], hunt["outcome"]) for hunt in done["hunts"]]


def test_failed_runs_and_failed_hunts_are_described(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """One run fails because its incident is missing; another completes, but one of its hunts was not run."""
    client, tenant, _ = app
    none = run(client, "failed", incidentId=999_999)
    tenant.faults.add(match="hunt", contains="ArchiveProc", status=400, times=1_000)
    try:
        some = run(client, "completedWithFailures", devices=["srv-7"])
    finally:
        tenant.faults.clear()

    assert none["reason"]
    assert 1 == some["outcomes"]["notRun"]
    assert [HUNT] == [hunt["hunt"] for hunt in some["hunts"] if hunt["outcome"] == "notRun"]


def test_a_waiting_run_is_described(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """While Graph throttles, the run says why it waits, and is answered with 202."""
    client, tenant, _ = app
    tenant.faults.add(
        match="hunt", status=429, retry_after=120, until=datetime.now(UTC) + timedelta(minutes=5)
    )
    try:
        waits = run(client, "waiting", devices=["srv-7"], hunts=[HUNT])
    finally:
        tenant.faults.clear()

    assert waits["waiting"]["reason"]
    assert 202 == answer(client, RUN, run=waits["runId"]).status_code


def test_a_queued_run_is_described(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A run that no worker has taken yet is answered with 202."""
    client, _, state = app
    run_id = "0" * 31 + "1"
    runs = Runs(Store(LocalStore(state)), lambda *_: None)
    asyncio.run(runs.start(Work(run_id, datetime.now(UTC), ""), chosen_key=False))
    response = answer(client, RUN, run=run_id)

    assert (202, "queued") == (response.status_code, response.json()["status"])


@pytest.mark.parametrize(
    ("operation", "options", "status"),
    [
        ("GET /api/hunts", {}, 200),
        ("GET /api/hunts", {"params": {"device": "srv-7", "indicator": "203.0.113.9"}}, 200),
        ("GET /api/hunts", {"params": {"indicator": "nothing at all"}}, 400),
        ("GET /api/hunts/layer", {}, 200),
        ("GET /api/health", {}, 200),
        ("GET /api/selftest", {}, 200),
        ("POST /api/sentinel", {"json": {}}, 400),
        ("POST /api/sweep", {"json": {"hunts": ["x"]}}, 400),
        ("POST /api/enrich", {"json": {"incidentId": "abc", "lookback": "P31D"}}, 400),
        (RUN, {"run": "0" * 32}, 404),
        (FINDINGS, {"run": "0" * 32}, 404),
        (FINDINGS, {"run": "0" * 31 + "2", "params": {"hunt": "x"}}, 404),
        ("GET /api/runs/{runId}/report", {"run": "0" * 32}, 404),
    ],
)
def test_every_other_answer_is_described(
    app: tuple[httpx.Client, Tenant, Path], operation: str, options: dict[str, Any], status: int
) -> None:
    """These are the catalogue, health and self-test, and requests that are invalid or for unknown runs."""
    assert status == answer(app[0], operation, **options).status_code


def test_a_reused_idempotency_key_is_described(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """The same key with another body is answered with 409."""
    client, *_ = app
    bodies = ({"devices": ["no-such-1"], "hunts": [HUNT]}, {"devices": ["no-such-2"], "hunts": [HUNT]})
    statuses = [
        answer(client, "POST /api/enrich", json=body, headers={"Idempotency-Key": "openapi"}).status_code
        for body in bodies
    ]

    assert [202, 409] == statuses
