"""A Graph client with prepared answers instead of a connection, and calls to make with it."""

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

    from shared.pace import Quota

Answer = httpx.Response | Exception
ROWS = httpx.Response(200, json={"schema": [], "results": []})
MONTH = "2026-10-25T12:00:00Z/2026-11-24T12:00:00Z"


class Line(httpx.AsyncBaseTransport):
    """
    A transport that gives *answers* in turn, one per request, and then the last one for ever.

    An answer that is an exception is raised. The object is also the client's identity and its `sleep`.
    `requests` has the requests so far, `scopes` the scopes that tokens were requested for, and `slept` the
    seconds that the client waited, without zeros.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.scopes: list[str] = []
        self.slept: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Record *request*, and return the next answer, or raise it if it is an exception."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Record *scopes*, and return a token that is valid until 2096."""
        self.scopes += scopes
        return AccessToken("token", 4_000_000_000)

    async def sleep(self, seconds: float) -> None:
        """Record *seconds*, unless 0, and return at once."""
        self.slept += [seconds] if seconds else []

    def graph(self, *, identity: Any = None, quota: Quota | None = None, **environment: str) -> Graph:
        """
        Return a Graph client that sends its requests through this transport.

        They are addressed to Graph itself, unless *environment*, which adds to the settings, says otherwise.
        Tokens come from *identity*, or else from this object, and its turn from *quota*, or else its own.
        """
        chosen = settings.read_settings(ENVIRONMENT | {"GRAPH_URL": ""} | environment)
        return Graph(chosen, identity or self, transport=self, sleep=self.sleep, quota=quota)


def refusal(status: int, message: str = "", **headers: str) -> httpx.Response:
    """Return an error response as Graph sends it; `_` in the names of *headers* becomes `-`."""
    inner = {"request-id": "0f3c"}
    error = {"code": "Code", "message": message, "innerError": inner}
    return httpx.Response(
        status, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def incident(number: int, merged_into: int | None = None) -> httpx.Response:
    """Return a response with incident *number*, which was merged into *merged_into* unless that is None."""
    into = None if merged_into is None else str(merged_into)
    return httpx.Response(200, json={"id": str(number), "redirectIncidentId": into})


@contextmanager
def identity_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """
    Serve App Service's managed-identity endpoint, and point this process's environment at it.

    Yields a list, to which the query string of each call is added.
    """
    tenant, queries = create_app(Engine(), secret="secret"), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Record the query string, and let a tenant answer."""
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
    """Return a call, not yet awaited, that runs a hunting query."""
    return graph.run_hunting_query("A", MONTH)


def look(graph: Graph) -> Awaitable[Any]:
    """Return a call, not yet awaited, that reads an incident."""
    return graph.get_incident("1")


def say(graph: Graph) -> Awaitable[Any]:
    """Return a call, not yet awaited, that comments on an incident and takes at most 5 seconds."""
    return graph.add_comment("1", "text", within=5)
