"""
HTTP triggers: routes, keys, and the conversion between HTTP and what the worker takes and returns.

As in the Functions host, a wrong method is 404, header names are lower-cased, empty query values are dropped,
and a function that raises, or whose worker dies, answers 500 with an empty body. A body that comes in chunks,
without Content-Length, is dropped (azure-functions-host #4926). A trailing slash changes nothing, and `%2F` in
a path is no slash: Kestrel decodes all but that (aspnetcore #11544). The platform in front has a limit of 230
seconds ("HTTP trigger", "Azure Functions hosting options", Microsoft Learn).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.responses import HTMLResponse, Response
from starlette.routing import compile_path

from .frames import Function, HttpCall
from .worker import FunctionFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

    from .app_settings import AppSettings
    from .frames import HttpAnswer
    from .worker import Worker

    _Start = Callable[[Coroutine[None, None, Response]], asyncio.Task[Response]]

HTTP_LIMIT = 230.0
"""Seconds after which the load balancer in front of a function app answers in place of the app."""

_PRINCIPAL = "x-ms-client-principal"
_CLAIMS = "http://schemas.microsoft.com"
_ROLE = f"{_CLAIMS}/ws/2008/06/identity/claims/role"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
_WELCOME = "<!doctype html><title>Functions host</title><p>Your Functions host is up and running.</p>"
_SLASH = re.compile(rb"(%2[Ff])")
_PARAMETER = re.compile(r"\{(\*?)(\w+)\}")
_LOG = logging.getLogger("sandbox.host")


class Route(msgspec.Struct, frozen=True):
    """Where an HTTP-triggered function answers: its `template` under `/`, and its `methods` (empty: all)."""

    function: Function
    template: str
    path: re.Pattern[str]
    methods: tuple[str, ...]


def route(function: Function, prefix: str) -> Route:
    """
    Return the route of an HTTP-triggered *function*; *prefix* is host.json's `routePrefix`.

    Raises ValueError for a constraint or an optional parameter, which the sandbox does not emulate.
    """
    name = function.trigger.route if function.trigger.route is not None else function.name
    template = "/".join(part for part in (prefix.strip("/"), name.strip("/")) if part)
    starlette = _PARAMETER.sub(lambda found: f"{{{found[2]}{':path' if found[1] else ''}}}", template)
    if "{" in _PARAMETER.sub("", template):
        raise ValueError(f"the sandbox does not emulate the route {name!r}")
    pattern, _, _ = compile_path(f"/{starlette}")
    path = re.compile(pattern.pattern, re.IGNORECASE)
    return Route(function, template, path, tuple(method.upper() for method in function.trigger.methods))


def in_order(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Sort *routes* in the order in which they are tried: a literal segment before a parameter."""
    return tuple(sorted(routes, key=lambda r: [segment.startswith("{") for segment in r.template.split("/")]))


def allowed(request: Request, level: str, key: str) -> bool:
    """Return whether a call may reach a function of this *level*; without a *key*, every call may."""
    given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
    return not key or level.upper() == "ANONYMOUS" or secrets.compare_digest(given.encode(), key.encode())


def welcome(settings: AppSettings) -> Response:
    """Return what is at `/`: a page, or nothing if AzureWebJobsDisableHomepage is `true` (HomepageMiddleware)."""
    off = settings.get("AzureWebJobsDisableHomepage").lower() == "true"
    return Response(status_code=204) if off else HTMLResponse(_WELCOME)


async def answer(
    request: Request,
    routes: Iterable[Route],
    worker: Worker,
    start: _Start,
    *,
    key: str,
    principal: Mapping[str, str],
    function_limit: float | None,
    http_limit: float,
) -> Response:
    """
    Call the function of the first of *routes* that matches, in the task that *start* makes, and return its response.

    404 if none matches, 401 without the *key*, 500 if the function failed or was cut off by a stop, and 504
    after *http_limit* seconds, while the function goes on. *principal* has the headers of `signed_in`. *function_limit* (`functionTimeout`) is in seconds, None for no limit.
    """
    path = _path(request.scope["raw_path"])
    for found, match in ((r, r.path.match(path)) for r in routes):
        if match and (not found.methods or request.method in found.methods):
            break
    else:
        return Response(status_code=404)
    if not allowed(request, found.function.trigger.auth_level, key):
        return Response(status_code=401)
    body = await request.body()
    data = HttpCall(
        request.method,
        str(request.url),
        _headers(request.headers, principal),
        {k: v for k, v in _joined(request.query_params).items() if v},
        match.groupdict(),
        body if "content-length" in request.headers else b"",
    )
    running = start(_respond(worker, found.function, data, function_limit))
    done, _ = await asyncio.wait({running}, timeout=http_limit)
    if not done:
        return Response(status_code=504)
    return Response(status_code=500) if running.cancelled() else running.result()


async def _respond(worker: Worker, function: Function, data: HttpCall, limit: float | None) -> Response:
    started = time.monotonic()
    try:
        returned = await worker.call(function, data, limit=limit)
    except FunctionFailed:
        response = Response(status_code=500)
    except WorkerDied as death:
        _LOG.error("%s: the worker died: %s", function.name, death)
        response = Response(status_code=500)
    else:
        response = _response(returned)
    _LOG.info("%s: %d in %.3f s", function.name, response.status_code, time.monotonic() - started)
    return response


def _response(returned: HttpAnswer | None) -> Response:
    if returned is None:
        return Response(status_code=204)
    response = Response(returned.body, returned.status, returned.headers)
    for cookie in returned.cookies:
        response.headers.append("set-cookie", cookie)
    return response


def _path(raw: bytes) -> str:
    """Decode a path, but no slash in it, and drop one at its end."""
    parts = _SLASH.split(raw.removesuffix(b"/"))
    return b"".join(p if _SLASH.fullmatch(p) else unquote_to_bytes(p) for p in parts).decode(errors="replace")


def signed_in(principal: str, roles: Sequence[str]) -> dict[str, str]:
    """
    Return the headers in which App Service authentication names the caller *principal*; none if it is ''.

    "Work with user identities in Azure App Service authentication", Microsoft Learn: the claims are JSON in Base64,
    and some have other names there than in the token, as the roles do.
    """
    if not principal:
        return {}
    claims = [{"typ": f"{_CLAIMS}/identity/claims/objectidentifier", "val": principal}]
    claims += [{"typ": _ROLE, "val": role} for role in roles]
    content = {"auth_typ": "aad", "claims": claims, "name_typ": _NAME, "role_typ": _ROLE}
    return {
        f"{_PRINCIPAL}-id": principal,
        f"{_PRINCIPAL}-idp": "aad",
        _PRINCIPAL: base64.b64encode(msgspec.json.encode(content)).decode(),
    }


def _headers(headers: Headers, principal: Mapping[str, str]) -> dict[str, str]:
    # Only the platform may say who called, so what the caller says is dropped.
    kept = {name: value for name, value in _joined(headers).items() if not name.startswith(_PRINCIPAL)}
    return kept | dict(principal)


def _joined(pairs: Headers | QueryParams) -> dict[str, str]:
    items = pairs.multi_items() if hasattr(pairs, "multi_items") else pairs.items()
    joined: dict[str, str] = {}
    for name, value in items:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
