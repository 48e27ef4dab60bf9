"""A tenant in which nothing has happened yet, and what the watch has started in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .tenant import Deployment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .tenant import Fleet


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider in a tenant without incidents, whose clock stands still."""
    app = Deployment(fleet, planted_open=False)
    yield app
    await app.close()


async def started(app: Deployment) -> list[tuple[str, str]]:
    """Return the queue and the incident of each run that was sent, and forget the messages."""
    runs = [(queue, (await app.read(run)).work.incident_id) for queue, run, _ in app.messages]
    app.messages.clear()
    return runs
