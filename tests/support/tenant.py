"""Outrider deployed into the local tenant: all of it in this process, with a store, a queue and a clock of its own."""

from __future__ import annotations

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
from shared.sentinel.body import parse
from shared.sentinel.client import Arm
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on

from .hunt_files import five_hunts
from .mortal import Life, MortalStore, MortalTransport, session

if TYPE_CHECKING:
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
        self.catalog = five_hunts()


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
            self._settings, Identity(self.tenant), session=partial(session, life, self.app), sleep=_no_time
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


async def _no_time(_seconds: float) -> None:
    """Wait without waiting."""
