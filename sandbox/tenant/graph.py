"""
Microsoft Graph security as Outrider uses it: hunting, incidents and their comments.

Error bodies are Graph's. Paths work with a doubled slash too, since Microsoft's SDK sends one by default.
"""

from __future__ import annotations

import json
import math
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import anyio
import anyio.to_thread
from starlette.responses import JSONResponse, Response

from sandbox.telemetry.engine import QueryError

from . import filters
from .faults import CPU_QUOTA, Fault
from .state import GRAPH, HUNT, READ, READER, RESPONDER, WRITE, Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from .evidence import Incident

_ROOT = "https://graph.microsoft.com/v1.0/$metadata#security"
_CODES = {400: "BadRequest", 403: "Forbidden", 404: "NotFound", 429: "TooManyRequests"}
_RETRY = "Please retry again later."
_UNAUTHENTICATED = "InvalidAuthenticationToken"
_PAGE = 50
_AUDIENCES = {GRAPH, "https://graph.microsoft.us", "https://dod-graph.microsoft.us"}


class Refused(Exception):
    """The call is answered with an error: *retry_after* is in seconds, and *body* replaces the usual body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        body: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.message = message
        self.code = _CODES.get(status, "UnknownError") if code is None else code
        self.retry_after = retry_after


def failure(fault: Fault) -> Refused:
    """Return the error that *fault* asks for."""
    message = CPU_QUOTA if fault.cpu else _RETRY if fault.status == 429 else ""
    return Refused(fault.status or 500, message, retry_after=fault.retry_after, body=fault.body)


def error_response(tenant: Tenant, request: Request, refused: Refused) -> JSONResponse:
    """Return the response that Graph would give for *refused*."""
    request_id = str(uuid.uuid4())
    inner = {
        "date": tenant.clock().strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    if refused.message == _RETRY:
        inner |= {"code": "429", "message": "Please retry after", "status": "429"}
    error = {"code": refused.code, "message": refused.message, "innerError": inner}
    headers = {"request-id": request_id}
    if refused.retry_after is not None:
        headers["Retry-After"] = f"{refused.retry_after:g}"
    return JSONResponse(refused.body or {"error": error}, refused.status, headers)


async def run_hunting_query(tenant: Tenant, request: Request) -> Response:
    """`POST /security/runHuntingQuery`"""
    _authorise(tenant, request, HUNT)
    if wait := tenant.wait():
        raise Refused(429, _RETRY, retry_after=math.ceil(wait))
    body = {key.lower(): value for key, value in (await json_body(request)).items()}
    query, span, now = body.get("query"), body.get("timespan"), tenant.clock()
    if not isinstance(query, str) or not query.strip():
        raise Refused(400, "The query must not be empty.")
    try:
        start, end = filters.timespan(span or "P30D", now)
    except (ValueError, TypeError, OverflowError):
        raise Refused(400, f"Invalid Timespan '{span}'.") from None

    def answer() -> bytes:
        limits = tenant.limits
        schema, rows = tenant.engine.hunt(query, start=start, end=end, now=now, limit=limits.rows + 1)
        if limits.costly_rows is not None and len(rows) > limits.costly_rows:
            raise Refused(504, "")
        rows = rows[: limits.truncate_rows]
        if len(rows) <= limits.rows:
            result = {"@odata.context": f"{_ROOT}.huntingQueryResults", "schema": schema, "results": rows}
            if len(data := json.dumps(result).encode()) <= limits.size:
                return data
        raise Refused(400, "Query execution has exceeded the allowed result size. Optimize your query.")

    try:
        data = await anyio.to_thread.run_sync(answer, abandon_on_cancel=True)
    except QueryError as error:
        raise Refused(400, str(error)) from error
    return Response(data, media_type="application/json")


async def list_incidents(tenant: Tenant, request: Request) -> Response:
    """
    `GET /security/incidents`, newest first ("List incidents").

    A page is what `$skip` leaves at that moment: if incidents enter or leave the list meanwhile, the next
    page shifts.
    """
    _authorise(tenant, request, READ, WRITE)
    options = dict(request.query_params)
    if unknown := sorted(options.keys() - {"$filter", "$top", "$skip", "$expand", "$count"}):
        raise Refused(400, f"The query option '{unknown[0]}' is not supported.")
    top, skip = _number(options, "$top", _PAGE), _number(options, "$skip", 0)
    if top > _PAGE:
        raise Refused(
            400,
            f"The limit of '{_PAGE}' for Top query has been exceeded. "
            f"The value from the incoming request is '{top}'.",
            code="",
        )
    found = list(tenant.incidents.values())
    if text := options.get("$filter"):
        try:
            found = list(filter(filters.incidents(text), found))
        except ValueError as error:
            raise Refused(400, f"Invalid filter clause: {error}.") from None
    found.sort(key=lambda incident: (incident["createdDateTime"], incident["id"]), reverse=True)
    body: dict[str, Any] = {"@odata.context": f"{_ROOT}/incidents"}
    if options.get("$count") == "true":
        body["@odata.count"] = len(found)
    if skip + top < len(found):
        following = urlencode({**options, "$skip": skip + top}, safe="$")
        body["@odata.nextLink"] = f"{request.base_url}v1.0/security/incidents?{following}"
    body["value"] = [_shown(incident, options) for incident in found[skip : skip + top]]
    return json_response(body)


async def get_incident(tenant: Tenant, request: Request) -> Response:
    """`GET /security/incidents/{id}`"""
    _authorise(tenant, request, READ, WRITE)
    incident = _find(tenant, request)
    options = dict(request.query_params)
    if unknown := sorted(options.keys() - {"$expand"}):
        raise Refused(400, f"The query option '{unknown[0]}' is not supported.")
    return json_response({"@odata.context": f"{_ROOT}/incidents/$entity", **_shown(incident, options)})


async def add_comment(tenant: Tenant, request: Request) -> Response:
    """`POST /security/incidents/{id}/comments`"""
    _authorise(tenant, request, WRITE)
    incident, body = _find(tenant, request), await json_body(request)
    text, kind = body.get("comment"), str(body.get("@odata.type", "")).removeprefix("#")
    if kind != "microsoft.graph.security.alertComment" or not isinstance(text, str) or not text:
        raise Refused(400, "The body must be a microsoft.graph.security.alertComment with a comment.")
    if len(text) > tenant.limits.comment:
        raise Refused(400, f"The comment exceeds the maximum length of {tenant.limits.comment} characters.")
    tenant.comment(incident, text)
    return json_response(
        {
            "@odata.context": f"{_ROOT}/incidents('{incident['id']}')/comments",
            "value": incident["comments"],
        }
    )


def json_response(body: Any) -> Response:
    """Return *body* as JSON in ASCII, which can have halves of surrogate pairs, as Graph's has."""
    return Response(json.dumps(body), media_type="application/json")


