"""When a comment's incident is read again before it is commented on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from shared.comment.content import Content
from shared.incident.defender import comment_in_defender
from shared.incident.posting import post
from shared.model.entity import Chosen
from shared.model.hunt import Hunt
from shared.model.incident import Snapshot
from shared.model.record import Plan, Work
from tests.support.endings import EXFILTRATION
from tests.support.said import RUN_ID, outcome

if TYPE_CHECKING:
    from tests.support.tenant import Deployment


async def reads(app: Deployment, age: float, *, again: bool = False) -> int:
    """Post a comment on an incident that was read *age* seconds ago; return how often it was read meanwhile."""
    incident = await app.tools.graph.get_incident(EXFILTRATION)
    before = app.calls("incident")
    content = Content(RUN_ID, Chosen(), (outcome("found"),), app.tools.catalog.by_name)
    result = await post(
        app.tools,
        Work(RUN_ID, app.now(), "", incident_id=EXFILTRATION),
        Plan(incident_id=EXFILTRATION),
        content,
        Snapshot(incident, time.monotonic() - age),
        again=again,
    )

    assert "written" == result.status
    return app.calls("incident") - before


@pytest.mark.fault("C", before="it was read 0 times")
async def test_a_stale_incident_is_read_again(app: Deployment) -> None:
    """After 30 seconds it may have been merged, or commented on."""
    assert 1 == await reads(app, 31)


async def test_an_incident_just_read_is_not_read_again(app: Deployment) -> None:
    """One call less for each run."""
    assert 0 == await reads(app, 20)


async def test_a_run_that_is_delivered_again_reads_its_incident_again(app: Deployment) -> None:
    """The earlier worker may have written the comment."""
    assert 1 == await reads(app, 0, again=True)


class Noting(dict[str, Hunt]):
    """Hunts that note in which thread somebody looks one up, as whoever renders a comment does."""

    def __init__(self, hunts: Mapping[str, Hunt]) -> None:
        super().__init__(hunts)
        self.threads: set[int] = set()

    def __getitem__(self, name: str) -> Hunt:
        """Return the hunt called *name*."""
        self.threads.add(threading.get_ident())
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the hunt called *name*, or *default*."""
        self.threads.add(threading.get_ident())
        return super().get(name, default)


async def test_a_comment_is_rendered_in_a_thread(app: Deployment) -> None:
    """However long its rows are, health and the other runs go on meanwhile."""
    incident = await app.tools.graph.get_incident(EXFILTRATION)
    hunts = Noting(app.tools.catalog.by_name)
    content = Content(RUN_ID, Chosen(), (outcome("found"),), hunts)
    await comment_in_defender(app.tools, Plan(incident_id=EXFILTRATION), content, "a" * 32, incident)

    assert hunts.threads
    assert threading.get_ident() not in hunts.threads
