"""An app whose callers App Service authentication signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.tenant.state import Tenant
from tests.support import callers
from tests.support.deployed import identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the queues of a storage account, and yield the address."""
    with callers.queues() as found:
        yield found


@pytest.fixture
async def platform(
    cloud: tuple[str, Tenant], address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Settings of an app whose callers App Service authentication signs in."""
    # Tokens are had, and nobody answers as Graph: the self-test is quick, and leaves no connection open.
    settings = {**identity(cloud[0]), "GRAPH_URL": "http://127.0.0.1:9", "HUNTS_PER_MINUTE": "1"}
    with callers.platform(address, "entra", monkeypatch, **settings):
        yield
        await callers.close()
