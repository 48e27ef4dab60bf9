"""
Microsoft Graph security: incidents, comments and hunting queries.

This is the only module that calls Graph, and it does all retrying itself. Answers are taken as raw bytes: the
SDK's typed rows are several times slower, and change values (an ISO date in a string column becomes a
datetime).
"""

from __future__ import annotations

import asyncio
import copy
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx
import msgspec
from azure.core.exceptions import AzureError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import ResponseHandlerOption
from msgraph import GraphServiceClient

from shared.decoding import writable
from shared.errors import GraphError, NotFound, TimedOut, Unavailable
from shared.links import followed
from shared.model.incident import Incident
from shared.model.times import write_time
from shared.pace import Pace
from shared.retrying import PATIENCE, retrier

from .answers import to_error
from .incidents import Page, read_incident, read_page
from .sdk import READ_TIMEOUT, http_client, request_adapter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.pace import Quota
    from shared.settings import Settings

HUNTING_ROLE = "ThreatHunting.Read.All"
INCIDENT_ROLE = "SecurityIncident.ReadWrite.All"

_MAX_REDIRECTS = 5
# Graph refuses a larger $top: "The limit of '50' for Top query has been exceeded".
_PAGE = 50
_MAX_PAGES = 1_000


class Graph:
    """
    The client for Microsoft Graph; one per process, whose connections and token all runs reuse.

    Every call except `add_comment` is retried, within *patience* seconds (`shared.retrying`). *refused* is
    called with every error that Graph responds with, retried or not. *quota* says when a hunting call may be sent,
    by default one of this process alone.
    """

    def __init__(
        self,
        settings: Settings,
        credential: AsyncTokenCredential,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience: float = PATIENCE,
        refused: Callable[[GraphError], None] = lambda _: None,
        quota: Quota | None = None,
    ) -> None:
        self._root = settings.cloud.graph
        self._http = http_client(transport)
        self._adapter = request_adapter(settings, credential, self._http)
        self._client = GraphServiceClient(request_adapter=self._adapter)
        self._sleep = sleep
        self._patience = patience
        self._refused = refused
        self._quota = quota or Pace(settings.hunts_per_minute)
        self._spare = settings.hunts_per_minute // 3
        self._slots = asyncio.Semaphore(settings.hunt_concurrency)
        self._native = ResponseHandlerOption(NativeResponseHandler())

    def without_retries(self) -> Graph:
        """Return a client that never repeats a call and reports no refusal; it shares the connections and the quota."""
        twin = copy.copy(self)
        twin._patience, twin._refused = 0, lambda _: None  # noqa: SLF001  (its own)
        return twin

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._http.aclose()

    async def get_incident(self, incident_id: str) -> Incident:
        """
        Read an incident with its alerts, evidence and comments, following merges.

        A merged incident names the one it was merged into; at most 5 are followed. Raises NotFound, also for
        merges in a circle or more than 5, and PermissionDenied, Throttled, TimedOut, Unavailable, or
        GraphError for another refusal.
        """
        seen: list[str] = []
        while incident_id not in seen:
            seen.append(incident_id)
            raw: bytes = await retrier(self._sleep, self._patience)(self._read_incident, incident_id)
            incident = read_incident(raw, incident_id)
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

    async def list_incidents(self, since: datetime, until: datetime | None = None) -> Page:
        """
        List the incidents updated in `[since, until)`, each once, without alerts and in no order.

        All are on one page; those without a readable id are only counted. Graph's pages shift while they are read: of an incident that is on two of them, the later one counts. Raises
        PermissionDenied, Throttled, TimedOut, Unavailable, or GraphError, also for a page on another host, and
        for more than 1,000 pages of 50.
        """
        terms = [f"lastUpdateDateTime ge {write_time(since)}"]
        if until:
            terms.append(f"lastUpdateDateTime lt {write_time(until)}")
        found: dict[str, Incident] = {}
        unreadable = 0
        link = ""
        for _ in range(_MAX_PAGES):
            page = read_page(
                await retrier(self._sleep, self._patience)(self._list_incidents, " and ".join(terms), link)
            )
            found.update((incident.id, incident) for incident in page.incidents)
            unreadable += page.unreadable
            if not page.next_link:
                return Page(tuple(found.values()), unreadable)
            link = followed(page.next_link, self._root, "incidents", "Microsoft Graph")
        raise GraphError(f"more than {_MAX_PAGES} pages of incidents: Graph repeats itself")

    async def run_hunting_query(
        self, query: str, timespan: str, *, yielding: bool = False, name: str = ""
    ) -> bytes:
        """
        Run KQL over *timespan* (ISO 8601 `start/end`), and return Graph's answer unchanged.

        The answer is `{"schema": [{"name", "type"}], "results": [{…}]}`, at most 100,000 rows and 50 MB. A
        *yielding* call leaves a third of HUNTS_PER_MINUTE to the others, and lets them go first. A call that
        is refused for HUNTS_PER_MINUTE keeps its place for the next call of the same *name*. Raises
        BadQuery, ResultTooLarge, PermissionDenied, Throttled, TimedOut, Unavailable, or GraphError for
        another refusal.
        """
        return await retrier(self._sleep, self._patience)(
            partial(self._hunt, spare=self._spare if yielding else 0, name=name), query, timespan
        )

    async def add_comment(self, incident_id: str, text: str, *, within: float) -> None:
        """
        Post a comment on an incident, in one attempt.

        It is never retried: Graph may have taken the comment although it answers with an error, so look at
        the incident before trying again. Raises Unavailable after *within* seconds, else PermissionDenied,
        NotFound, Throttled, TimedOut, Unavailable, or GraphError for another refusal.
        """
        info = RequestInformation(
            Method.POST,
            "{+baseurl}/security/incidents/{incident%2Did}/comments",
            {"baseurl": self._adapter.base_url, "incident%2Did": incident_id},
        )
        info.headers.try_add("Accept", "application/json")
        info.set_stream_content(
            msgspec.json.encode(
                {"@odata.type": "microsoft.graph.security.alertComment", "comment": writable(text)}
            ),
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
        # Without this header, newer enum members arrive as unknownFutureValue.
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

    async def _hunt(self, query: str, timespan: str, *, spare: int, name: str) -> bytes:
        from msgraph.generated.security.microsoft_graph_security_run_hunting_query import (
            run_hunting_query_post_request_body as post,
        )

        info = self._client.security.microsoft_graph_security_run_hunting_query.to_post_request_information(
            post.RunHuntingQueryPostRequestBody(query=query, timespan=timespan)
        )
        async with self._slots:
            # Last of all: a place is that of a call that is sent as it begins, and lasts for a second.
            await self._sleep(await self._quota.reserve(self._patience, spare, name))
            return await self._send(info, HUNTING_ROLE)

    async def _send(self, info: RequestInformation, role: str) -> bytes:
        info.add_request_options([self._native])
        try:
            response: httpx.Response = await self._adapter.send_primitive_async(info, "bytes", {})
        except httpx.ReadTimeout as error:
            raise TimedOut(f"no answer within {READ_TIMEOUT:.0f} s") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"Graph cannot be reached: {type(error).__name__}") from error
        except AzureError as error:
            raise Unavailable(f"no token for Graph: {type(error).__name__}") from error
        if not response.is_success:
            refusal = to_error(response, role)
            self._refused(refusal)
            raise refusal
        return response.content
