"""Which hunts an enrichment runs: those that fit, the nearest to its alerts first, as many as one run may."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.catalog.load import SHIPPED, Catalog, load_hunts
from shared.model.entity import Dropped
from shared.model.record import Work
from shared.state.runs import run_id
from shared.work import work_on
from tests.support.endings import EXFILTRATION, endings
from tests.support.hunt_files import five_hunts, look_alikes, write
from tests.support.mortal import Life
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

SERVER, WINDOWS = "srv-7.contoso.com", "pc-001.contoso.com"
HASH = "f" * 64
DROP_INS = 442
#: Text that only the query of one hunt has.
MARKS = {
    "device-card": "ExposureLevel",
    "file-origin": "OriginHost",
    "archive-then-upload": "ArchiveProc",
    "linux-desktop-egress-baseline": "fwupdmgr",
    "linux-server-egress-baseline": '!in (\\"sensecm\\")',
}


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
    ours = five_hunts().hunts
    for catalog in (Catalog(ours), Catalog((*ours, *load_hunts(drop_ins).hunts))):
        async with deployed(fleet, catalog, HUNTS_PER_MINUTE="100000") as app:
            assert "completed" == (await app.enrich(incidentId=EXFILTRATION)).status
            counted.append(app.calls("hunt"))
            said.append(app.comments(EXFILTRATION)[0])

    assert counted[0] == counted[1]
    assert said[0].splitlines()[:-1] == said[1].splitlines()[:-1]
    assert "look-alike" not in said[1]


async def test_a_hunt_without_a_block_runs_where_it_is_named(fleet: Fleet, drop_ins: Path) -> None:
    """A caller may name any that is loaded, and gets those alone, with the device card."""
    async with deployed(fleet, load_hunts(SHIPPED, drop_ins)) as app:
        done = await app.enrich(devices=[SERVER], hunts=["look-alike-7", "look-alike-8"])

        assert {"look-alike-7", "look-alike-8"} == endings(done).keys()
        assert 1 == app.calls("hunt")


async def test_the_setting_names_hunts_and_tactics(fleet: Fleet, drop_ins: Path) -> None:
    """A name is one hunt; the others are still counted out by the budget, the most severe first."""
    catalog = Catalog((*five_hunts().hunts, *load_hunts(drop_ins).hunts))
    async with deployed(fleet, catalog, HUNTS_AUTO="look-alike-2, credential access", MAX_HUNTS="3") as app:
        run = await app.ask(devices=[SERVER])
        await work_on(app.tools, run)
        plan = (await app.read(run)).plan

    assert plan
    assert ["device-card", "archive-then-upload", "look-alike-1", "look-alike-2"] == [
        hunt.name for hunt in plan.hunts
    ]
    assert "look-alike-101" in plan.beyond
    assert 221 + 1 - 2 + 2 == len(plan.beyond)


async def test_what_is_beyond_the_budget_is_counted_and_not_tried_again(fleet: Fleet) -> None:
    """One line says how many, with the setting's name; it is no failure, no news, and nothing is due of it."""
    async with deployed(fleet, five_hunts(), MAX_HUNTS="1") as app:
        run = await app.ask(incidentId=EXFILTRATION)
        await work_on(app.tools, run)
        plan, done = (await app.read(run)).plan, await app.done(run)
        hunted = app.calls("hunt")
        again = Work(run_id("again"), app.now(), "", incident_id=EXFILTRATION, source="watch")
        await app.tools.runs.start(again, chosen_key=False)
        await work_on(app.tools, again.run_id)
        (text,) = app.comments(EXFILTRATION)

        assert plan
        assert ["device-card", "archive-then-upload"] == [hunt.name for hunt in plan.hunts]
        assert (
            "file-origin",
            "linux-desktop-egress-baseline",
            "linux-server-egress-baseline",
        ) == plan.beyond
        assert "completed" == done.status
        said = "3 hunts were left out: one run takes at most 1, the nearest to the alerts first (MAX_HUNTS)"
        assert [said] == [line for line in text.splitlines() if "one run takes" in line]
        assert (hunted, "off") == (app.calls("hunt"), (await app.done(again.run_id)).comments[0].status)


async def test_an_entity_whose_hunts_are_beyond_the_budget_is_told(fleet: Fleet) -> None:
    """It is not hunted, and the reason names the setting."""
    async with deployed(fleet, five_hunts(), MAX_HUNTS="1") as app:
        run = await app.ask(devices=[SERVER], indicators=["evil.example"])
        await work_on(app.tools, run)
        plan = (await app.read(run)).plan

    assert plan
    reason = "the hunts for a domain were left out (MAX_HUNTS)"
    assert (Dropped("domain", "evil.example", reason),) == plan.chosen.dropped


async def test_hunts_are_started_in_the_order_of_the_plan(fleet: Fleet) -> None:
    """An alert's technique brings a hunt to the front, behind the card; the tenant is asked in that order."""
    asked: list[str] = []

    def note(request: httpx.Request | None) -> None:
        """Note which hunt a request to the tenant is."""
        if request and request.url.path.endswith("runHuntingQuery"):
            asked.extend(name for name, text in MARKS.items() if text.encode() in request.content)

    async with deployed(fleet, five_hunts()) as app:
        app.tenant.incidents[EXFILTRATION]["alerts"][0] |= {
            "mitreTechniques": ["T1105"],
            "category": "Execution",
        }
        run = await app.ask(incidentId=EXFILTRATION)
        await work_on(app.worker(Life(None, note)), run)
        plan = (await app.read(run)).plan

    assert plan
    assert (("T1105",), ("Execution",)) == (plan.techniques, plan.tactics)
    assert list(MARKS) == [hunt.name for hunt in plan.hunts] == asked


async def test_the_watch_sees_nothing_due_in_what_no_hunt_takes(fleet: Fleet) -> None:
    """A hash that no hunt takes does not make an incident worth another run."""
    async with deployed(fleet, five_hunts()) as app:
        done = await app.enrich(devices=[SERVER], indicators=[HASH], hunts=["archive-then-upload"])
        run = await app.ask(indicators=[HASH])
        await work_on(app.tools, run)
        alone = await app.done(run)

    assert {"archive-then-upload"} == endings(done).keys()
    assert ("completed", "nothing to hunt for; 1 not looked at") == (alone.status, alone.verdict)


async def test_an_app_without_hunts_fails_its_runs(fleet: Fleet, tmp_path: Path) -> None:
    """Where all files are wrong, nothing was hunted, and that is not told as nothing to hunt for."""
    write(tmp_path, "wrong.yaml", "id: 1")
    async with deployed(fleet, load_hunts(tmp_path)) as app:
        done = await app.enrich(incidentId=EXFILTRATION)

        assert [] == app.comments(EXFILTRATION)
    assert "failed" == done.status
    assert "the app has no hunt that can be used: GET /api/health says what is wrong with its files" == (
        done.reason
    )


async def test_every_file_at_once_stays_within_the_budget(fleet: Fleet, drop_ins: Path) -> None:
    """With `*`, an incident costs one call, for 40 hunts and the card."""
    async with deployed(
        fleet, load_hunts(SHIPPED, drop_ins), HUNTS_AUTO="*", HUNTS_PER_MINUTE="100000"
    ) as app:
        done = await app.enrich(devices=[SERVER])

        assert ("completed", 40, 1) == (done.status, len(done.outcomes), app.calls("hunt"))
