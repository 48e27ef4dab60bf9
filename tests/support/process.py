"""One process of the app, in which several runs are worked on at once, and which can be killed with all of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.company import GRACE, Company
from shared.graph.client import Graph
from shared.model.record import Work
from shared.state.runs import run_id
from shared.work import Pulse, work_on

from .mortal import Life, MortalTransport
from .tenant import Deployment, Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.model.record import RunKind


class Process(MortalTransport):
    """
    A process of *app*'s with this *grace* (`Company`), whose hunting queries are only answered while the gate is `open`.

    `deliveries` has the calls that were made of it. `before_comment` and `after_comment`, if set, are awaited before
    and after a comment is posted.
    """

    def __init__(self, app: Deployment, *, grace: float = GRACE) -> None:
        super().__init__(Life(), app.app)
        self.open, self._hunting = asyncio.Event(), asyncio.Event()
        self.deliveries: list[asyncio.Task[None]] = []
        self.before_comment: Callable[[], Awaitable[None]] | None = None
        self.after_comment: Callable[[], Awaitable[None]] | None = None
        graph = Graph(app.tools.settings, Identity(app.tenant), transport=self, sleep=app.sleep)
        self.tools = replace(app.tools, graph=graph, company=Company(grace))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; a hunting query waits until the gate is open."""
        if request.url.path.endswith("unHuntingQuery"):
            self._hunting.set()
            await self.open.wait()
        comments = request.url.path.endswith("/comments")
        if comments and self.before_comment:
            await self.before_comment()
        answer = await super().handle_async_request(request)
        if comments and self.after_comment:
            await self.after_comment()
        return answer

    async def hunts(self) -> None:
        """Wait until a query arrives at the gate, for at most 10 seconds."""
        async with asyncio.timeout(10):
            await self._hunting.wait()
        self._hunting.clear()

    def deliver(self, run: str, *, again: bool = False, pulse: Pulse | None = None) -> asyncio.Task[None]:
        """Deliver a run's message to this process; *again* if it was delivered before."""
        task = asyncio.create_task(work_on(self.tools, run, again=again, pulse=pulse or Pulse()))
        self.deliveries.append(task)
        return task

    async def delivered(self, run: str, *, again: bool = False) -> None:
        """Deliver a run's message with the gate open, and wait until the call has ended."""
        self.open.set()
        await self.deliver(run, again=again)

    async def kill(self) -> None:
        """End every call that is under way, as the death of the process does."""
        for task in self.deliveries:
            task.cancel()
        for task in self.deliveries:
            with suppress(asyncio.CancelledError):
                await task


async def start(
    app: Deployment, incident: str = "", kind: RunKind = "enrichment", *, late: bool = False
) -> str:
    """Start a run as the watch does, of an *incident* or of the fleet, and return its id."""
    queue = "sweeps" if kind == "sweep" else "runs"
    work = Work(
        run_id(""),
        app.now(),
        "",
        incident_id=incident,
        queue=queue,
        kind=kind,
        source="late" if late else "watch",
    )
    await app.tools.runs.start(work, chosen_key=False)
    app.messages.clear()
    return work.run_id
