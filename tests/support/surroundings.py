"""Everything that the self-test checks, in order until a test breaks a part of it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.queue import QueueServiceClient
from msgspec.structs import replace
from obstore.store import MemoryStore

from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string
from shared import settings
from shared.graph.client import Graph
from shared.model.watching import STATE, State
from shared.selftest import needs
from shared.selftest.watching import watching
from shared.state import queue
from shared.state.objects import Store
from shared.state.runs import QUEUES, Runs

from .deployed import served
from .tenant import ENVIRONMENT, Deployment, Fleet, Identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.selftest.needs import Selftest
    from shared.tools import Tools

HERE = "http://127.0.0.1:7071/api/selftest"

GUID = "00000000-0000-0000-0000-00000000000a"

WORKSPACE = (
    f"/subscriptions/{GUID}/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc"
)

ALL = (*QUEUES, *(f"{name}{queue.POISON}" for name in QUEUES))


class Stranger(Identity):
    """An identity that gets no token, because Entra does not know the resource it asks for."""

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Raise ClientAuthenticationError with Entra's message."""
        raise ClientAuthenticationError(
            f"AADSTS500011: {scopes[0]} was not found in the tenant named Contoso."
        )


class Surroundings:
    """
    Everything that the self-test checks; all needs are met until a test changes something.

    *queues* is the address of a queue service, which must have the queues in ALL.
    """

    def __init__(self, deployment: Deployment, queues: str) -> None:
        self.app = deployment
        self.tenant = deployment.tenant
        self.identity = Identity(deployment.tenant)
        self.environment = {
            **ENVIRONMENT,
            "AzureWebJobsStorage": connection_string(queues),
            "SENTINEL_WORKSPACE": WORKSPACE,
        }
        self.store = Store(MemoryStore())
        #: When the process began, and whether the watch is switched off.
        self.started = deployment.clock
        self.watch_off = False
        self.catalog = deployment.tools.catalog

    async def looked(self, ago: timedelta = timedelta(0)) -> None:
        """Store what the watch stores when it has looked so long *ago*."""
        at = self.app.now() - ago
        await self.store.put(STATE, msgspec.json.encode(State(at, at)))

    async def check(self, reached: str = HERE, **environment: str) -> Selftest:
        """
        Return the result of the self-test.

        *reached* is the address at which the self-test was called; *environment* adds to the app's settings,
        or replaces them.
        """
        chosen = settings.read_settings({**self.environment, **environment})
        graph = Graph(chosen, self.identity, transport=httpx.ASGITransport(self.app.app), patience=0)
        runs = Runs(self.store, lambda *_: None)
        tools: Tools = replace(
            self.app.tools, settings=chosen, graph=graph, store=self.store, runs=runs, catalog=self.catalog
        )
        try:
            watch = watching(
                self.store, chosen.watch_schedule, self.app.now(), started=self.started, off=self.watch_off
            )
            return await needs.check(tools, self.identity, queue.queue_probe(chosen), watch, reached=reached)
        finally:
            await graph.close()


def unmet(answer: Selftest) -> dict[str, str]:
    """Return the needs that are not met, each with the advice on how to meet it: name -> advice."""
    return {need.name: need.mend for need in answer.needs if need.met is False}


def untold(answer: Selftest) -> set[str]:
    """Return the names of the needs that could not be checked."""
    return {need.name for need in answer.needs if need.met is None}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the queues of a storage account, and yield the address."""
    with closing(QueueService()) as queues, served(queues) as found:
        yield found


@pytest.fixture
async def around(fleet: Fleet, address: str) -> AsyncIterator[Surroundings]:
    """Yield surroundings in which every need is met; their queues are deleted at the end."""
    deployment = Deployment(fleet)
    # The real time, as in the queue service: the self-test compares the two clocks.
    deployment.clock = datetime.now(UTC)
    found = Surroundings(deployment, address)
    await found.looked()
    with account(found) as service:
        for name in ALL:
            service.create_queue(name)
        yield found
        for each in service.list_queues():
            service.delete_queue(each)
    await deployment.close()


def account(around: Surroundings) -> QueueServiceClient:
    """Return a client of the queue service that *around* uses; it never retries."""
    return QueueServiceClient.from_connection_string(around.environment["AzureWebJobsStorage"], retry_total=0)
