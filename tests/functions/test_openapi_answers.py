"""The Swagger file says what the app answers: a run in every state, and every error."""

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
    """The app on the local host, the inside of its tenant, and where its state is."""
    cloud = build_app(devices=40, days=1, secret=SECRET, limits=Limits(calls_per_minute=None))
    folder = tmp_path_factory.mktemp("openapi")
    with served(cloud) as tenant, hosted(folder, **identity(tenant), HUNTS_PER_MINUTE="1000") as client:
        yield client, cloud.state.tenant, folder / "state"


def answer(client: httpx.Client, operation: str, **options: Any) -> httpx.Response:
    """Ask for *operation*, which must answer as it is described, and say so in its headers."""
    method, path = operation.split(" ")
    response = client.request(method, path.format(runId=options.pop("run", "")), **options)

    assert [] == problems(operation, response.status_code, response.content)
    described = operations()[operation]["responses"][str(response.status_code)].get("headers", {})
    assert [] == [name for name in described if name not in response.headers]
    return response


def run(client: httpx.Client, until: str, path: str = "enrich", **body: Any) -> dict[str, Any]:
    """Start a run, and ask for it, as it is described all the while, until its status is *until*."""
    run_id = answer(client, f"POST /api/{path}", json=body).json()["runId"]
    for _ in range(300):
        body = answer(client, RUN, run=run_id).json()
        if body["status"] in (until, "completed"):
            break
        time.sleep(0.1)

    assert until == body["status"]
    return body


def test_completed(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A run that is done, and what it found, are described."""
    client, *_ = app
    done = run(client, "completed", incidentId="4101")
    rows = answer(client, FINDINGS, run=done["runId"], params={"hunt": HUNT}).json()
    hunt = next(hunt for hunt in done["hunts"] if hunt["hunt"] == HUNT)

    assert "found" == hunt["outcome"]
    assert [hunt["columns"], hunt["rows"]] == [rows["columns"], len(rows["rows"])]
    assert len(done["hunts"]) == done["huntCount"] == sum(done["outcomes"].values())


def test_swept(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A sweep is described, while it runs and when it is done."""
    client, *_ = app
    done = run(client, "completed", "sweep", hunts=[SWEPT])

    assert [(SWEPT, "found")] == [(hunt["hunt"], hunt["outcome"]) for hunt in done["hunts"]]


def test_failures(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A run that failed, and one of whose hunts did, are described."""
    client, tenant, _ = app
    none = run(client, "failed", incidentId=999_999)
    tenant.faults.add(match="hunt", contains="ArchiveProc", status=400)
    try:
        some = run(client, "completedWithFailures", devices=["srv-7"])
    finally:
        tenant.faults.clear()

    assert none["reason"]
    assert 1 == some["outcomes"]["notRun"]
    assert [HUNT] == [hunt["hunt"] for hunt in some["hunts"] if hunt["outcome"] == "notRun"]


def test_waiting(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A run that waits is described, and answered with 202."""
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


def test_queued(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A run that nobody works on yet is described, and answered with 202."""
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
def test_answers(
    app: tuple[httpx.Client, Tenant, Path], operation: str, options: dict[str, Any], status: int
) -> None:
    """Every other answer is described."""
    assert status == answer(app[0], operation, **options).status_code


def test_reused(app: tuple[httpx.Client, Tenant, Path]) -> None:
    """A key that comes again with another body is described."""
    client, *_ = app
    bodies = ({"devices": ["no-such-1"], "hunts": [HUNT]}, {"devices": ["no-such-2"], "hunts": [HUNT]})
    statuses = [
        answer(client, "POST /api/enrich", json=body, headers={"Idempotency-Key": "openapi"}).status_code
        for body in bodies
    ]

    assert [202, 409] == statuses
