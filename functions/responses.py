"""Make the HTTP responses of all functions, those to errors included, and check the caller."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import azure.functions as func
import msgspec
from msgspec.structs import replace

from functions import app
from functions.caller import caller_of, check_caller, check_json, check_site
from shared.entities.request import body_digest, idempotency_key
from shared.errors import InvalidRequest, NotSent, SettingsError, SweepUnderWay, TooManyRuns
from shared.pages.layout import STYLE_HASH
from shared.sweep.starting import take_turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.model.record import Work
    from shared.model.role import Role

    Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

log = logging.getLogger("outrider")

# Seconds until a caller should ask again: an enrichment takes a few.
_RETRY_AFTER = "5"
_JSON = "application/json"
_NOTHING_ELSE = (
    "settings are missing or wrong, and nothing else is served until they are mended: see the details"
)


def answered(role: Role, *, effects: bool = False) -> Callable[[Handler], Handler]:
    """
    Wrap a handler: check first that the caller has *role*, and answer every error.

    With *effects*, a call that another site's page has a browser send is refused, and a body that is not JSON. An
    InvalidRequest is answered with its own status, NotSent and wrong settings with 503, and anything else with
    500 and no details. The bodies of errors have Graph's shape. This is the only place where errors become HTTP.
    """

    def wrap(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def wrapped(req: func.HttpRequest) -> func.HttpResponse:
            try:
                check_caller(req.headers, role, signs_in=app.platform_signs_in())
                if effects:
                    check_site(req.headers)
                    if req.method != "GET":
                        check_json(req.headers)
                return await handler(req)
            except Exception as error:  # noqa: BLE001  (each is answered, and logged)
                return _answer(req, error)

        return wrapped

    return wrap


def _answer(req: func.HttpRequest, error: Exception) -> func.HttpResponse:
    """Return the response to an error, which is logged unless the caller or the deployer can mend it."""
    if isinstance(error, InvalidRequest):
        where = {"Location": location(req, error.run_id)} if error.run_id else {}
        return _error(error.status, error.code, error.message, error.details, error.retry_after, where)
    if isinstance(error, SettingsError):
        return _error(503, "WrongSettings", _NOTHING_ELSE, error.problems)
    if isinstance(error, NotSent):
        log.error("%s", error)
        return _error(503, "QueueUnavailable", f"{error}: send the same request again", retry_after=5)
    log.error("unexpected error", exc_info=error)
    return _error(500, "InternalError", "something is wrong in Outrider itself; its log has the details")


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Return a response with *body* as JSON; *headers* are added to those of every response."""
    return func.HttpResponse(
        msgspec.json.encode(body), status_code=status, mimetype=_JSON, headers={**SAFE, **(headers or {})}
    )


def page(html: str, style: str = STYLE_HASH) -> func.HttpResponse:
    """Return a response with a page whose only style is the one with this hash; nothing else is loaded or run."""
    return func.HttpResponse(html, mimetype="text/html", charset="utf-8", headers=page_headers(style))


def page_headers(style: str = STYLE_HASH) -> dict[str, str]:
    """Return the headers of a page whose only style is the one with this hash."""
    return {
        **SAFE,
        "Content-Security-Policy": f"default-src 'none'; style-src {style}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }


def accepted(req: func.HttpRequest, work: Work, retry_after: str = _RETRY_AFTER) -> func.HttpResponse:
    """
    Return 202 for a run that was queued, with its id and the address of its status.

    *retry_after* is the number of seconds after which the caller should ask.
    """
    summary = {"runId": work.run_id, "status": "queued", "links": {"self": app.run_url(work.run_id)}}
    return json(summary, 202, {"Location": location(req, work.run_id), "Retry-After": retry_after})


#: The headers of every response.
SAFE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def location(req: func.HttpRequest, run_id: str) -> str:
    """
    Return the address of a run's status, as it is sent in Location.

    A function key in the query of *req* is repeated in the address, as Durable Functions does: a Logic App
    follows Location as it stands.
    """
    code = req.params.get("code")
    return app.run_url(run_id) + (f"?code={quote(code, safe='')}" if code else "")


async def start(req: func.HttpRequest, work: Work) -> Work:
    """
    Start what a request to `POST /api/<call>` asks for, and return the work as stored.

    *work* lacks its id and its digest, which come from the request: calls that repeat an Idempotency-Key, or
    a Logic App's action, are one run. Raises KeyReused, SweepUnderWay, TooManyRuns, and NotSent.
    """
    digest = body_digest(req.get_body())
    caller = caller_of(req.headers, signs_in=app.platform_signs_in())
    key, explicit = idempotency_key(req.headers, digest, f"{work.kind}-{work.source}", caller.id)
    tools = app.tools()
    run_id, before = tools.runs.ids(key, work.requested)
    work = replace(work, run_id=run_id, body_digest=digest, caller=caller.group)
    try:
        await (take_turn(tools, work) if work.kind == "sweep" else tools.runs.admit(work))
    except (SweepUnderWay, TooManyRuns):
        # A call that is repeated asks for nothing more.
        if not await tools.runs.exists(run_id, before):
            raise
    return await tools.runs.start(work, chosen_key=explicit, before=before)


def _error(
    status: int,
    code: str,
    message: str,
    details: tuple[str, ...] = (),
    retry_after: int = 0,
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = [{"code": code, "message": detail} for detail in details]
    return json(
        {"error": error},
        status,
        {**(headers or {}), **({"Retry-After": str(retry_after)} if retry_after else {})},
    )
