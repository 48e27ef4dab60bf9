"""Outrider and a local tenant in this process, with a store, a queue and a clock of their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import msgspec
from azure.core.credentials import AccessToken
from obstore.store import MemoryStore

from sandbox.tenant import sentinel
from sandbox.tenant.app import build_app, create_app
from sandbox.tenant.intrusions import intrusions
from sandbox.tenant.state import Limits
from shared import settings
from shared.entities.request import parse_enrich
from shared.graph.client import Graph
from shared.model.record import Run, Work
from shared.pace import Pace
from shared.sentinel.body import parse
from shared.sentinel.client import Arm
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on

from .hunt_files import five_hunts
from .mortal import Life, MortalStore, MortalTransport, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
    """
    An engine that runs each query once, and gives the same answer when it is asked again.

    This saves time: a test that kills a run at fifty points sends the same queries fifty times.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[tuple[Any, ...], Any] = {}

    def hunt(self, query: str, **options: Any) -> Any:
        """Return the answer to *query*, which is run only if it is new with these *options*."""
        asked = query, *options.values()
        if asked not in self._answers:
            self._answers[asked] = self._engine.hunt(query, **options)
        return self._answers[asked]

    def load(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to a table, as `Engine.load` does, and forget every answer."""
        self._answers.clear()
        self._engine.load(table, rows)


class Fleet:
    """
    The telemetry of *devices* devices over *days* days until `end`, by default the present, and the hunts to run on it.

    Tests share it, so none may change it.
    """

    def __init__(self, devices: int = 40, days: int = 3, end: datetime | None = None) -> None:
        self.end = end or datetime.now(UTC)
        tenant = build_app(devices=devices, days=days, now=self.end, life=False).state.tenant
        self.engine: Any = Remembering(tenant.engine)
        self.catalog = five_hunts()


class Identity:
    """The app's managed identity, to which *tenant* issues tokens."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Return a token for the first of *scopes*, valid for a day."""
        token, expires = self._tenant.issue(scopes[0].removesuffix("/.default"))
        return AccessToken(token, int(expires))

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Deployment:
    """
    Outrider in a tenant of its own, which has the telemetry of *fleet* and no hunting quota.

    Planted incidents are open from the start if *planted_open*. Each worker opens the store with *opened*, by
    default one in memory, and sends with *send*, by default to the list `messages`. *environment* adds to the
    required settings, or replaces them.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        planted_open: bool = True,
        opened: Callable[[], MortalStore] | None = None,
        send: Callable[[str, str, int], None] | None = None,
        **environment: str,
    ) -> None:
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
        self._environment = {**ENVIRONMENT, **environment}
        self._settings = settings.read_settings(self._environment)
        self._catalog = fleet.catalog
        self._objects = MemoryStore()
        self._open = opened or partial(MortalStore, self._objects)
        self._send = send or (lambda *message: self.messages.append(message))
        self._graphs: list[Graph] = []
        self.tools = self.worker()

    def worker(self, life: Life | None = None) -> Tools:
        """Return a new worker with the same store and queue; *life* says when it is killed."""
        life = life or Life()
        graph = Graph(
            self._settings,
            Identity(self.tenant),
            transport=MortalTransport(life, self.app),
            sleep=self.sleep,
            quota=Pace(self._settings.hunts_per_minute, self.monotonic),
        )
        self._graphs.append(graph)
        store = self._open()
        store.life = life
        runs = Runs(store, self._send)
        arm = Arm(
            self._settings, Identity(self.tenant), session=partial(session, life, self.app), sleep=self.sleep
        )
        return Tools(self._settings, graph, arm, store, runs, self._catalog, now=self.now)

    def switch(self, **environment: str) -> None:
        """Change settings for the workers that start from now on, `tools` among them."""
        self._environment |= environment
        self._settings = settings.read_settings(self._environment)
        self.tools = self.worker()

    async def sleep(self, _seconds: float) -> None:
        """Return at once where a worker waits for Graph or its turn."""

    def monotonic(self) -> float:
        """Return the seconds by which a worker keeps the pace of its queries."""
        return time.monotonic()

    def now(self) -> datetime:
        """
        Return the time, which stands still until the test changes `clock` or `ahead`.

        Tests that do the same thus send the same queries, and these are run only once (`Remembering`).
        """
        return self.clock + self.ahead

    async def close(self) -> None:
        """Close the connections of all workers to Graph."""
        for graph in self._graphs:
            await graph.close()

    async def ask(self, **body: Any) -> str:
        """Start a run as `POST /api/enrich` does for this *body*, and return its id."""
        fields = parse_enrich(msgspec.json.encode(body), self.tools.limits)
        work = Work(run_id(""), self.now(), "", **fields)
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    async def enrich(self, **body: Any) -> Done:
        """
        Start a run, let a worker work on it once, and return how it ended.

        Raises AssertionError if it has not ended.
        """
        run = await self.ask(**body)
        await work_on(self.tools, run)
        return await self.done(run)

    async def playbook(self, body: dict[str, Any]) -> str:
        """Start a run as `POST /api/sentinel` does for the *body* from a playbook, and return its id."""
        work = Work.for_sentinel(run_id(""), self.now(), "", parse(msgspec.json.encode(body)))
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    def sentinel_comments(self, source: dict[str, Any]) -> list[str]:
        """Return the comments, as HTML, on the incident *source* in Sentinel."""
        comments = self.tenant.sentinel_comments.get(sentinel.guid(source), {})
        return [comment["properties"]["message"] for comment in comments.values()]

    def forget(self, key: str) -> None:
        """Delete an object from the store, as a lifecycle rule does, or somebody by mistake."""
        self._objects.delete(key)

    async def read(self, run: str) -> Run:
        """Return everything that is recorded of a run, except rows."""
        return await self.tools.runs.read(run)

    async def done(self, run: str) -> Done:
        """Return how a run ended. Raises AssertionError, with its wait, if it has not ended."""
        done = await self.tools.runs.done(run)
        assert done, (await self.read(run)).wait
        return done

    def comments(self, incident: str) -> list[str]:
        """Return the comments on a Defender incident."""
        return [comment["comment"] for comment in self.tenant.incidents[incident]["comments"]]

    @property
    def all_comments(self) -> list[str]:
        """The comments on all Defender incidents."""
        return [text for incident in self.tenant.incidents for text in self.comments(incident)]

    def calls(self, kind: str) -> int:
        """Return how many calls of this *kind*, such as `hunt` or `comment`, the tenant has answered."""
        return sum(call.kind == kind for call in self.tenant.calls)
