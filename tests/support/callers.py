"""Calls of the HTTP functions in this process, as the platform passes them on for a signed-in principal or a key holder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any

import azure.functions as func
import pytest
from azure.storage.queue import QueueServiceClient

from functions import app
from sandbox.host.http_trigger import signed_in
from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string
from shared.model.role import ROLES
from shared.state.runs import QUEUES
from tests.support.deployed import served
from tests.support.openapi import problems
from tests.support.tenant import ENVIRONMENT

CACHED = (app.read_settings, app.store, app.tools, app.tools_without_retries, app.credential, app.hunts)
HANDLERS = {
    "POST /api/enrich": "enrich.enrich_incident",
    "POST /api/sentinel": "sentinel.enrich_sentinel_incident",
    "POST /api/sweep": "sweep.start_sweep",
    "GET /api/runs/{runId}": "runs.get_run",
    "GET /api/runs/{runId}/findings": "runs.get_findings",
    "GET /api/runs/{runId}/report": "runs.get_report",
    "GET /api/hunts": "hunts.list_hunts",
    "GET /api/hunts/layer": "hunts.get_hunts_layer",
    "GET /api/health": "health.health",
    "GET /api/selftest": "health.run_selftest",
}
JSON = {"content-type": "application/json"}
#: How a call that is let in is answered here: its body asks for nothing, or its run is none.
ANSWERS = {"POST": 400, "GET /api/runs/{runId}": 404, "GET": 200}
NOTHING: dict[str, Any] = {"hunts": ["no-such-hunt"]}


@contextmanager
def queues() -> Iterator[str]:
    """Serve the queues of a storage account, and yield the address."""
    with closing(QueueService()) as service, served(service) as found:
        with QueueServiceClient.from_connection_string(connection_string(found)) as client:
            for name in (*QUEUES, *(f"{queue}-poison" for queue in QUEUES)):
                client.create_queue(name)
        yield found


@contextmanager
def platform(address: str, auth: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> Iterator[None]:
    """Settings of an app whose callers App Service authentication signs in (*auth* entra), or who send a key."""
    settings = {"AzureWebJobsStorage": connection_string(address), "HTTP_AUTH": auth, **more}
    for name, value in {**ENVIRONMENT, "WEBSITE_AUTH_ENABLED": "True", **settings}.items():
        monkeypatch.setenv(name, value)
    for cached in CACHED:
        cached.cache_clear()
    yield
    for cached in CACHED:
        cached.cache_clear()


async def ask(
    operation: str, headers: dict[str, str] | None = None, body: Any = None, run: str = "0" * 32
) -> func.HttpResponse:
    """Call a function with these headers, as the host does, and return its response."""
    method, url = operation.split()
    request = func.HttpRequest(
        method,
        url,
        headers=headers or {},
        route_params={"runId": run},
        body=b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
    )
    module, name = HANDLERS[operation].split(".")
    # Imported late: the timers' modules read the settings at once.
    answer: func.HttpResponse = await getattr(import_module(f"functions.{module}"), name)(request)
    return answer


def principal(name: str = "analyst", roles: Sequence[str] = ROLES, **headers: str) -> dict[str, str]:
    """Return the headers of a call with a JSON body by the signed-in principal *name*, who has these *roles*."""
    return {**JSON, **headers, **signed_in(name, roles)}


def said(answer: func.HttpResponse) -> dict[str, Any]:
    """Return the decoded body of a response."""
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


async def close() -> None:
    """Close the connections that the app has opened in this event loop."""
    if app.tools.cache_info().currsize:
        await app.tools().graph.close()
    if app.credential.cache_info().currsize:
        await app.credential().close()


def let_in(operation: str) -> int:
    """Return the status of a call that is let in."""
    return next(status for start, status in ANSWERS.items() if operation.startswith(start))


async def call(operation: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Call a function so that it does nothing; return its status and body, which must be as described."""
    answer = await ask(operation, headers, NOTHING if operation.startswith("POST") else None)
    if answer.status_code != 401:
        assert [] == problems(operation, answer.status_code, answer.get_body())
    return answer.status_code, said(answer)
