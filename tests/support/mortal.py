"""A worker that can be killed at any of its calls, and a store and HTTP transports that fail from then on."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import requests
from requests.adapters import BaseAdapter

from shared.state.objects import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from obstore.store import ObjectStore


class Killed(BaseException):
    """Raised at the call at which a worker's process ends; no `except Exception` stops it."""


class Life:
    """
    How long a worker lives, counted in its calls to the store and to the tenant.

    It makes *calls* of them and is killed at the next; None means never. *meanwhile* is called before each of
    them, with the request if it goes to Graph, else with None.
    """

    def __init__(
        self, calls: int | None = None, meanwhile: Callable[[httpx.Request | None], None] = lambda _: None
    ) -> None:
        self.left = calls
        self._meanwhile = meanwhile

    @property
    def over(self) -> bool:
        """Whether the worker has been killed: from then on, none of its calls is made."""
        return self.left is not None and self.left < 0

    @contextmanager
    def call(self, request: httpx.Request | None = None) -> Iterator[None]:
        """
        Count one call, which the caller makes inside the `with` block.

        Raises Killed before the block if the worker is dead or dies at this call, and after it if another
        call killed the worker meanwhile: the call then took effect, but its answer is lost.
        """
        self._meanwhile(request)
        if self.left is not None:
            self.left -= 1
        if self.over:
            raise Killed
        yield
        if self.over:
            raise Killed


class MortalTransport(httpx.ASGITransport):
    """An httpx transport that calls the tenant *app* in this process, until its worker is killed."""

    def __init__(self, life: Life, app: Any) -> None:
        super().__init__(app, client=("127.0.0.1", 1))
        self.life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the tenant's answer to *request*. Raises Killed as `Life.call` does."""
        with self.life.call(request):
            return await super().handle_async_request(request)


class MortalStore(Store):
    """
    An object store whose calls raise Killed once its worker is killed.

    `life` may be set after it was opened, before its first call.
    """

    def __init__(self, objects: ObjectStore, life: Life | None = None) -> None:
        super().__init__(objects)
        self.life = life or Life()

    async def create(self, key: str, value: bytes | Sequence[bytes]) -> bool:
        """Write an object unless it exists; return whether it was written."""
        with self.life.call():
            return await super().create(key, value)

    async def put(self, key: str, value: bytes) -> None:
        """Write an object, replacing the one that exists."""
        with self.life.call():
            await super().put(key, value)

    async def get(self, key: str) -> bytes | None:
        """Read an object; None if it does not exist."""
        with self.life.call():
            return await super().get(key)

    async def get_piece(self, key: str, start: int, end: int) -> tuple[bytes, int] | None:
        """Read a piece of an object; return it and the object's size, None if it does not exist."""
        with self.life.call():
            return await super().get_piece(key, start, end)

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        with self.life.call():
            await super().delete(key)

    async def keys(self, prefix: str) -> list[str]:
        """List the names of the objects below a prefix, sorted."""
        with self.life.call():
            return await super().keys(prefix)

    async def dated(self, prefix: str) -> dict[str, datetime]:
        """List the objects below a prefix, each with when it was written."""
        with self.life.call():
            return await super().dated(prefix)


def session(life: Life, app: Any) -> requests.Session:
    """Return a session whose `http://` calls reach the tenant *app* until the worker is killed."""
    session = requests.Session()
    session.mount("http://", InProcess(life, app))
    return session


class InProcess(BaseAdapter):
    """A `requests` adapter that calls the tenant *app* in this process, until its worker is killed."""

    def __init__(self, life: Life, app: Any) -> None:
        super().__init__()
        self._life = life
        self._app = app

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        """
        Return the tenant's answer to *request*. Raises Killed as `Life.call` does.

        It must be called in a thread without an event loop, since it runs one of its own.
        """
        with self._life.call():
            answer = asyncio.run(self._send(request))
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response.reason = answer.reason_phrase
        response.raw = io.BytesIO(answer.content)
        return response

    def close(self) -> None:
        """Do nothing: no connection stays open."""

    async def _send(self, request: requests.PreparedRequest) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
            return await client.request(
                request.method or "GET", request.url or "", headers=request.headers, content=request.body
            )
