"""Outrider deployed into the local tenant: all of it in this process, with a store, a queue and a clock of its own."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec
import requests
from azure.core.credentials import AccessToken
from obstore.store import MemoryStore
from requests.adapters import BaseAdapter

from sandbox.tenant import sentinel
from sandbox.tenant.app import build_app, create_app
from sandbox.tenant.intrusions import intrusions
from sandbox.tenant.state import Limits
from shared import settings
from shared.catalog.load import load_hunts
from shared.entities.request import parse_enrich
from shared.graph.client import Graph
from shared.model.record import Run, Work
from shared.sentinel.body import parse
from shared.sentinel.client import Arm
from shared.state.objects import Store
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.telemetry.engine import Engine
    from sandbox.tenant.state import Tenant
    from shared.model.record import Done

ENVIRONMENT = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "127.0.0.1:7071",
    "GRAPH_URL": "http://127.0.0.1",
    "ARM_URL": "http://127.0.0.1",
}
Message = tuple[str, str, int]


class Remembering:
    """An engine that runs a query once: a run killed at fifty points asks the same fifty times."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[tuple[Any, ...], Any] = {}

    def hunt(self, query: str, **options: Any) -> Any:
        """Run *query*, or remember what came of it."""
        asked = query, *options.values()
        if asked not in self._answers:
            self._answers[asked] = self._engine.hunt(query, **options)
        return self._answers[asked]


class Fleet:
    """What these devices sent in the last days, and our hunts; read by every test, changed by none."""

    def __init__(self, devices: int = 40, days: int = 3) -> None:
        self.end = datetime.now(UTC)
        tenant = build_app(devices=devices, days=days, now=self.end).state.tenant
        self.engine: Any = Remembering(tenant.engine)
        self.catalog = load_hunts()


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


class Identity:
    """The app's managed identity."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Return a token that is good for a day."""
        token, expires = self._tenant.issue(scopes[0].removesuffix("/.default"))
        return AccessToken(token, int(expires))

    async def close(self) -> None:
        """Close nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Deployment:
    """Outrider in a tenant; *environment* are settings beyond the required ones."""

    def __init__(self, fleet: Fleet, *, planted_open: bool = True, **environment: str) -> None:
        planted = intrusions(fleet.end)
        self.clock = fleet.end
        self.ahead = timedelta(0)
        self.app = create_app(
            fleet.engine,
            planted,
            limits=Limits(calls_per_minute=None),
            clock=self.now,
            opened=planted_open,
        )
        self.tenant: Tenant = self.app.state.tenant
        self.messages: list[Message] = []
        self._settings = settings.read_settings({**ENVIRONMENT, **environment})
        self._catalog = fleet.catalog
        self._objects = MemoryStore()
        self._graphs: list[Graph] = []
        self.tools = self.worker()

    def worker(self, life: Life | None = None) -> Tools:
        """Start another worker process, with the same store and queue."""
        life = life or Life()
        graph = Graph(
            self._settings,
            Identity(self.tenant),
            transport=MortalTransport(life, self.app),
            sleep=_no_time,
        )
        self._graphs.append(graph)
        store = MortalStore(life, self._objects)
        runs = Runs(store, lambda *message: self.messages.append(message))
        arm = Arm(
            self._settings, Identity(self.tenant), session=partial(_session, life, self.app), sleep=_no_time
        )
        return Tools(self._settings, graph, arm, store, runs, self._catalog, now=self.now)

    def now(self) -> datetime:
        """Tell the time, which stands still until the test moves it: equal tests ask equal questions."""
        return self.clock + self.ahead

    async def close(self) -> None:
        """Close all workers' connections."""
        for graph in self._graphs:
            await graph.close()

    async def ask(self, **body: Any) -> str:
        """Start a run as `POST /api/enrich` does, and return its id."""
        fields = parse_enrich(msgspec.json.encode(body), self.tools.limits)
        work = Work(run_id(""), self.now(), "", **fields)
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    async def enrich(self, **body: Any) -> Done:
        """Start a run, work on it once, and return how it ended."""
        run = await self.ask(**body)
        await work_on(self.tools, run)
        return await self.done(run)

    async def playbook(self, body: dict[str, Any]) -> str:
        """Start a run as `POST /api/sentinel` does with what a playbook passes on, and return its id."""
        work = Work.for_sentinel(run_id(""), self.now(), "", parse(msgspec.json.encode(body)))
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    def sentinel_comments(self, source: dict[str, Any]) -> list[str]:
        """Return the comments on an incident of Sentinel's own."""
        comments = self.tenant.sentinel_comments.get(sentinel.guid(source), {})
        return [comment["properties"]["message"] for comment in comments.values()]

    async def read(self, run: str) -> Run:
        """Read all that is recorded of a run."""
        return await self.tools.runs.read(run)

    async def done(self, run: str) -> Done:
        """Read how a run ended, which it must have."""
        done = await self.tools.runs.done(run)
        assert done, (await self.read(run)).wait
        return done

    def comments(self, incident: str) -> list[str]:
        """Return the comments on an incident."""
        return [comment["comment"] for comment in self.tenant.incidents[incident]["comments"]]

    @property
    def all_comments(self) -> list[str]:
        """The comments on all incidents."""
        return [text for incident in self.tenant.incidents for text in self.comments(incident)]

    def calls(self, kind: str) -> int:
        """Count the calls of a kind that the tenant has answered."""
        return sum(call.kind == kind for call in self.tenant.calls)


def _session(life: Life, app: Any) -> requests.Session:
    session = requests.Session()
    session.mount("http://", InProcess(life, app))
    return session


async def _no_time(_seconds: float) -> None:
    """Wait without waiting."""


class InProcess(BaseAdapter):
    """Carries what `requests` sends to the tenant, in this process, for as long as a worker lives."""

    def __init__(self, life: Life, app: Any) -> None:
        super().__init__()
        self._life = life
        self._app = app

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
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
