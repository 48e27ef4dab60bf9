"""Turn Graph's error responses into errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shared import errors
from shared.decoding import decode
from shared.errors import GraphError
from shared.retrying import read_retry_after

if TYPE_CHECKING:
    import httpx


class _ErrorBody(msgspec.Struct):
    code: str | None = ""
    message: str | None = ""
    inner: dict[str, Any] | None = msgspec.field(default=None, name="innerError")


class _ErrorAnswer(msgspec.Struct):
    error: _ErrorBody


def to_error(response: httpx.Response, role: str) -> GraphError:
    """
    Return the error for an error response, whether or not it has Graph's error body.

    *role* is the role that is missing if the status is 403.
    """
    status = response.status_code
    try:
        body = decode(response.content, _ErrorAnswer).error
    except msgspec.DecodeError:
        body = _ErrorBody()
    message = body.message or response.reason_phrase
    request_id = (body.inner or {}).get("request-id")
    known: dict[str, Any] = {
        "status": status,
        "code": body.code or "",
        "request_id": (isinstance(request_id, str) and request_id) or response.headers.get("request-id", ""),
    }
    match status:
        case 400 if "exceeded the allowed result size" in message:
            return errors.ResultTooLarge(message, **known)
        case 400:
            return errors.BadQuery(message, **known)
        case 401:
            return errors.Unavailable(f"Graph refuses the token: {message}", **known)
        case 403:
            return errors.PermissionDenied(message, role=role, **known)
        case 404:
            return errors.NotFound(message, **known)
        case 408 | 504:
            return errors.TimedOut(message, **known)
        case 429:
            return errors.Throttled(
                message, retry_after=read_retry_after(response.headers.get("retry-after", "")), **known
            )
        case _ if status >= 500:
            return errors.Unavailable(message, **known)
        case _:
            return GraphError(message, **known)
