"""What one enrichment costs Graph: the requests of each kind of run, counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from sandbox.tenant import evidence, incidents
from shared.work import work_on
from tests.support.scene import OTHER, SERVER, Scene

if TYPE_CHECKING:
    from tests.support.tenant import Fleet

#: The hunts for a Linux device: the archive's, the two baselines, and the device card.
HUNTS = 1


@pytest.fixture
async def scene(fleet: Fleet) -> AsyncIterator[Scene]:
    """Yield a tenant with two servers."""
    scene = Scene(fleet, SERVER, OTHER)
    yield scene
    await scene.close()


class Requests:
    """Counts the requests that Graph gets from now on."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._before = self._all()

    def _all(self) -> dict[str, int]:
        kinds = ("incident", "hunt", "comment")
        return {kind: self._scene.app.calls(kind) for kind in kinds}

    @property
    def made(self) -> tuple[int, int, int]:
        """How often an incident was read, a query was run and a comment posted."""
        now = self._all()
        read, hunted, commented = (now[kind] - self._before[kind] for kind in now)
        return read, hunted, commented


async def run(scene: Scene, **body: object) -> tuple[int, int, int]:
    """Start a person's run, let a worker end it, and return its requests."""
    name = await scene.app.ask(**body)
    requests = Requests(scene)
    await work_on(scene.app.tools, name)
    return requests.made


async def test_a_run_reads_once_and_comments_once(scene: Scene) -> None:
    """Beside one request for all hunts; a dry run comments nothing, and so does one whose findings stand there."""
    incident = scene.incident()["id"]

    assert (1, HUNTS, 0) == await run(scene, incidentId=incident, comment=False)
    assert (1, HUNTS, 1) == await run(scene, incidentId=incident)
    assert (1, HUNTS, 0) == await run(scene, incidentId=incident)


async def test_a_merge_costs_a_read_each(scene: Scene) -> None:
    """The incident that is left is read as well, and only once."""
    one, two = scene.incident(), scene.incident(evidence.device(OTHER))
    incidents.merge(scene.app.tenant, one, two)

    assert (2, HUNTS, 1) == await run(scene, incidentId=one["id"])


async def test_a_run_that_goes_on_later_reads_once_more(scene: Scene) -> None:
    """What was read long ago may have been merged or commented on; answers that are there are not asked again."""
    scene.app.tenant.faults.add(match="hunt", contains="ArchiveCmd", status=429, retry_after=900)
    incident = scene.incident()["id"]
    name = await scene.app.ask(incidentId=incident)
    requests = Requests(scene)
    await work_on(scene.app.tools, name)
    first = requests.made
    await work_on(scene.app.tools, name)

    assert (1, HUNTS, 0) == first
    assert (2, HUNTS + 1, 1) == requests.made


async def test_a_late_look_reads_and_hunts_once(scene: Scene) -> None:
    """The baseline that does not apply is settled by then; without news, nothing is commented."""
    scene.incident()
    await scene.replay.minutes(2)
    ((due, late),) = scene.replay.waiting
    scene.app.clock = due
    requests = Requests(scene)
    await work_on(scene.app.tools, late)

    assert (1, HUNTS, 0) == requests.made


async def test_a_follow_up_without_news_comments_nothing(scene: Scene) -> None:
    """What is new is hunted, and the incident is read once to see what that is, and once for the run."""
    incident = scene.incident()
    await scene.replay.minutes(2)
    incidents.grow(scene.app.tenant, incident, evidence.device(OTHER))
    requests = Requests(scene)
    await scene.replay.minutes(1)

    # The list of incidents is a read as well.
    assert (3, HUNTS, 0) == requests.made
