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
from shared.entities.request import body_digest, idempotency_key
from shared.errors import InvalidRequest, NotSent, SettingsError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.model.record import Work

    Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

log = logging.getLogger("outrider")

# Seconds until a caller should ask again: an enrichment takes a few.
_RETRY_AFTER = "5"
_JSON = "application/json"
_NOTHING_ELSE = (
    "settings are missing or wrong, and nothing else is served until they are mended: see the details"
)
# App Service authentication sets it, and removes what a caller sends under this name.
_PRINCIPAL = "x-ms-client-principal-id"


def answered(handler: Handler) -> Handler:
    """
    Wrap a handler: check the caller first, and answer every error.

    An InvalidRequest is answered with its own status, NotSent and wrong settings with 503, and anything else with
    500 and no details. The bodies of errors have Graph's shape. This is the only place where errors become HTTP.
    """

    @functools.wraps(handler)
    async def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            _check_caller(req)
            return await handler(req)
        except InvalidRequest as error:
            return _error(error.status, error.code, error.message, error.details)
        except SettingsError as error:
            return _error(503, "WrongSettings", _NOTHING_ELSE, error.problems)
        except NotSent as error:
            log.error("%s", error)  # noqa: TRY400  (the message has the type; a traceback adds nothing)
            return _error(503, "QueueUnavailable", f"{error}: send the same request again", retry_after=5)
        except Exception:
            log.exception("unexpected error")
            return _error(
                500, "InternalError", "something is wrong in Outrider itself; its log has the details"
            )

    return wrapped


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Return a response with *body* as JSON; *headers* are added to those of every response."""
    return func.HttpResponse(
        msgspec.json.encode(body), status_code=status, mimetype=_JSON, headers={**SAFE, **(headers or {})}
    )


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
    a Logic App's action, are one run. Raises KeyReused, and NotSent.
    """
    digest = body_digest(req.get_body())
    caller = req.headers.get(_PRINCIPAL, "") if app.platform_signs_in() else ""
    key, explicit = idempotency_key(req.headers, digest, f"{work.kind}-{work.source}", caller)
    runs = app.tools().runs
    run_id, before = runs.ids(key, work.requested)
    work = replace(work, run_id=run_id, body_digest=digest)
    return await runs.start(work, chosen_key=explicit, before=before)


def _check_caller(req: func.HttpRequest) -> None:
    """Raise Unauthenticated if App Service should have signed the caller in, but has not."""
    if app.platform_signs_in() and not req.headers.get(_PRINCIPAL):
        raise Unauthenticated("sign in with Microsoft Entra ID: the call carries no principal")


def _error(
    status: int, code: str, message: str, details: tuple[str, ...] = (), retry_after: int = 0
) -> func.HttpResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = [{"code": code, "message": detail} for detail in details]
    return json({"error": error}, status, {"Retry-After": str(retry_after)} if retry_after else {})
