"""
The local tenant as an ASGI app: a token endpoint, Graph security, a page, and controls for tests.

    GET  /msi/token                         App Service's managed-identity endpoint
    …    /v1.0/security/…                   Graph: see `sandbox.tenant.graph`
    …    /subscriptions/…                   Resource Manager: see `sandbox.tenant.arm`
    GET  /                /incidents/{id}   the incidents as an analyst sees them
    GET  /sandbox/incidents                 open incidents, and the names of those that have not opened yet
    POST /sandbox/incidents/open?name=…     open one; without a name the next or, after the last, one made up
    POST /sandbox/incidents/live            change one: see `sandbox.tenant.incidents.happen`
    GET  /sandbox/incidents/{id}/trigger    what Sentinel sends a playbook; ?pascal: with names in PascalCase
    POST DELETE /sandbox/faults             plan a failure (`sandbox.tenant.faults.Fault`), or remove all
    GET  /sandbox/calls                     the calls so far: how many, and how each was answered

Paths below `/sandbox/` answer callers on this machine only.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.telemetry.engine import Engine, timestamp
from sandbox.telemetry.generation import generate

from . import arm, graph, incidents, page, sentinel
from .faults import Fault
from .intrusions import chains, intrusions, plant
from .state import Call, Limits, Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from .intrusions import Intrusion

    Handler = Callable[[Tenant, Request], Awaitable[Response]]

_LOOPBACK = {"127.0.0.1", "::1"}
_MISSING = {"error": "no such incident"}


def create_app(
    engine: Engine,
    planted: Sequence[Intrusion] = (),
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    limits: Limits | None = None,
    **options: Any,
) -> Starlette:
    """Return the app of a new tenant with *planted* intrusions; *options* are those of `Tenant`."""
    tenant = Tenant(engine, planted, clock=clock, limits=limits, **options)
    routes = [Route("/msi/token", _served(tenant, "token", _token))]
    for root in ("/v1.0/security", "/v1.0//security"):
        for method, path, kind, handler in (
            ("POST", "/runHuntingQuery", "hunt", graph.run_hunting_query),
            ("POST", "/microsoft.graph.security.runHuntingQuery", "hunt", graph.run_hunting_query),
            ("GET", "/incidents", "incident", graph.list_incidents),
            ("GET", "/incidents/{incident}", "incident", graph.get_incident),
            ("POST", "/incidents/{incident}/comments", "comment", graph.add_comment),
        ):
            routes.append(Route(root + path, _served(tenant, kind, handler), methods=[method]))
    azure = _served(tenant, "sentinel", arm.answer)
    routes.append(Route("/subscriptions/{path:path}", azure, methods=["GET", "POST", "PUT"]))
    app = Starlette(routes=[*routes, *page.routes(tenant), *_levers(tenant)])
    app.state.tenant = tenant
    return app


def build_app(
    devices: int = 60,
    days: int = 7,
    seed: int = 1,
    now: datetime | None = None,
    *,
    life: bool = True,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Starlette:
    """
    Make up a fleet with its intrusions and return its tenant's app.

    *life* and *progress* are those of `generate`.

    The tenant's clock starts at *now*, by default the present, where the telemetry ends. *options* are those
    of `create_app`.
    """
    end = now or datetime.now(UTC)
    engine = Engine()
    generate(engine, devices=devices, days=days, seed=seed, end=end, life=life, progress=progress)
    planted = [*intrusions(end), *chains(end)]
    plant(engine, planted)
    if now is not None:
        started = time.monotonic()
        options.setdefault("clock", lambda: end + timedelta(seconds=time.monotonic() - started))
    return create_app(engine, planted, **options)


def _served(tenant: Tenant, kind: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Wrap *handler* with what every call of the cloud has: faults, a time limit, error bodies, the log."""
    explain = arm.error_response if kind == "sentinel" else graph.error_response

    async def endpoint(request: Request) -> Response:
        started, response = time.perf_counter(), None
        try:
            response = await _answer(tenant, kind, handler, request)
        except graph.Refused as refused:
            response = explain(tenant, request, refused)
        finally:
            tenant.calls.append(
                Call(
                    timestamp(tenant.clock()),
                    request.method,
                    request.url.path,
                    kind,
                    0 if response is None or isinstance(response, _Reset) else response.status_code,
                    round((time.perf_counter() - started) * 1000),
                )
            )
        return response

    return endpoint


