"""A gateway between a caller and the app, with failures that a test plans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_HOP = {"connection", "content-length", "host", "transfer-encoding"}


class Failure(NamedTuple):
    """
    A failure for the next call with this `method` whose whole path matches the regular expression `path`.

    The call is refused with `status`, and with `retry_after` as Retry-After unless that is ''. With `lose`,
    the app gets the call, but the caller does not get the app's answer: for `answer` it gets `status`
    instead; for `connection`, the connection breaks in the middle of the response.
    """

    method: str
    path: str
    status: int = 503
    lose: Literal["", "answer", "connection"] = ""
    retry_after: str = ""


class Gateway:
    """
    An ASGI application that passes calls on to the app at the address `target`.

    A call that matches one of `failures` gets that failure, which is then removed from the list.
    """

    def __init__(self) -> None:
        self.target = ""
        self.failures: list[Failure] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call: with the failure planned for it, or else as the app does."""
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        failure = next((f for f in self.failures if _meets(f, scope)), None)
        if failure:
            self.failures.remove(failure)
        if not failure or failure.lose:
            answer = await self._forward(scope, body)
        if failure:
            if failure.lose == "connection":
                head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]}
                await send(head)
                return
            headers = {"retry-after": failure.retry_after} if failure.retry_after else {}
            answer = httpx.Response(failure.status, headers=headers)
        headers_out = [(k, v) for k, v in answer.headers.raw if k.lower().decode() not in _HOP]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers_out})
        await send({"type": "http.response.body", "body": answer.content})

    async def _forward(self, scope: Scope, body: bytes) -> httpx.Response:
        url = f"{self.target}{scope['raw_path'].decode()}"
        if scope["query_string"]:
            url = f"{url}?{scope['query_string'].decode()}"
        headers = [(k, v) for k, v in scope["headers"] if k.decode() not in _HOP]
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.request(scope["method"], url, content=body, headers=headers)


def _meets(failure: Failure, scope: Scope) -> bool:
    return failure.method == scope["method"] and bool(re.fullmatch(failure.path, scope["path"]))
