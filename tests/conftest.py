"""What most tests of a run begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.tenant import Deployment, Fleet


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Telemetry for all tests of a module."""
    return Fleet()


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider in a tenant of its own, whose planted incidents are open."""
    app = Deployment(fleet)
    yield app
    await app.close()
