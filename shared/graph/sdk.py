"""Configure Microsoft's SDK: no retries, no redirects, one token request at a time, HTTP/1.1."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.settings import Settings

#: Seconds. Graph ends a query after 3 minutes (security API overview, quota 5), and says so only then.
READ_TIMEOUT = 190.0


class _OneAtATime:
    """
    A credential that requests one token at a time.

    azure-identity's cache is filled by the first request; without this, all calls that come meanwhile would
    make one of their own.
    """

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._lock = asyncio.Lock()

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token; it is requested once, however many callers wait for it."""
        async with self._lock:
            return await self._credential.get_token(*scopes, **options)

    async def close(self) -> None:
        """Leave the credential open: all calls share it, and kiota before September 2026 closes it after each token."""


def http_client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """Return the SDK's HTTP client, over *transport* if one is given; the caller has to close it."""
    # HTTP/1.1: answers are large, and HTTP/2 frames in pure Python cost more than the connections they save.
    made: httpx.AsyncClient = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(
            timeout=httpx.Timeout(READ_TIMEOUT, connect=10),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=120),
            transport=transport,
        ),
        # The SDK would retry POSTs, comments included, and hold the instance while it waits.
        options={
            **options,
            RetryHandlerOption.get_key(): RetryHandlerOption(0, 0, should_retry=False),
            # It would send a comment to whatever host a redirect names.
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
        },
    )
    return made


def request_adapter(
    settings: Settings, credential: AsyncTokenCredential, client: httpx.AsyncClient
) -> GraphRequestAdapter:
    """Return the SDK's request adapter for the cloud's Graph v1.0; only that host gets the token."""
    root = settings.cloud.graph
    provider = AzureIdentityAuthenticationProvider(
        cast("AsyncTokenCredential", _OneAtATime(credential)),
        scopes=[settings.graph_scope],
        # The SDK's default sends the token to any host that a nextLink names.
        allowed_hosts=[urlsplit(root).hostname or ""],
    )
    adapter = GraphRequestAdapter(provider, client)
    adapter.base_url = f"{root}/v1.0"
    return adapter
