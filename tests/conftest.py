"""Fixtures of tests in every room."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from sandbox.tenant.app import build_app
from sandbox.tenant.state import Tenant
from tests.support.deployed import SECRET, hosted, identity, served
from tests.support.kql_judge import Judge, missing
from tests.support.tenant import Deployment, Fleet


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: some hundred thousand objects of libraries and tests."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let it be collected again, so that libraries see their objects go."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Microsoft's KQL parser. Where it is missing, tests are skipped, but in CI they fail."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    found = Judge()
    yield found
    found.close()


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Telemetry for all tests of a worker."""
    return Fleet()


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider in a tenant of its own, whose planted incidents are open."""
    app = Deployment(fleet)
    yield app
    await app.close()


@pytest.fixture(scope="module")
def cloud() -> Iterator[tuple[str, Tenant]]:
    """The local tenant on a port of its own: its address and its inside."""
    app = build_app(devices=40, days=1, secret=SECRET)
    with served(app) as address:
        yield address, app.state.tenant


@pytest.fixture(scope="module")
def http(cloud: tuple[str, Tenant], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client, with the function key, of the app as it is deployed."""
    with hosted(tmp_path_factory.mktemp("app"), **identity(cloud[0])) as client:
        yield client
