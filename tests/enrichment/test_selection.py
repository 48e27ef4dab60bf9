"""Which hunts an enrichment runs: those that fit, the nearest to its alerts first, as many as one run may."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.catalog.load import SHIPPED, Catalog, load_hunts
from shared.model.entity import Dropped
from shared.work import work_on
from tests.support.endings import EXFILTRATION, endings
from tests.support.hunt_files import five_hunts, look_alikes, write
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVER, WINDOWS = "srv-7.contoso.com", "pc-001.contoso.com"
HASH = "f" * 64
DROP_INS = 442


@asynccontextmanager
async def deployed(fleet: Fleet, catalog: Catalog, **settings: str) -> AsyncIterator[Deployment]:
    """Yield a deployment with these hunts and settings."""
    own = copy(fleet)
    own.catalog = catalog
    app = Deployment(own, **settings)
    yield app
    await app.close()


@pytest.fixture(scope="module")
def drop_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of as many hunt files without a block as Azure-Sentinel publishes."""
    return look_alikes(tmp_path_factory.mktemp("hunts"), DROP_INS)


@pytest.mark.fault("A4", before="'notApplicable' == 'nothingSoFar'")
async def test_a_hunt_for_the_tools_of_linux_does_not_apply_to_windows(app: Deployment) -> None:
    """It matches `tar` and never `tar.exe`, so its silence on a Windows device says nothing."""
    done = await app.enrich(devices=[WINDOWS])

    assert "notApplicable" == endings(done)["archive-then-upload"]


@pytest.mark.fault("A8", before="assert (Dropped(…),) == (): the page said `Hunted for: yes`")
async def test_what_no_hunt_takes_is_told_as_not_hunted(app: Deployment) -> None:
    """A hash, where no hunt takes one, is left out with that reason, and the rest is hunted."""
    run = await app.ask(devices=[SERVER], indicators=[HASH])
    await work_on(app.tools, run)
    plan = (await app.read(run)).plan

    assert plan
    assert (Dropped("fileHash", HASH, "no hunt takes a file hash"),) == plan.chosen.dropped
    assert (1, ()) == (len(plan.chosen.devices), plan.chosen.indicators)


@pytest.mark.fault("A20", before="assert 'completed' == 'completedWithFailures': NOT RUN, for every file")
async def test_a_file_that_cannot_be_used_is_no_outcome(fleet: Fleet, tmp_path: Path) -> None:
    """Its author is told, by health and the like; an analyst reads nothing of it, and the run is complete."""
    write(tmp_path, "wrong.yaml", "id: 1")
    catalog = Catalog(five_hunts().hunts, load_hunts(tmp_path).broken)
    async with deployed(fleet, catalog) as app:
        done = await app.enrich(incidentId=EXFILTRATION)
        (text,) = app.comments(EXFILTRATION)

    assert "completed" == done.status
    assert "wrong" not in endings(done)
    assert "wrong" not in text
    assert () == tuple(note for note in done.notes if "wrong" in note)


@pytest.mark.fault("A21", before="assert 5 == 447: every file ran on every incident")
async def test_files_without_a_block_cost_an_incident_nothing(fleet: Fleet, drop_ins: Path) -> None:
    """442 published files in HUNTS_DIR: as many hunting calls as without them, and the comment names none."""
    counted, said = [], []
    for paths in ((SHIPPED,), (SHIPPED, drop_ins)):
        async with deployed(fleet, load_hunts(*paths), HUNTS_PER_MINUTE="100000") as app:
            assert "completed" == (await app.enrich(incidentId=EXFILTRATION)).status
            counted.append(app.calls("hunt"))
            said.append(app.comments(EXFILTRATION)[0])

    assert counted[0] == counted[1]
    assert said[0].splitlines()[:-1] == said[1].splitlines()[:-1]
    assert "look-alike" not in said[1]
