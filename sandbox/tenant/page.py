"""The tenant's page: incidents and their comments as a portal would show them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .state import Tenant

_NAMED_BY = ("deviceDnsName", "ipAddress", "url", "processCommandLine")


def routes(tenant: Tenant) -> list[Route]:
    """Return the routes of the overview, and of the page of one incident."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"clock": _clock, "entity": _entity, "kind": _kind}
    template = environment.from_string(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))

    def show(request: Request, **values: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        text = template.render(nonce=nonce, live="live" in request.query_params, **values)
        return HTMLResponse(text, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    async def overview(request: Request) -> Response:
        ordered = sorted(tenant.incidents.values(), key=lambda one: str(one["createdDateTime"]), reverse=True)
        rows = [(incident, _devices(incident)) for incident in ordered]
        return show(request, rows=rows, waiting=len(tenant.pending))

    async def detail(request: Request) -> Response:
        incident = tenant.incidents.get(request.path_params["incident"])
        if incident is None:
            return Response("No such incident.", 404, media_type="text/plain")
        return show(request, incident=incident)

    return [Route("/", overview), Route("/incidents/{incident}", detail)]


def _devices(incident: dict[str, Any]) -> list[str]:
    found = (e.get("deviceDnsName") for alert in incident["alerts"] for e in alert["evidence"])
    return sorted({name for name in found if name})


def _kind(evidence: dict[str, Any]) -> str:
    return str(evidence["@odata.type"]).rpartition(".")[2].removesuffix("Evidence")


def _entity(evidence: dict[str, Any]) -> str:
    if details := evidence.get("fileDetails"):
        folder, slash = str(details["filePath"]), "\\" if "\\" in details["filePath"] else "/"
        return f"{folder.rstrip(slash)}{slash}{details['fileName']} · {details['sha1']}"
    return next((str(evidence[name]) for name in _NAMED_BY if evidence.get(name)), "")


def _clock(text: str) -> str:
    return f"{text[:10]} {text[11:16]}"
