"""Fixtures for the tests of the sweeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.sweeping import Sweeping
from tests.support.tenant import Fleet


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Sweeping]:
    """Yield Outrider in a tenant of its own, with a clock that moves only when Outrider or a test waits."""
    app = Sweeping(fleet)
    yield app
    await app.close()
