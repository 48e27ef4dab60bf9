"""Outrider sweeping the local tenant, with a clock that moves only when Outrider or a test waits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.tenant.evidence import incident
from sandbox.tenant.state import Limits
from shared.errors import Waiting
from shared.model.record import Wait, Work
from shared.outcomes.reading import decode_answer, decode_rows
from shared.state.runs import run_id
from shared.sweep.flow import sweep
from shared.sweep.parts import ROW_LIMIT
from shared.sweep.record import SweepRecord

from .tenant import Deployment, Fleet

if TYPE_CHECKING:
    from sandbox.tenant.evidence import Evidence
    from shared.sweep.summary import SweepSummary
    from shared.tools import Tools

SERVERS, DESKTOPS, ARCHIVES = (
    "linux-server-egress-baseline",
    "linux-desktop-egress-baseline",
    "archive-then-upload",
)

#: Text that only this hunt's query has, as it stands in the body of a call.
_OWN = {
    SERVERS: '!in (\\"sensecm\\")',
    DESKTOPS: '\\"sensecm\\", \\"snapd\\"',
    ARCHIVES: "ArchiveProc",
}
#: Columns of made-up answers, and the types of those that are no strings.
COLUMNS = (
    "DeviceId", "DeviceName", "Process", "NetCmd", "RemoteIP", "RemotePort", "Connections", "FirstSeen", "LastSeen", "Days",
)  # fmt: skip
TYPES = {"FirstSeen": "DateTime", "LastSeen": "DateTime", "RemotePort": "Int32", "Connections": "Int64", "Days": "Int64"}  # fmt: skip


class Sweeping(Deployment):
    """
    Outrider in a tenant with these *limits*, by default those of `Limits`.

    An answer of *most* rows or more counts as cut off. *environment* adds to the app's settings.
    """

    def __init__(
        self, fleet: Fleet, *, limits: Limits | None = None, most: int = ROW_LIMIT, **environment: str
    ) -> None:
        super().__init__(fleet, **environment)
        self.most = most
        self.tenant.limits = limits or Limits()
        self.tools = self.worker()

    async def sleep(self, seconds: float) -> None:
        """Move the clock: who waits is not idle, and time passes."""
        await self.let_pass(seconds)

    def monotonic(self) -> float:
        """Return the time in seconds: the pace follows the clock."""
        return self.now().timestamp()

    async def let_pass(self, seconds: float) -> None:
        """Move the clock forward by *seconds*."""
        self.clock = self.now() + timedelta(seconds=seconds)

    async def start(self, *hunts: str) -> str:
        """Start a sweep with these *hunts*, or with all that can sweep, and return its run's id."""
        work = Work(run_id(""), self.now(), "", hunts=hunts, queue="sweeps", kind="sweep")
        await self.tools.runs.start(work, chosen_key=False)
        return work.run_id

    async def deliver(self, run: str, tools: Tools | None = None) -> Waiting | None:
        """
        Let a worker, by default the first, work on the run once, and record its wait.

        Returns the `Waiting` that this raised, with its reason and delay; None if the run need not wait.
        """
        read = await (tools or self.tools).runs.read(run)
        tools = (tools or self.tools).for_run(read)
        try:
            await sweep(tools, read, again=True, most=self.most)
        except Waiting as wait:
            now = self.now()
            await tools.runs.wait(run, Wait(wait.reason, now + wait.delay, tools.troubles.lasting), now)
            return wait
        return None

    async def finish(self, run: str, most: int = 100) -> int:
        """
        Deliver a run again after each wait until it is done; return the number of deliveries.

        Raises AssertionError if it is not done after *most* - 1 of them.
        """
        for delivered in range(1, most):
            wait = await self.deliver(run)
            if wait is None:
                return delivered
            await self.let_pass(wait.delay.total_seconds())
        raise AssertionError(f"not done after {most} deliveries")

    async def swept(self, *hunts: str) -> str:
        """Start a sweep with these *hunts*, finish it, and return its run's id."""
        run = await self.start(*hunts)
        await self.finish(run)
        return run

    def answers(self, hunt: str, rows: list[dict[str, Any]], columns: tuple[str, ...] = COLUMNS) -> None:
        """Let the tenant answer each query of *hunt*, one of ours, with these *rows* and *columns*."""
        schema = [{"name": name, "type": TYPES.get(name, "String")} for name in columns]
        body = {"schema": schema, "results": [{name: row.get(name) for name in columns} for row in rows]}
        self.tenant.faults.add(match="hunt", contains=_OWN[hunt], status=200, body=body, times=10_000)

    def incident(self, number: int, *devices: Evidence, opened: datetime | None = None, **fields: Any) -> str:
        """Open an incident about these *devices*, a week ago unless *opened* says when; return its id."""
        at = opened or self.now() - timedelta(days=7)
        made = incident(number, "Suspicious activity", "medium", "Execution", at, at, *devices, opened=at)
        self.tenant.incidents[str(number)] = made | fields
        return str(number)

    async def break_object(self, key: str, content: bytes | None) -> None:
        """Replace what is stored at *key*, which must exist, or delete it if *content* is None."""
        assert await self.tools.store.get(key) is not None
        if content is None:
            await self._objects.delete_async(key)
        else:
            await self.tools.store.put(key, content)

    def reads(self) -> int:
        """Return how many times one incident was read from Graph."""
        paths = (call.path.rsplit("/", 1)[-1] for call in self.tenant.calls if call.method == "GET")
        return sum(last.isdigit() for last in paths)

    def record(self, run: str) -> SweepRecord:
        """Return the record of a sweep."""
        return SweepRecord(self.tools.store, run, self.most)

    async def summary(self, run: str, hunt: str) -> SweepSummary:
        """Return a hunt's summary. Raises AssertionError if there is none."""
        summary = await self.record(run).summary(hunt)
        assert summary
        return summary

    async def rows(self, run: str, hunt: str) -> list[dict[str, Any]]:
        """Return all rows of a hunt, sorted by their text, so that two sweeps can be compared."""
        record = self.record(run)
        rows = [
            row
            for part in await record.whole(hunt)
            for row in decode_rows(decode_answer(await record.rows(hunt, part)))
        ]
        return sorted(rows, key=str)

    def answered(self) -> Counter[int]:
        """Return how many hunting calls the tenant answered with each HTTP status."""
        return Counter(call.status for call in self.tenant.calls if call.kind == "hunt")

    def busiest_minute(self) -> int:
        """Return the largest number of hunting calls within any 60 seconds."""
        times = [datetime.fromisoformat(call.time) for call in self.tenant.calls if call.kind == "hunt"]
        minute = timedelta(minutes=1)
        return max(sum(timedelta(0) <= other - time < minute for other in times) for time in times)
