"""What the Graph client sends: which token, to which host, and how it follows merged incidents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity.aio import ManagedIdentityCredential

from shared.errors import GraphError, NotFound, Unavailable
from shared.graph.sdk import _OneAtATime
from tests.support.line import MONTH, ROWS, Line, identity_endpoint, incident, say

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


async def test_a_hundred_calls_share_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A managed identity is asked for Graph's token once, by its client id."""
    line = Line(ROWS)
    with identity_endpoint(monkeypatch) as queries:
        async with ManagedIdentityCredential(
            client_id="ours", transport=AsyncioRequestsTransport()
        ) as identity:
            graph = line.graph(identity=identity, HUNTS_PER_MINUTE="100")
            await graph.run_hunting_query("A", MONTH)
            await asyncio.gather(*(graph.run_hunting_query("A", MONTH) for _ in range(99)))
    tokens = {request.headers["authorization"] for request in line.requests}

    assert ["api-version=2019-08-01&resource=https://graph.microsoft.com&client_id=ours"] == queries
    assert (100, 1) == (len(line.requests), len(tokens))


@pytest.mark.fault("H10", before="AttributeError: '_OneAtATime' object has no attribute 'close'")
async def test_a_credential_stays_open_that_the_sdk_closes() -> None:
    """
    kiota-authentication-azure before September 2026 closes the credential after each token: it is shared, and stays open.

    `AzureIdentityAccessTokenProvider.get_authorization_token`, in microsoft/kiota-python up to then.
    """
    line = Line(ROWS)
    shared = _OneAtATime(cast("AsyncTokenCredential", line))
    tokens = []
    for _ in range(2):
        tokens.append((await shared.get_token("scope")).token)
        await shared.close()

    assert ["token", "token"] == tokens
    assert not hasattr(line, "close")


@pytest.mark.parametrize(
    ("environment", "scope", "address"),
    [
        ({}, "https://graph.microsoft.com", "https://graph.microsoft.com"),
        ({"AZURE_CLOUD": "usgov"}, "https://graph.microsoft.us", "https://graph.microsoft.us"),
        ({"AZURE_CLOUD": "usgovdod"}, "https://dod-graph.microsoft.us", "https://dod-graph.microsoft.us"),
        ({"GRAPH_URL": "http://127.0.0.1:9"}, "https://graph.microsoft.com", "http://127.0.0.1:9"),
    ],
)
async def test_each_cloud_is_called_with_its_own_token(
    environment: dict[str, str], scope: str, address: str
) -> None:
    """A GRAPH_URL that points elsewhere changes the address, but not what the token is for."""
    line = Line(ROWS)
    await line.graph(**environment).run_hunting_query("A", MONTH)

    assert [f"{scope}/.default"] == line.scopes
    assert f"{address}/v1.0/security/" in str(line.requests[0].url).replace("v1.0//", "v1.0/")
    assert "Bearer token" == line.requests[0].headers["authorization"]


async def test_the_token_is_not_sent_to_another_host() -> None:
    """The SDK's own guard: an address elsewhere, which no answer can bring about, is called without it."""
    line = Line(ROWS)
    graph = line.graph()
    await graph._list_incidents("", "https://graph.example/v1.0/next")  # noqa: SLF001  (nothing else leads there)

    assert [("graph.example", None)] == [
        (request.url.host, request.headers.get("authorization")) for request in line.requests
    ]


async def test_nothing_is_sent_without_a_token() -> None:
    """The error says that the token for Graph is missing, and which error caused that."""

    class Nobody:
        """An identity that never gets a token."""

        async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            """Refuse every request for a token."""
            raise ClientAuthenticationError("no")

    line = Line(ROWS)
    with pytest.raises(Unavailable, match=r"^no token for Graph: ClientAuthenticationError$"):
        await line.graph(identity=Nobody()).run_hunting_query("A", MONTH)

    assert [] == line.requests


@pytest.mark.parametrize("hops", range(6))
async def test_an_incident_is_followed_through_five_merges(hops: int) -> None:
    """An incident that was merged names the one it went into, which is read instead."""
    line = Line(*(incident(n, n + 1) for n in range(hops)), incident(hops))

    assert str(hops) == (await line.graph().get_incident("0")).id
    assert [str(n) for n in range(hops + 1)] == [request.url.path.split("/")[-1] for request in line.requests]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([incident(0, 0)], "incidents redirect in a circle: 0 → 0"),
        ([incident(0, 1), incident(1, 0)], "incidents redirect in a circle: 0 → 1 → 0"),
        (
            [incident(n, n + 1) for n in range(6)],
            "incidents redirect more than 5 times: 0 → 1 → 2 → 3 → 4 → 5",
        ),
    ],
)
async def test_endless_merges_end_in_an_error(answers: list[httpx.Response], message: str) -> None:
    """Merges in a circle, or more than five in a row, are an error that lists the incidents."""
    line = Line(*answers)
    with pytest.raises(NotFound) as caught:
        await line.graph().get_incident("0")

    assert (message, len(answers)) == (caught.value.message, len(line.requests))


async def test_calls_that_start_together_ask_for_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even before there is a token, eight calls at the same time cause only one request for it."""
    line = Line(ROWS)
    with identity_endpoint(monkeypatch) as queries:
        async with ManagedIdentityCredential(transport=AsyncioRequestsTransport()) as identity:
            graph = line.graph(identity=identity)
            await asyncio.gather(*(graph.run_hunting_query("A", MONTH) for _ in range(8)))

    assert 1 == len(queries)


async def test_a_comment_is_never_redirected_to_another_host() -> None:
    """An answer that sends it elsewhere is an error."""
    redirect = httpx.Response(307, headers={"location": "https://graph.example/"})
    line = Line(redirect, httpx.Response(200, json={}))
    with pytest.raises(GraphError):
        await say(line.graph())

    assert ["graph.microsoft.com"] == [request.url.host for request in line.requests]