async def _answer(tenant: Tenant, kind: str, handler: Handler, request: Request) -> Response:
    text = f"{request.url.path} {(await request.body()).decode(errors='replace')}"
    fault = tenant.faults.take(kind, text, tenant.clock())
    with anyio.move_on_after(tenant.limits.seconds):
        if fault:
            await anyio.sleep(fault.delay)
            if fault.reset:
                return _Reset()
            if fault.status:
                raise graph.failure(fault)
        response = await handler(tenant, request)
        if fault and fault.accept_then:
            raise graph.Refused(fault.accept_then, "")
        return response
    raise graph.Refused(504, "")


class _Reset(Response):
    """A connection that breaks in the middle of an answer; in-process, it raises what httpx would raise."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise httpx.ReadError("the connection was reset")


async def _token(tenant: Tenant, request: Request) -> Response:
    """Answer as App Service's managed-identity endpoint."""
    if tenant.secret and request.headers.get("x-identity-header") != tenant.secret:
        return JSONResponse({"statusCode": 401, "message": "The identity header is wrong."}, 401)
    if not (resource := request.query_params.get("resource")):
        return JSONResponse({"statusCode": 400, "message": "The resource is missing."}, 400)
    token, expires = tenant.issue(resource)
    return JSONResponse(
        {
            "access_token": token,
            "expires_on": str(int(expires)),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": request.query_params.get("client_id", ""),
        }
    )


async def _incidents(tenant: Tenant, _: Request) -> Response:
    return JSONResponse({"value": list(tenant.incidents.values()), "pending": list(tenant.pending)})


async def _open(tenant: Tenant, request: Request) -> Response:
    name = request.query_params.get("name")
    incident = tenant.open(name) or (None if name else incidents.generate(tenant))
    return JSONResponse(incident, 201) if incident else JSONResponse(_MISSING, 404)


async def _live(tenant: Tenant, _: Request) -> Response:
    what, incident = incidents.happen(tenant)
    return JSONResponse({"happened": what, "incident": incident})


async def _trigger(tenant: Tenant, request: Request) -> Response:
    number, pascal = request.path_params["incident"], "pascal" in request.query_params
    for source in sentinel.sources(tenant):
        if source["id"] == number:
            return JSONResponse(sentinel.trigger(tenant, source, pascal=pascal))
    return JSONResponse(_MISSING, 404)


async def _faults(tenant: Tenant, request: Request) -> Response:
    if request.method == "DELETE":
        tenant.faults.clear()
    elif request.method == "POST":
        try:
            tenant.faults.plan.append(msgspec.json.decode(await request.body(), type=Fault))
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
    return JSONResponse(msgspec.to_builtins(tenant.faults.plan))


async def _calls(tenant: Tenant, _: Request) -> Response:
    counts = Counter(call.kind for call in tenant.calls)
    return JSONResponse({"counts": counts, "calls": msgspec.to_builtins(list(tenant.calls))})


def _levers(tenant: Tenant) -> list[Route]:
    def local(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if request.client is None or request.client.host not in _LOOPBACK:
                return JSONResponse({"error": "for this machine only"}, 403)
            return await handler(tenant, request)

        return endpoint

    return [
        Route("/sandbox/incidents", local(_incidents)),
        Route("/sandbox/incidents/open", local(_open), methods=["POST"]),
        Route("/sandbox/incidents/live", local(_live), methods=["POST"]),
        Route("/sandbox/incidents/{incident}/trigger", local(_trigger)),
        Route("/sandbox/faults", local(_faults), methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/calls", local(_calls)),
    ]
