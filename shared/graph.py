"""
Microsoft Graph security: incidents, comments and hunting queries.

The only module that calls Graph, and the only one that retries. Answers are taken as raw bytes: the SDK's typed rows
are several times slower and change values (an ISO date in a string column becomes a datetime).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import msgspec
from azure.core.exceptions import AzureError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import ResponseHandlerOption, RetryHandlerOption
from msgraph import GraphServiceClient
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
)

from .errors import (
    BadQuery,
    GraphError,
    NotFound,
    PermissionDenied,
    ResultTooLarge,
    Throttled,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials_async import AsyncTokenCredential

    from .settings import Settings

HUNTING_ROLE = "ThreatHunting.Read.All"
INCIDENT_ROLE = "SecurityIncident.ReadWrite.All"

# Graph ends a query after 3 minutes (security API overview, quota 5): ours must outlast it to hear so.
_READ_TIMEOUT = 190.0
_ATTEMPTS = 4
# Longer waits are not worth an instance: the run goes back to its queue instead.
_PATIENCE = 30.0
_MAX_REDIRECTS = 5
# Graph refuses a larger $top: "The limit of '50' for Top query has been exceeded".
_PAGE = 50
_MAX_PAGES = 1_000


class Comment(msgspec.Struct, frozen=True):
    """A comment on an incident; Graph gives it no id."""

    comment: str | None = ""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert of an incident; evidence stays as Graph sends it, since its shape depends on `@odata.type`."""

    first_activity: str | None = msgspec.field(default=None, name="firstActivityDateTime")
    last_activity: str | None = msgspec.field(default=None, name="lastActivityDateTime")
    created: str | None = msgspec.field(default=None, name="createdDateTime")
    evidence: list[dict[str, Any]] | None = None


class Incident(msgspec.Struct, frozen=True, rename="camel"):
    """What Outrider reads of an incident."""

    id: str
    display_name: str | None = ""
    severity: str | None = ""
    status: str | None = ""
    incident_web_url: str | None = ""
    redirect_incident_id: str | None = None
    created: str | None = msgspec.field(default=None, name="createdDateTime")
    updated: str | None = msgspec.field(default=None, name="lastUpdateDateTime")
    tenant_id: str | None = ""
    alerts: list[Alert] | None = None
    comments: list[Comment] | None = None


class _Incidents(msgspec.Struct):
    value: list[Incident]
    next_link: str = msgspec.field(default="", name="@odata.nextLink")


class _ErrorBody(msgspec.Struct):
    code: str | None = ""
    message: str | None = ""
    inner: dict[str, Any] | None = msgspec.field(default=None, name="innerError")


class _ErrorAnswer(msgspec.Struct):
    error: _ErrorBody


