"""A worker whose process may end at any call, and the store and transport that end with it."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import requests
from obstore.store import MemoryStore
from requests.adapters import BaseAdapter

from shared.state.objects import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Killed(BaseException):
    """The worker's process ends here."""


class Life:
    """
    The calls to the store and the tenant that a worker makes before it is killed; None is never.

    *meanwhile* is told of each before it is made, with the request if it is one to the tenant.
    """

    def __init__(
        self, calls: int | None = None, meanwhile: Callable[[httpx.Request | None], None] = lambda _: None
    ) -> None:
        self.left = calls
        self._meanwhile = meanwhile

    @property
    def over(self) -> bool:
        """Whether the worker has been killed, so that nothing it does has any effect."""
        return self.left is not None and self.left < 0

    @contextmanager
    def call(self, request: httpx.Request | None = None) -> Iterator[None]:
        """Count one call, which is not made if life ends before, nor heard of if it ends meanwhile."""
        self._meanwhile(request)
        if self.left is not None:
            self.left -= 1
        if self.over:
            raise Killed
        yield
        if self.over:
            raise Killed


class MortalTransport(httpx.ASGITransport):
    """Calls the tenant for as long as its worker lives."""

    def __init__(self, life: Life, app: Any) -> None:
        super().__init__(app, client=("127.0.0.1", 1))
        self.life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*."""
        with self.life.call(request):
            return await super().handle_async_request(request)


class MortalStore(Store):
    """Reads and writes for as long as its worker lives."""

    def __init__(self, life: Life, objects: MemoryStore) -> None:
        super().__init__(objects)
        self.life = life

    async def create(self, key: str, value: bytes) -> bool:
        """Write an object unless there is one."""
        with self.life.call():
            return await super().create(key, value)

    async def put(self, key: str, value: bytes) -> None:
        """Write an object."""
        with self.life.call():
            await super().put(key, value)

    async def get(self, key: str) -> bytes | None:
        """Read an object."""
        with self.life.call():
            return await super().get(key)

    async def keys(self, prefix: str) -> list[str]:
        """Name the objects below a prefix."""
        with self.life.call():
            return await super().keys(prefix)


def session(life: Life, app: Any) -> requests.Session:
    """Return a session whose calls reach the tenant *app* for as long as the worker lives."""
    session = requests.Session()
    session.mount("http://", InProcess(life, app))
    return session


class InProcess(BaseAdapter):
    """Carries what `requests` sends to the tenant, in this process, for as long as a worker lives."""

    def __init__(self, life: Life, app: Any) -> None:
        super().__init__()
        self._life = life
        self._app = app

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        """Send *request*; called in a thread, which has an event loop of its own for it."""
        with self._life.call():
            answer = asyncio.run(self._send(request))
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response.reason = answer.reason_phrase
        response.raw = io.BytesIO(answer.content)
        return response

    def close(self) -> None:
        """Close nothing."""

    async def _send(self, request: requests.PreparedRequest) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
            return await client.request(
                request.method or "GET", request.url or "", headers=request.headers, content=request.body
            )
