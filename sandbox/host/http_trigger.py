"""
HTTP triggers: routes, keys, and the conversion between HTTP and what the worker takes and returns.

As in the Functions host, a wrong method is 404, header names are lower-cased, empty query values are dropped,
and a function that raises answers 500 with an empty body. The platform in front has a limit of 230 seconds
("HTTP trigger", "Azure Functions hosting options", Microsoft Learn).
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import compile_path

from .worker import Datum, Function, FunctionFailed, WorkerDied, call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

HTTP_LIMIT = 230.0
"""Seconds after which the load balancer in front of a function app answers in place of the app."""

_PRINCIPAL = "x-ms-client-principal"
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


async def answer(
    request: Request,
    routes: Iterable[Route],
    *,
    key: str,
    principal: str,
    function_limit: float | None,
    http_limit: float,
) -> Response:
    """
    Call the function of the first of *routes* that matches, and return its response.

    404 if none matches, 401 without the *key*, 500 if the function failed, and 504 after *http_limit*
    seconds, while the function goes on. *principal* is the signed-in caller's id, "" if App Service
    authentication is off. *function_limit* (`functionTimeout`) is in seconds, None for no limit.
    """
    path = request.scope["path"]
    for found, match in ((r, r.path.match(path)) for r in routes):
        if match and (not found.methods or request.method in found.methods):
            break
    else:
        return Response(status_code=404)
    if not allowed(request, found.function.trigger.auth_level, key):
        return Response(status_code=401)
    data = {
        "method": Datum(request.method, "string"),
        "url": Datum(str(request.url), "string"),
        "headers": _strings(_headers(request.headers, principal)),
        "query": _strings({k: v for k, v in _joined(request.query_params).items() if v}),
        "params": _strings(match.groupdict()),
        "body": Datum(await request.body(), "bytes"),
    }
    running = asyncio.ensure_future(_respond(found.function, Datum(data, "http"), function_limit))
    done, _ = await asyncio.wait({running}, timeout=http_limit)
    return running.result() if done else Response(status_code=504)


async def _respond(function: Function, data: Datum, limit: float | None) -> Response:
    started = time.monotonic()
    try:
        returned = await call(function, data, {}, limit)
    except FunctionFailed:
        response = Response(status_code=500)
    except WorkerDied as death:
        _LOG.error("%s: the worker died: %s", function.name, death)
        response = Response(status_code=500)
    else:
        response = _response(returned)
    _LOG.info("%s: %d in %.3f s", function.name, response.status_code, time.monotonic() - started)
    return response


def _response(returned: Datum) -> Response:
    if returned.type != "http":
        return Response(returned.value, media_type="text/plain")
    value: dict[str, Any] = returned.value
    headers = {name: header.value for name, header in value["headers"].items()}
    response = Response(value["body"].value, int(value["status_code"].value), headers)
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response


def _headers(headers: Headers, principal: str) -> dict[str, str]:
    # Only the platform may say who called, so what the caller says is dropped.
    kept = {name: value for name, value in _joined(headers).items() if not name.startswith(_PRINCIPAL)}
    return kept | ({f"{_PRINCIPAL}-id": principal} if principal else {})


def _joined(pairs: Headers | QueryParams) -> dict[str, str]:
    items = pairs.multi_items() if hasattr(pairs, "multi_items") else pairs.items()
    joined: dict[str, str] = {}
    for name, value in items:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _strings(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