class Pace:
    """
    Admit at most `per_minute` calls in any 60 seconds, in the order they came.

    A call that would wait longer than `patience` seconds is refused with Throttled, as Graph itself would.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: deque[float] = deque(maxlen=per_minute)

    def reserve(self, patience: float) -> float:
        """Take the next free slot and return the seconds until it."""
        now = self._clock()
        full = len(self._slots) == self._slots.maxlen
        start = max(now, self._slots[0] + 60) if full else now
        if start - now > patience:
            raise Throttled("HUNTS_PER_MINUTE is used up", retry_after=start - now, status=0)
        self._slots.append(start)
        return start - now


class Graph:
    """One client a process; its connections and its token are reused by every run."""

    def __init__(
        self,
        settings: Settings,
        credential: AsyncTokenCredential,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        root = settings.cloud.graph
        provider = AzureIdentityAuthenticationProvider(
            credential,
            scopes=[settings.graph_scope],
            # The SDK's default sends the token to any host that a nextLink names.
            allowed_hosts=[urlsplit(root).hostname or ""],
        )
        # HTTP/1.1: the answers are large, and HTTP/2 frames in pure Python cost more than the connections saved.
        self._http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(
                timeout=httpx.Timeout(_READ_TIMEOUT, connect=10),
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=120),
                transport=transport,
            ),
            # The SDK would retry POSTs, comments included, and hold the instance while it waits.
            options={**options, RetryHandlerOption.get_key(): RetryHandlerOption(0, 0, should_retry=False)},
        )
        self._adapter = GraphRequestAdapter(provider, self._http)
        self._adapter.base_url = f"{root}/v1.0"
        self._client = GraphServiceClient(request_adapter=self._adapter)
        self._sleep = sleep
        self._pace = Pace(settings.hunts_per_minute, clock)
        self._slots = asyncio.Semaphore(settings.hunt_concurrency)
        self._native = ResponseHandlerOption(NativeResponseHandler())

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._http.aclose()

    async def get_incident(self, incident_id: str) -> Incident:
        """
        Read an incident with its alerts, evidence and comments, following merges.

        A merged incident names the one it went into; at most 5 hops, loops end in an error. Raises NotFound,
        PermissionDenied, Throttled or Unavailable.
        """
        seen: list[str] = []
        while incident_id not in seen:
            seen.append(incident_id)
            incident = msgspec.json.decode(
                await self._retrying(self._read_incident, incident_id), type=Incident
            )
            if not incident.redirect_incident_id or len(seen) > _MAX_REDIRECTS:
                break
            incident_id = incident.redirect_incident_id
        else:
            raise NotFound(f"incidents redirect in a circle: {' → '.join([*seen, incident_id])}", status=404)
        if incident.redirect_incident_id:
            raise NotFound(
                f"incidents redirect more than {_MAX_REDIRECTS} times: {' → '.join(seen)}", status=404
            )
        return incident

    async def list_incidents(self, since: datetime, until: datetime | None = None) -> list[Incident]:
        """
        List the incidents updated in `[since, until)`, without alerts and in no order, each once.

        Pages shift while they are read: an incident that is on two of them is taken as the later one shows it.
        Raises PermissionDenied, Throttled, TimedOut or Unavailable.
        """
        terms = [f"lastUpdateDateTime ge {_time(since)}"]
        if until:
            terms.append(f"lastUpdateDateTime lt {_time(until)}")
        found: dict[str, Incident] = {}
        link = ""
        for _ in range(_MAX_PAGES):
            page = msgspec.json.decode(
                await self._retrying(self._list_incidents, " and ".join(terms), link), type=_Incidents
            )
            found.update((incident.id, incident) for incident in page.value)
            link = page.next_link
            if not link:
                return list(found.values())
        raise GraphError(f"more than {_MAX_PAGES} pages of incidents: Graph repeats itself")

    async def run_hunting_query(self, query: str, timespan: str) -> bytes:
        """
        Run KQL over *timespan* (ISO 8601 `start/end`) and return Graph's answer as it came.

        The answer is `{"schema": [{"name", "type"}], "results": [{…}]}`, at most 100,000 rows and 50 MB.
        Raises BadQuery, ResultTooLarge, PermissionDenied, Throttled, TimedOut or Unavailable.
        """
        return await self._retrying(self._hunt, query, timespan)

    async def add_comment(self, incident_id: str, text: str, *, within: float) -> None:
        """
        Post a comment, once.

        Never sent twice: Graph may have taken it although it answers with an error, so whoever wants to try again
        looks at the incident first. Gives up *within* seconds.
        """
        info = RequestInformation(
            Method.POST,
            "{+baseurl}/security/incidents/{incident%2Did}/comments",
            {"baseurl": self._adapter.base_url, "incident%2Did": incident_id},
        )
        info.headers.try_add("Accept", "application/json")
        info.set_stream_content(
            msgspec.json.encode({"@odata.type": "microsoft.graph.security.alertComment", "comment": text}),
            "application/json",
        )
        try:
            async with asyncio.timeout(within):
                await self._send(info, INCIDENT_ROLE)
        except TimeoutError:
            raise Unavailable(f"no answer to the comment within {within:.0f} s") from None

    async def _read_incident(self, incident_id: str) -> bytes:
        from msgraph.generated.security.incidents.item.incident_item_request_builder import (
            IncidentItemRequestBuilder as Item,
        )

        headers = HeadersCollection()
        # Without it, newer enum members arrive as unknownFutureValue.
        headers.add("Prefer", "include-unknown-enum-members")
        info = self._client.security.incidents.by_incident_id(incident_id).to_get_request_information(
            RequestConfiguration(
                query_parameters=Item.IncidentItemRequestBuilderGetQueryParameters(expand=["alerts"]),
                headers=headers,
            )
        )
        return await self._send(info, INCIDENT_ROLE)

    async def _list_incidents(self, terms: str, link: str) -> bytes:
        from msgraph.generated.security.incidents.incidents_request_builder import (
            IncidentsRequestBuilder as Incidents,
        )

        builder = self._client.security.incidents
        headers = HeadersCollection()
        headers.add("Prefer", "include-unknown-enum-members")
        query = Incidents.IncidentsRequestBuilderGetQueryParameters(filter=terms, top=_PAGE)
        info = builder.to_get_request_information(
            RequestConfiguration(query_parameters=None if link else query, headers=headers)
        )
        if link:
            info.url = link
        return await self._send(info, INCIDENT_ROLE)

    async def _hunt(self, query: str, timespan: str) -> bytes:
        from msgraph.generated.security.microsoft_graph_security_run_hunting_query import (
            run_hunting_query_post_request_body as post,
        )

        await self._sleep(self._pace.reserve(_PATIENCE))
        info = self._client.security.microsoft_graph_security_run_hunting_query.to_post_request_information(
            post.RunHuntingQueryPostRequestBody(query=query, timespan=timespan)
        )
        async with self._slots:
            return await self._send(info, HUNTING_ROLE)

    async def _retrying(self, call: Callable[..., Awaitable[bytes]], *arguments: str) -> bytes:
        return await AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(_PATIENCE),
            wait=_wait,
            retry=retry_if_exception_type((Throttled, Unavailable)),
            sleep=self._sleep,
            reraise=True,
        )(call, *arguments)

    async def _send(self, info: RequestInformation, role: str) -> bytes:
        info.add_request_options([self._native])
        try:
            response: httpx.Response = await self._adapter.send_primitive_async(info, "bytes", {})
        except httpx.ReadTimeout as error:
            raise TimedOut(f"no answer within {_READ_TIMEOUT:.0f} s") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"Graph cannot be reached: {type(error).__name__}") from error
        except AzureError as error:
            raise Unavailable(f"no token for Graph: {type(error).__name__}") from error
        if not response.is_success:
            raise _error(response, role)
        return response.content


def _error(response: httpx.Response, role: str) -> GraphError:
    """Turn an error answer, with or without Graph's error body, into the error tree."""
    status = response.status_code
    try:
        body = msgspec.json.decode(response.content, type=_ErrorAnswer).error
    except msgspec.DecodeError:
        body = _ErrorBody()
    message = body.message or response.reason_phrase
    known: dict[str, Any] = {
        "status": status,
        "code": body.code or "",
        "request_id": str((body.inner or {}).get("request-id", "")) or response.headers.get("request-id", ""),
    }
    match status:
        case 400 if "exceeded the allowed result size" in message:
            return ResultTooLarge(message, **known)
        case 400:
            return BadQuery(message, **known)
        case 401:
            return Unavailable(f"Graph refuses the token: {message}", **known)
        case 403:
            return PermissionDenied(message, role=role, **known)
        case 404:
            return NotFound(message, **known)
        case 408 | 504:
            return TimedOut(message, **known)
        case 429:
            return Throttled(message, retry_after=_retry_after(response), **known)
        case _ if status >= 500:
            return Unavailable(message, **known)
        case _:
            return GraphError(message, **known)


def _time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _retry_after(response: httpx.Response) -> float | None:
    """Read Retry-After: seconds, also fractional (older Graph pages show "2.128"), or an HTTP date."""
    text = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    """As long as Graph says, else 1, 2, 4 … seconds."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled) and error.retry_after is not None:
        return error.retry_after
    return float(2 ** (state.attempt_number - 1))
