"""
Microsoft Sentinel through Azure Resource Manager: incidents, their entities, and comments on them.

Requests and answers are as in azure-rest-api-specs, Microsoft.SecurityInsights. Reading needs the role
Microsoft Sentinel Reader on the workspace, commenting the role Microsoft Sentinel Responder ("Supported
triggers and actions in Microsoft Sentinel playbooks").
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import requests
from azure.core.exceptions import AzureError
from msgspec import Struct
from requests.auth import AuthBase

from shared import retrying
from shared.decoding import bounded, decode, writable
from shared.entities.fields import folded, text_of
from shared.errors import GraphError, NotFound, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.links import followed

from .body import from_resource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.model.incident import SentinelIncident
    from shared.settings import Settings

T = TypeVar("T")

_SERVICE = "Azure"
SENTINEL_ROLE = "Microsoft Sentinel Responder"
#: The most comments that an incident can have ("Service limits for Microsoft Sentinel", incidents).
COMMENT_LIMIT = 100

# A stable version: azure-rest-api-specs, Microsoft.SecurityInsights/stable/2023-02-01/Incidents.json.
_API_VERSION = "2023-02-01"
# Seconds to connect, and between two pieces of an answer.
_TIMEOUT = (10.0, 30.0)


class _Comments(Struct):
    value: list[Any]
    next_link: str | None = msgspec.field(default=None, name="nextLink")


class _Entities(Struct):
    entities: list[Any] | None = None


class _ErrorBody(Struct):
    code: str | None = ""
    message: str | None = ""


class _ErrorAnswer(Struct):
    error: _ErrorBody


class _Bearer(AuthBase):
    """A token; a plain header would be replaced by the credentials in a `.netrc`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Arm:
    """
    The client for Azure Resource Manager; one per process.

    Every call runs in a worker thread with a `requests.Session` of its own, made by *session*: a Session is
    not thread-safe, and a run makes only three calls. All calls are safe to repeat, and are retried for up to
    30 seconds. They raise PermissionDenied, NotFound, Throttled, TimedOut, Unavailable, or GraphError for
    another refusal.

    *refused* is called with every error that Azure responds with, retried or not. *arm_id* must be a path
    that `body.parse` has accepted.
    """

    def __init__(
        self,
        settings: Settings,
        credential: AsyncTokenCredential,
        *,
        session: Callable[[], requests.Session] = requests.Session,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        refused: Callable[[GraphError], None] = lambda _: None,
    ) -> None:
        self._root = settings.cloud.arm
        self._scope = settings.arm_scope
        self._credential = credential
        self._session = session
        self._sleep = sleep
        self._refused = refused

    async def get_incident(self, arm_id: str) -> SentinelIncident:
        """Read an incident, without its entities."""
        resource = bounded(_decode(await self._call("GET", self._url(arm_id)), dict[str, Any]))
        return from_resource(arm_id, resource)

    async def get_entities(self, arm_id: str) -> list[Any]:
        """Read the entities of all alerts of an incident, whatever each is; only the depth of nesting is bounded."""
        raw = await self._call("POST", self._url(f"{arm_id}/entities"))
        return bounded(_decode(raw, _Entities).entities) or []

    async def get_comments(self, arm_id: str) -> dict[str, str]:
        """
        Read the comments on an incident: name, in lower case -> HTML, '' where that cannot be read.

        A comment whose name cannot be read has a number in its place. Also raises GraphError if a page is on another host, or there are more than 100 pages.
        """
        found: dict[str, str] = {}
        link = self._url(f"{arm_id}/comments")
        for _ in range(COMMENT_LIMIT):
            page = _decode(await self._call("GET", link), _Comments)
            for comment in map(folded, bounded(page.value)):
                name = text_of(comment.get("name")).lower() or str(len(found))
                found[name] = text_of(folded(comment.get("properties")).get("message"))
            if not page.next_link:
                return found
            link = followed(page.next_link, self._root, "comments", _SERVICE)
        raise GraphError(f"more than {COMMENT_LIMIT} pages of comments: Azure repeats itself")

    async def put_comment(self, arm_id: str, comment_id: str, html: str) -> None:
        """Write a comment of at most 30,000 characters of HTML; an existing *comment_id* is overwritten."""
        body = msgspec.json.encode({"properties": {"message": writable(html)}})
        await self._call("PUT", self._url(f"{arm_id}/comments/{comment_id}"), body)

    def _url(self, path: str) -> str:
        return f"{self._root}{path}?api-version={_API_VERSION}"

    async def _call(self, method: str, url: str, body: bytes | None = None) -> bytes:
        return await retrying.retrier(self._sleep)(self._send, method, url, body)

    async def _send(self, method: str, url: str, body: bytes | None) -> bytes:
        try:
            token = await self._credential.get_token(self._scope)
        except AzureError as error:
            raise Unavailable(f"no token for Azure: {type(error).__name__}", service=_SERVICE) from error
        return await asyncio.to_thread(self._exchange, method, url, body, token.token)

    def _exchange(self, method: str, url: str, body: bytes | None, token: str) -> bytes:
        try:
            with self._session() as session:
                response = session.request(
                    method,
                    url,
                    data=body,
                    headers={"Content-Type": "application/json"} if body else None,
                    auth=_Bearer(token),
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                )
        except requests.ReadTimeout as error:
            raise TimedOut(f"no answer from Azure within {_TIMEOUT[1]:.0f} s", service=_SERVICE) from error
        except requests.RequestException as error:
            raise Unavailable(f"Azure cannot be reached: {type(error).__name__}", service=_SERVICE) from error
        if response.status_code not in (200, 201):
            refusal = _error(response)
            self._refused(refusal)
            raise refusal
        return response.content


def _decode(raw: bytes, kind: type[T]) -> T:
    try:
        return decode(raw, kind)
    except msgspec.DecodeError as error:
        raise Unavailable(
            f"Azure's answer is not what it documents: {error}", status=200, service=_SERVICE
        ) from None


def _error(response: requests.Response) -> GraphError:
    """Return the error for an error response, whether or not it has Resource Manager's error body."""
    status = response.status_code
    try:
        body = decode(response.content, _ErrorAnswer).error
    except msgspec.DecodeError:
        body = _ErrorBody()
    message = body.message or response.reason or f"HTTP {status}"
    known: dict[str, Any] = {
        "status": status,
        "code": body.code or "",
        "request_id": response.headers.get("x-ms-request-id", ""),
        "service": _SERVICE,
    }
    match status:
        case 401 | 403:
            return PermissionDenied(message, role=SENTINEL_ROLE, **known)
        case 404:
            return NotFound(message, **known)
        case 408:
            return TimedOut(message, **known)
        case 429:
            wait = retrying.read_retry_after(response.headers.get("Retry-After", ""))
            return Throttled(message, retry_after=wait, **known)
        case _ if status >= 500:
            return Unavailable(message, **known)
        case _:
            return GraphError(message, **known)
