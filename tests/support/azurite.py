"""Azurite and an identity endpoint, as an app in Azure finds its storage account and gets its tokens."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncIdentity
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy

from sandbox.azurite.emulator import CLIENT, QUEUES, Account, running
from sandbox.azurite.machine import lacking
from sandbox.telemetry.engine import Engine
from sandbox.tenant.app import create_app
from shared import settings
from shared.state.objects import Store

from .deployed import SECRET, identity, served
from .tenant import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from azure.storage.queue import QueueClient

    from shared.settings import Settings


class Azurite:
    """A storage account whose queues are empty, with a container that is new; this process is its app's."""

    def __init__(self, account: Account, container: str, credential: AsyncIdentity) -> None:
        self.account = account
        self._url = f"{account.blobs}/{container}"
        self._credential = credential
        self._identity = ManagedIdentityCredential(client_id=CLIENT)
        self.service = QueueServiceClient(account.queues, self._identity, retry_total=0)

    def settings(self, **environment: str) -> Settings:
        """Return the app's settings, to which *environment* adds."""
        chosen = {**ENVIRONMENT, **self.account.settings, "STATE_URL": self._url, **environment}
        return settings.read_settings(chosen)

    def open(self, kind: type[Store] = Store, **options: Any) -> Any:
        """Open the container as the app does, as a store of this *kind*."""
        return kind.open(self._url, self._credential, **options)

    def queue(self, name: str) -> QueueClient:
        """Return a client of a queue that decodes its messages, as the Functions host does."""
        return self.service.get_queue_client(name, message_decode_policy=TextBase64DecodePolicy())

    def close(self) -> None:
        """Close the connections."""
        self.service.close()
        self._identity.close()


class Calls(NamedTuple):
    """How many calls a storage account has had, without those that poll a queue."""

    written: int = 0
    read: int = 0
    listed: int = 0
    deleted: int = 0
    sent: int = 0
    settled: int = 0


def calls(account: Account, since: int = 0) -> Calls:
    """Return the calls that *account* has answered, after the first *since* characters of its log."""
    found = re.findall(r'"([A-Z]+) /([^/? ]+)(\S*) HTTP', account.log.read_text(encoding="utf-8")[since:])
    kinds = Counter(_kind(*call) for call in found)
    return Calls(**{kind: kinds[kind] for kind in Calls._fields})


def _kind(method: str, place: str, rest: str) -> str:
    if place in QUEUES:
        return {"POST": "sent", "DELETE": "settled"}.get(method, "polled")
    # obstore deletes by a batch, also one object alone.
    by_query = {"list": "listed", "batch": "deleted"}
    by_method = {"PUT": "written", "GET": "read"}
    return by_query.get(rest.rpartition("comp=")[2].partition("&")[0], by_method.get(method, method))


@pytest.fixture(scope="module")
def storage_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, dict[str, str]]]:
    """
    Start Azurite and an identity endpoint for the tests of one module.

    The result is the account, and the settings of an app that uses both.
    Where this machine lacks something for it, they are skipped, but in CI they fail.
    """
    if lacks := lacking():
        reason = " ".join(lack.what for lack in lacks)
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with (
        served(create_app(Engine(), secret=SECRET)) as tenant,
        running(tmp_path_factory.mktemp("azurite")) as account,
    ):
        yield account, {**account.settings, **identity(tenant)}


@pytest.fixture(scope="session")
def containers() -> Iterator[int]:
    """Return the numbers of containers."""
    return count(1)


@pytest.fixture
async def azurite(
    storage_account: tuple[Account, dict[str, str]],
    containers: Iterator[int],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Azurite]:
    """Yield a storage account, and point this process's environment at its identity endpoint."""
    for name, value in storage_account[1].items():
        monkeypatch.setenv(name, value)
    container = f"state-{next(containers)}"
    storage_account[0].create_container(container)
    async with AsyncIdentity(client_id=CLIENT, transport=AsyncioRequestsTransport()) as credential:
        found = Azurite(storage_account[0], container, credential)
        for name in QUEUES:
            found.queue(name).clear_messages()
        yield found
        found.close()


@pytest.fixture(params=["memory", pytest.param("azurite", marks=pytest.mark.azurite)])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store in memory, and one on Azurite."""
    if request.param == "memory":
        nobody: Any = None
        return Store.open("memory://", nobody)
    found: Store = request.getfixturevalue("azurite").open()
    return found
