"""Fixtures that tests in several folders use."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings

from sandbox.kusto.judge import Judge, missing
from sandbox.tenant.app import build_app
from sandbox.tenant.state import Tenant
from tests.support.azurite import azurite, containers, storage_account, store
from tests.support.deployed import SECRET, hosted, identity, served
from tests.support.tenant import Deployment, Fleet

__all__ = ["azurite", "containers", "storage_account", "store"]

#: Files whose tests take longest: a worker that began one of them last would keep the others waiting.
LONGEST = (
    "test_killers", "test_replay", "test_decoys", "test_mutants", "test_trouble", "test_many_parts", "test_told", "test_fair", "test_demo",
    "test_host_check", "test_storm", "test_isolation", "test_many", "test_deployed", "test_saying", "test_request", "test_seeds",
    "test_every_page", "test_predicted", "test_planted", "test_alike", "test_batch", "test_batch_parser", "test_parted", "test_one_call",
    "test_how_many", "test_made_hunts", "test_quota_many", "test_quota_processes", "test_crowd", "test_late_look", "test_packed_alike",
    "test_together", "test_together_killed", "test_translation", "test_log",
)  # fmt: skip

# How long an example takes, or making one up, says how busy the machine is.
settings.register_profile("outrider", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("outrider")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave all else in its order."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """
    Exclude the objects that exist by now from garbage collection, which then takes less time.

    They are some hundred thousand objects of libraries and tests, nearly all of which stay until the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_unconfigure() -> None:
    """Include these objects in garbage collection again, so that libraries can clean up."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Yield Microsoft's KQL parser. Where it is missing, the test is skipped, but in CI it fails."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    found = Judge()
    yield found
    found.close()


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Return the telemetry and the hunts that all tests of a pytest process share."""
    return Fleet()


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Yield Outrider in a tenant of its own, whose planted incidents are open."""
    app = Deployment(fleet)
    yield app
    await app.close()


@pytest.fixture
async def alone(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Yield the same where each hunt is asked alone: what Graph answers stands in its body as it is."""
    app = Deployment(fleet, HUNT_BATCH="off")
    yield app
    await app.close()


@pytest.fixture(scope="module")
def cloud() -> Iterator[tuple[str, Tenant]]:
    """Serve a local tenant on a port of its own, and yield its address and its state."""
    app = build_app(devices=40, days=1, life=False, secret=SECRET)
    with served(app) as address:
        yield address, app.state.tenant


@pytest.fixture(scope="module")
def http(cloud: tuple[str, Tenant], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run the app on the local host, in the tenant of `cloud`, and yield a client with the function key."""
    with hosted(tmp_path_factory.mktemp("app"), **identity(cloud[0])) as client:
        yield client
