"""What the benchmarks share: a scripted tenant, Outrider set up against it, and the line that each prints."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity.aio import ManagedIdentityCredential

from shared import settings
from shared.entities.request import parse_enrich
from shared.graph.client import Graph
from shared.model.record import Work
from shared.sentinel.client import Arm
from shared.state.objects import Store
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on
from tests.support.hunt_files import five_hunts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.catalog.load import Catalog
    from shared.model.record import Done

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "127.0.0.1:7071",
    "HUNTS_PER_MINUTE": "1000000",
    "MAX_ROWS": "99999",
}


@contextmanager
def tenant(delay: float) -> Iterator[httpx.Client]:
    """
    Start a tenant, in a process of its own, that takes *delay* seconds per answer.

    Yields a client of it, which uses a single connection and has opened it already.
    """
    command = [sys.executable, str(Path(__file__).with_name("tenant.py")), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            with httpx.Client(base_url=url, limits=httpx.Limits(keepalive_expiry=None)) as control:
                control.get("/counts")
                yield control
        finally:
            process.terminate()


def counts(control: httpx.Client) -> dict[str, int]:
    """Return how many connections, and calls of each kind, the tenant has counted so far."""
    counted: dict[str, int] = control.get("/counts").json()
    return counted


class Outrider:
    """
    A worker whose messages stay in a list, and whose store is at *state_url*, by default in memory.

    *environment* has further settings.
    """

    def __init__(
        self,
        graph_url: str,
        credential: AsyncTokenCredential,
        transport: httpx.AsyncBaseTransport,
        *,
        state_url: str = "memory://",
        catalog: Catalog | None = None,
        **environment: str,
    ) -> None:
        chosen = settings.read_settings(
            {**ENVIRONMENT, "GRAPH_URL": graph_url, "STATE_URL": state_url, **environment}
        )
        messages: list[tuple[str, str, int]] = []
        store = Store.open(state_url, credential)
        runs = Runs(store, lambda *message: messages.append(message))
        graph, arm = Graph(chosen, credential, transport=transport), Arm(chosen, credential)
        self.tools = Tools(chosen, graph, arm, store, runs, catalog or five_hunts())
        gc.freeze()  # as the app does
        self.incidents = count(4101)

    async def enrich(self, **body: Any) -> Done:
        """
        Start a run as `POST /api/enrich` does for this *body*, work on it, and return how it ended.

        Raises AssertionError unless it is completed and every hunt found something.
        """
        fields = parse_enrich(msgspec.json.encode(body), self.tools.limits)
        work = Work(run_id(""), datetime.now(UTC), "", **fields)
        await self.tools.runs.start(work, chosen_key=False)
        await work_on(self.tools, work.run_id)
        done = await self.tools.runs.done(work.run_id)

        assert done
        assert ("completed", {"found"}) == (done.status, {ended.outcome for ended in done.outcomes})
        return done

    async def enrich_incident(self) -> Done:
        """
        Enrich the next incident, by its id, that has not been enriched yet, and return how the run ended.

        Raises AssertionError unless every hunt found something and one comment was written.
        """
        done = await self.enrich(incidentId=next(self.incidents))
        hunts = len(self.tools.catalog.hunts) - 1

        assert (["written"], hunts) == ([each.status for each in done.comments], len(done.outcomes))
        return done


@asynccontextmanager
async def deployed(
    control: httpx.Client,
    pool: type[httpx.AsyncHTTPTransport] = httpx.AsyncHTTPTransport,
    catalog: Catalog | None = None,
    **environment: str,
) -> AsyncIterator[Outrider]:
    """
    Set Outrider up against a tenant, and yield it; *pool* is the class of its HTTP transport.

    It has the hunts of *catalog*, by default five, and the settings of *environment*.

    It gets its tokens as a managed identity, so IDENTITY_ENDPOINT must name the tenant's `/token`.
    """
    # Graph's SDK does not close the connections of a client it has been given.
    async with (
        pool() as transport,
        ManagedIdentityCredential(transport=AsyncioRequestsTransport()) as identity,
    ):
        yield Outrider(str(control.base_url).rstrip("/"), identity, transport, catalog=catalog, **environment)


def check(name: str, measured: str, ratio: float, limit: float) -> None:
    """
    Print a benchmark's line: its name, what was measured, the ratio and the limit.

    Raises AssertionError if the ratio is above the limit.
    """
    print(f"\n{name:<44}{measured:>24}{ratio:>8.2f}{limit:>8.2f}", end="")

    assert ratio <= limit, f"{name}: {ratio:.3f} is above {limit}"
