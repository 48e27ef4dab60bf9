"""How many objects an incident's enrichment writes and reads, whatever the number of its hunts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from sandbox.tenant import incidents, sentinel
from shared.model.finding import Found
from shared.model.record import Done, Plan, Work
from shared.sentinel.body import parse
from shared.state.runs import run_id
from shared.watch import look
from shared.work import work_on
from tests.support.counting import CountingStore
from tests.support.hunt_files import many_hunts
from tests.support.quick import Quick, with_hunts
from tests.support.tenant import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tenant import Fleet

CALLER = "0" * 16
#: What one call to Graph answers is an object, however many hunts it asks: the other objects are at most 7.
OTHERS = 7


class Counted:
    """A deployment of *count* hunts whose store is counted."""

    def __init__(self, fleet: Fleet, folder: Path, count: int) -> None:
        self.app = Deployment(
            with_hunts(fleet, many_hunts(folder, count)),
            planted_open=False,
            opened=partial(CountingStore, MemoryStore()),
            MAX_HUNTS="60",
        )
        store = self.app.tools.store
        assert isinstance(store, CountingStore)
        self.store: CountingStore = store
        self.incident = incidents.generate(self.app.tenant, severity="high")
        self.app.tenant.engine = Quick()  # type: ignore[assignment]  (what is hunted costs nothing of the store)

    async def watched(self) -> str:
        """Let the watch start the run of the incident, and return the run's id."""
        self.app.messages.clear()
        await look(self.app.tools)
        (message,) = self.app.messages
        return message[1]

    async def called(self, work: Work) -> str:
        """Start a run as a call of the API does (`functions.responses.start`), and return its id."""
        runs = self.app.tools.runs
        mine, before = runs.ids(run_id(""), work.requested)
        work = replace(work, run_id=mine, caller=CALLER)
        await runs.admit(work)
        return (await runs.start(work, chosen_key=True, before=before)).run_id

    async def start(self, door: str) -> str:
        """Start a run through this *door*, and return its id."""
        tenant, now = self.app.tenant, self.app.now()
        if door == "watch":
            return await self.watched()
        if door == "api":
            return await self.called(Work("", now, "", incident_id=self.incident["id"]))
        body = parse(msgspec.json.encode(sentinel.trigger(tenant, tenant.standalone[0])))
        return await self.called(Work.for_sentinel("", now, "", body))

    async def cost(self, door: str) -> Cost:
        """Let a run through this *door* start and end; return what that cost."""
        self.store.asked.clear()
        run = await self.start(door)
        await work_on(self.app.tools, run)
        if door == "watch":
            # It finds that the run which it started has ended.
            self.app.ahead += timedelta(minutes=2)
            await look(self.app.tools)
        asked = self.store.about(
            run, run_id(f"late:{run}"), "incidents/", "comments/", f"open/{CALLER}", "refusals/"
        )
        assert await self.app.done(run)
        return Cost(asked)


class Cost:
    """What a run asked of the store, beside the request of its late look: calls by kind, its answers apart."""

    def __init__(self, asked: list[tuple[str, str]]) -> None:
        written = [key for kind, key in asked if kind == "write"]
        self.answers = sum("/answers/" in key for key in written)
        self.late = sum(key.endswith("/request") for key in written) - 1
        self.writes = len(written) - self.answers - self.late
        self.reads = sum(kind == "read" for kind, _ in asked)
        self.deletes = sum(kind == "delete" for kind, _ in asked)


@pytest.mark.parametrize("door", ["watch", "api", "sentinel"])
@pytest.mark.parametrize("hunts", [1, 5, 40])
async def test_a_first_enrichment_costs_eight_objects(
    fleet: Fleet, tmp_path: Path, hunts: int, door: str
) -> None:
    """It writes at most 8, one of them what a call to Graph answered, and reads at most 8; a late look's is beside it."""
    counted = Counted(fleet, tmp_path, hunts)
    cost = await counted.cost(door)
    await counted.app.close()

    assert 1 == cost.answers
    assert cost.writes <= OTHERS
    assert cost.reads <= 8
    assert cost.deletes == (door != "watch")


@pytest.mark.parametrize("door", ["watch", "api"])
async def test_a_later_run_reads_two_objects_more(fleet: Fleet, tmp_path: Path, door: str) -> None:
    """However many came before it on the incident, since the last entry of the ledger says what all of them did."""
    counted = Counted(fleet, tmp_path, 2)
    first = await counted.cost(door)
    later = []
    for _ in range(3):
        counted.app.ahead += timedelta(hours=1)
        incidents.grow(counted.app.tenant, counted.incident)
        later.append(await counted.cost(door))
    await counted.app.close()

    assert [True] * 3 == [cost.reads <= first.reads + 2 for cost in later]
    assert [True] * 3 == [cost.writes <= OTHERS for cost in later]


@pytest.mark.parametrize("hunts", [1, 40])
async def test_a_look_at_a_run_reads_four_objects_or_two_once_it_has_ended(
    fleet: Fleet, tmp_path: Path, hunts: int
) -> None:
    """The rows are not loaded: of an answer, little but its summaries is, whatever its size."""
    counted = Counted(fleet, tmp_path, hunts)
    run = await counted.start("api")
    runs = counted.app.tools.runs
    found = [Found(f"hunt-{number}", rows=1) for number in range(hunts)]
    plan = await runs.store_plan(run, Plan(incident_id="1", made=counted.app.now()))
    await runs.record(run, found, b"x" * 10_000_000)
    costs = []
    for done in (None, Done("completed", "nothing found", counted.app.now())):
        if done:
            await runs.finish(await runs.work(run), done, plan, {each.hunt: each for each in found})
        counted.store.asked.clear()
        read = await runs.read(run)
        costs.append(len(counted.store.asked))
        assert (plan, found, done) == (read.plan, list(read.found.values()), read.done)
    await counted.app.close()

    assert [4, 2] == costs
