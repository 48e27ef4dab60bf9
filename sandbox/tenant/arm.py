"""
Azure Resource Manager for Microsoft Sentinel as Outrider uses it: incidents, their entities and comments.

Reading needs the role Microsoft Sentinel Reader, and commenting Responder ("Supported triggers and actions in
Microsoft Sentinel playbooks"). Paths match in any case below `/subscriptions`, as Azure's do.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.telemetry.engine import timestamp

from . import sentinel
from .graph import Refused, bearer, json_body, json_response
from .state import READER, RESPONDER

if TYPE_CHECKING:
    from starlette.requests import Request

    from .evidence import Incident
    from .sentinel import Resource
    from .state import Tenant

_PATH = re.compile(
    rf"{re.escape(sentinel.PROVIDER)}/incidents/([^/]+)(?:/(entities|alerts|comments)(?:/([^/]+))?)?",
    re.IGNORECASE,
)
_AUDIENCES = [
    f"https://management.{host}"
    for host in ("core.windows.net", "azure.com", "core.usgovcloudapi.net", "usgovcloudapi.net")
]
_CLIENT = "2046feea-040d-4a46-9e2b-91c2941bfa70"


async def answer(tenant: Tenant, request: Request) -> Response:
    """Answer any call below `/subscriptions/…`. Raises `Refused` if Resource Manager would refuse it."""
    found = _PATH.fullmatch(request.url.path)
    name, child, comment = (part and part.lower() for part in found.groups()) if found else (None,) * 3
    _authorise(tenant, request, f"incidents/{'comments/' if child == 'comments' else ''}")
    missing = Refused(404, f"The resource '{request.url.path}' was not found.")
    source = next((one for one in sentinel.sources(tenant) if sentinel.guid(one) == name), None)
    if source is None:
        raise missing
    comments = tenant.sentinel_comments.setdefault(sentinel.guid(source), {})
    match request.method, child, comment:
        case "GET", None, None:
            return json_response(sentinel.incident(tenant, source))
        case "POST", "entities", None:
            entities = sentinel.entities(source)
            counts = Counter(one["kind"] for one in entities)
            metadata = [{"entityKind": kind, "count": count} for kind, count in counts.items()]
            return json_response({"entities": entities, "metaData": metadata})
        case "POST", "alerts", None:
            return JSONResponse({"value": sentinel.alerts(source)})
        case "GET", "comments", None:
            return json_response({"value": list(comments.values())})
        case "PUT", "comments", str():
            before, text = comments.get(comment), _message(tenant, await json_body(request))
            if before is None and len(comments) >= tenant.limits.comments:
                raise Refused(400, f"An incident takes no more than {tenant.limits.comments} comments.")
            comments[comment] = _comment(tenant, source, comment, text, before)
            return JSONResponse(comments[comment], 200 if before else 201)
    raise missing


def error_response(_tenant: Tenant, _request: Request, refused: Refused) -> JSONResponse:
    """Return the response that Resource Manager would give for *refused*."""
    headers = {"x-ms-request-id": str(uuid.uuid4())}
    if refused.retry_after is not None:
        headers["Retry-After"] = f"{refused.retry_after:g}"
    body = refused.body or {"error": {"code": refused.code, "message": refused.message}}
    return JSONResponse(body, refused.status, headers)


def _authorise(tenant: Tenant, request: Request, kind: str) -> None:
    """Raise `Refused` unless the call has a token for Resource Manager, a version, and a role for *kind*."""
    if (audience := bearer(tenant, request)) not in _AUDIENCES:
        allowed = ",".join(f"'{one}/','{one}'" for one in _AUDIENCES[:2])
        message = (
            f"The access token has been obtained for wrong audience or resource '{audience}'. "
            f"It should exactly match with one of the allowed audiences {allowed}."
        )
        raise Refused(401, message, code="InvalidAuthenticationTokenAudience")
    if not request.query_params.get("api-version"):
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refused(400, message, code="MissingApiVersionParameter")
    writes = request.method == "PUT"
    if not tenant.roles & ({RESPONDER} if writes else {READER, RESPONDER}):
        action = f"Microsoft.SecurityInsights/{kind}{'write' if writes else 'read'}"
        message = (
            f"The client '{_CLIENT}' with object id '{_CLIENT}' does not have authorization to perform "
            f"action '{action}' over scope '{request.url.path}' or the scope is invalid. "
            "If access was recently granted, please refresh your credentials."
        )
        raise Refused(403, message, code="AuthorizationFailed")


def _message(tenant: Tenant, body: dict[str, Any]) -> str:
    properties = body.get("properties")
    text = properties.get("message") if isinstance(properties, dict) else None
    if not isinstance(text, str) or not text:
        raise Refused(400, "The comment needs properties.message.")
    if len(text) > tenant.limits.comment:
        raise Refused(400, f"Comment length should not exceed {tenant.limits.comment} characters")
    return text


def _comment(tenant: Tenant, source: Incident, name: str, text: str, before: Resource | None) -> Resource:
    now = timestamp(tenant.clock())
    return {
        "id": f"{sentinel.arm_id(source)}/comments/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/incidents/comments",
        "etag": f'"{uuid.uuid4()}"',
        "properties": {
            "message": text,
            "createdTimeUtc": before["properties"]["createdTimeUtc"] if before else now,
            "lastModifiedTimeUtc": now,
            "author": {"objectId": _CLIENT, "email": None, "userPrincipalName": None, "name": "Outrider"},
        },
    }
