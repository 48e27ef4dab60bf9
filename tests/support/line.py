"""A line to Graph that answers as it is told, and calls to make over it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from azure.core.credentials import AccessToken

from sandbox.host.serve import listening
from sandbox.telemetry.engine import Engine
from sandbox.tenant.app import create_app
from shared import settings
from shared.graph.client import Graph

from .tenant import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from starlette.types import Receive, Scope, Send

Answer = httpx.Response | Exception
ROWS = httpx.Response(200, json={"schema": [], "results": []})
MONTH = "2026-10-25T12:00:00Z/2026-11-24T12:00:00Z"


class Line(httpx.AsyncBaseTransport):
    """Gives *answers* in turn, the last for ever; keeps the requests and the scopes and seconds asked for."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.scopes: list[str] = []
        self.slept: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer *request*."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Be the identity, too."""
        self.scopes += scopes
        return AccessToken("token", 4_000_000_000)

    async def sleep(self, seconds: float) -> None:
        """Wait without waiting."""
        self.slept += [seconds] if seconds else []

    def graph(self, *, identity: Any = None, **environment: str) -> Graph:
        """Make a client that speaks over this line; to Graph itself, unless *environment* says otherwise."""
        chosen = settings.read_settings(ENVIRONMENT | {"GRAPH_URL": ""} | environment)
        return Graph(chosen, identity or self, transport=self, sleep=self.sleep)


def refusal(status: int, message: str = "", **headers: str) -> httpx.Response:
    """Refuse as Graph does."""
    inner = {"request-id": "0f3c"}
    error = {"code": "Code", "message": message, "innerError": inner}
    return httpx.Response(
        status, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def incident(number: int, merged_into: int | None = None) -> httpx.Response:
    """Answer with an incident."""
    into = None if merged_into is None else str(merged_into)
    return httpx.Response(200, json={"id": str(number), "redirectIncidentId": into})


@contextmanager
def identity_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve App Service's managed-identity endpoint, and list the query of each call."""
    tenant, queries = create_app(Engine(), secret="secret"), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Note the query, and answer as the tenant."""
        queries.append(scope["query_string"].decode())
        await tenant(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="warning"))
    with listening() as sock:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{sock.getsockname()[1]}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        try:
            yield queries
        finally:
            server.should_exit = True
            thread.join(20)


def hunt(graph: Graph) -> Awaitable[Any]:
    """Run a query."""
    return graph.run_hunting_query("A", MONTH)


def look(graph: Graph) -> Awaitable[Any]:
    """Read an incident."""
    return graph.get_incident("1")


def say(graph: Graph) -> Awaitable[Any]:
    """Comment on an incident."""
    return graph.add_comment("1", "text", within=5)
