"""Errors -> HTTP, the only such mapping; and who may call."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import azure.functions as func
import msgspec

from functions import app
from shared.errors import InvalidRequest, NotSent, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.model.record import Work

    Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

log = logging.getLogger("outrider")

# How often a caller should look: an enrichment takes a few seconds.
_RETRY_AFTER = "5"
_JSON = "application/json"


def answered(handler: Handler) -> Handler:
    """Wrap a handler: callers are checked, errors become Graph-shaped bodies, and nothing inside leaks out."""

    @functools.wraps(handler)
    async def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            _check_caller(req)
            return await handler(req)
        except InvalidRequest as error:
            return _error(error.status, error.code, error.message, error.details)
        except NotSent as error:
            log.error("%s", error)  # noqa: TRY400  (the type is in the message; a traceback would add nothing)
            return _error(503, "QueueUnavailable", f"{error}: send the same request again", retry_after=5)
        except Exception:
            log.exception("unexpected error")
            return _error(
                500, "InternalError", "something is wrong in Outrider itself; its log has the details"
            )

    return wrapped


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with JSON."""
    return func.HttpResponse(
        msgspec.json.encode(body), status_code=status, mimetype=_JSON, headers={**SAFE, **(headers or {})}
    )


def accepted(req: func.HttpRequest, work: Work, retry_after: str = _RETRY_AFTER) -> func.HttpResponse:
    """Answer that a run is on its way, where to follow it, and how often (seconds)."""
    summary = {"runId": work.run_id, "status": "queued", "links": {"self": app.run_url(work.run_id)}}
    return json(summary, 202, {"Location": location(req, work.run_id), "Retry-After": retry_after})


SAFE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def location(req: func.HttpRequest, run_id: str) -> str:
    """
    Where to ask for a run.

    With function keys in the query, the key is repeated as Durable Functions does: a Logic App follows Location as
    it stands.
    """
    code = req.params.get("code")
    return app.run_url(run_id) + (f"?code={quote(code, safe='')}" if code else "")


def _check_caller(req: func.HttpRequest) -> None:
    """The platform signs callers in before they reach us; its header says that it did."""
    if app.read_settings().platform_signs_in and not req.headers.get("x-ms-client-principal-id"):
        raise Unauthenticated("sign in with Microsoft Entra ID: the call carries no principal")


def _error(
    status: int, code: str, message: str, details: tuple[str, ...] = (), retry_after: int = 0
) -> func.HttpResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = [{"code": code, "message": detail} for detail in details]
    return json({"error": error}, status, {"Retry-After": str(retry_after)} if retry_after else {})
