"""Outrider sweeping the local tenant, with a clock that moves by what is waited for, and by nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sandbox.tenant.state import Limits
from shared.errors import Waiting
from shared.graph.client import Graph
from shared.model.record import Work
from shared.outcomes.reading import decode_answer, decode_rows
from shared.state.runs import run_id
from shared.sweep.flow import sweep
from shared.sweep.parts import ROW_LIMIT
from shared.sweep.record import SweepRecord

from .mortal import Life, MortalTransport
from .tenant import Deployment, Fleet, Identity

if TYPE_CHECKING:
    from shared.sweep.summary import SweepSummary
    from shared.tools import Tools

SERVERS, DESKTOPS, ARCHIVES = (
    "linux-server-egress-baseline",
    "linux-desktop-egress-baseline",
    "archive-then-upload",
)


class Sweeping(Deployment):
    """Outrider in a tenant of these *limits*; an answer of *most* rows is one that was cut."""

    def __init__(
        self, fleet: Fleet, *, limits: Limits | None = None, most: int = ROW_LIMIT, **environment: str
    ) -> None:
        super().__init__(fleet, **environment)
        self.most = most
        self.tenant.limits = limits or Limits()
        self.tools = self.worker()

    def worker(self, life: Life | None = None) -> Tools:
        """Start another worker process, whose waits move the clock."""
        tools = super().worker(life)
        graph = Graph(
            self._settings,
            Identity(self.tenant),
            transport=MortalTransport(life or Life(), self.app),
            sleep=self.let_pass,
            clock=lambda: self.now().timestamp(),
        )
        self._graphs.append(graph)
        return replace(tools, graph=graph)

    async def let_pass(self, seconds: float) -> None:
        """Let time pass."""
        self.clock = self.now() + timedelta(seconds=seconds)

    async def start(self, *hunts: str) -> str:
        """Start a sweep, and return its run's id."""
        work = Work(run_id(""), self.now(), "", hunts=hunts, queue="sweeps", kind="sweep")
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    async def deliver(self, run: str, tools: Tools | None = None) -> Waiting | None:
        """Give a worker the run once; returns why it has to wait, if it has to."""
        tools = tools or self.tools
        try:
            await sweep(tools, await tools.runs.read(run), again=True, most=self.most)
        except Waiting as wait:
            return wait
        return None

    async def finish(self, run: str, most: int = 100) -> int:
        """Deliver a run, each time after the wait that it asks for, until it is done; returns how often."""
        for delivered in range(1, most):
            wait = await self.deliver(run)
            if wait is None:
                return delivered
            await self.let_pass(wait.delay.total_seconds())
        raise AssertionError(f"not done after {most} deliveries")

    async def swept(self, *hunts: str) -> str:
        """Start a sweep and finish it."""
        run = await self.start(*hunts)
        await self.finish(run)
        return run

    def record(self, run: str) -> SweepRecord:
        """What is recorded of a sweep."""
        return SweepRecord(self.tools.store, run, self.most)

    async def summary(self, run: str, hunt: str) -> SweepSummary:
        """Read a hunt's summary, which there must be."""
        summary = await self.record(run).summary(hunt)
        assert summary
        return summary

    async def rows(self, run: str, hunt: str) -> list[dict[str, Any]]:
        """Read all rows of a hunt, in an order of their own."""
        record = self.record(run)
        rows = [
            row
            for part in await record.whole(hunt)
            for row in decode_rows(decode_answer(await record.rows(hunt, part)))
        ]
        return sorted(rows, key=str)

    def answered(self) -> Counter[int]:
        """Count the hunting calls by how the tenant answered them."""
        return Counter(call.status for call in self.tenant.calls if call.kind == "hunt")

    def busiest_minute(self) -> int:
        """Tell how many hunting calls there were in the minute that had most of them."""
        times = [datetime.fromisoformat(call.time) for call in self.tenant.calls if call.kind == "hunt"]
        minute = timedelta(minutes=1)
        return max(sum(timedelta(0) <= other - time < minute for other in times) for time in times)