def _authorise(tenant: Tenant, request: Request, *accepted: str) -> None:
    """Raise `Refused` unless the call has a token for Graph, and the app one of the roles *accepted*."""
    if bearer(tenant, request) not in _AUDIENCES:
        raise Refused(401, "Access token validation failure. Invalid audience.", code=_UNAUTHENTICATED)
    if not tenant.roles & set(accepted):
        granted = sorted(tenant.roles - {READER, RESPONDER})
        raise Refused(
            403,
            f"Missing application roles. API required roles: {','.join(accepted)}, "
            f"application roles: {','.join(granted)}.",
        )


def bearer(tenant: Tenant, request: Request) -> str:
    """Return the resource that the call's token is for. Raises `Refused` without a valid token."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = tenant.tokens.get(text) if scheme.lower() == "bearer" else None
    if token is None or token.expires <= time.time():
        message = "Lifetime validation failed, the token is expired." if token else "Access token is empty."
        raise Refused(401, message, code=_UNAUTHENTICATED)
    return token.resource


async def json_body(request: Request) -> dict[str, Any]:
    """Read the call's JSON object. Raises `Refused` if there is none."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "Unable to read JSON request payload.")
    return body


def _find(tenant: Tenant, request: Request) -> Incident:
    incident = tenant.incidents.get(request.path_params["incident"])
    if incident is None:
        raise Refused(404, f"Incident '{request.path_params['incident']}' was not found.")
    return incident


def _shown(incident: Incident, options: Mapping[str, str]) -> Incident:
    if (expand := options.get("$expand", "")) not in ("", "alerts"):
        raise Refused(400, f"Could not find a property named '{expand}' on type 'incident'.")
    return incident if expand else {key: value for key, value in incident.items() if key != "alerts"}


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal():
        raise Refused(400, f"Invalid value '{text}' for {name} query option.")
    return int(text)
