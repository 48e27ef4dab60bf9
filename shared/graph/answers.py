"""Decode Graph's responses: incidents, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shared import errors
from shared.errors import GraphError
from shared.model.incident import Incident
from shared.retrying import read_retry_after

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")


class Incidents(msgspec.Struct):
    """One page of incidents; `next_link` is '' on the last one."""

    value: list[Incident]
    next_link: str = msgspec.field(default="", name="@odata.nextLink")


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
        body = msgspec.json.decode(response.content, type=_ErrorAnswer).error
    except msgspec.DecodeError:
        body = _ErrorBody()
    message = body.message or response.reason_phrase
    known: dict[str, Any] = {
        "status": status,
        "code": body.code or "",
        "request_id": str((body.inner or {}).get("request-id", "")) or response.headers.get("request-id", ""),
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


def read_answer(raw: bytes, kind: type[_T]) -> _T:
    """
    Decode a response as *kind*.

    Raises Unavailable if it is not what Graph documents, such as a proxy's page or half an answer.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise errors.Unavailable(f"Graph's answer is not understood: {error}") from error
