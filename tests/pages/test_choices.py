"""A run's page says of every hunt whether it ran, and why; and which files cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.catalog.choosing import Policy
from shared.catalog.load import Catalog
from shared.errors import HuntError
from shared.model.entity import Chosen, Device
from shared.model.outcome import Outcome
from shared.model.record import Done, Plan, PlannedHunt, Run, Work
from shared.pages.choices import Row, hunt_choices
from shared.pages.run import run_page
from shared.settings import Settings
from tests.support.hunt_files import five_hunts
from tests.support.said import DEVICE, NOW, RUN_ID, WINDOW

FIVE = five_hunts()
NAMES = ("archive-then-upload", "linux-server-egress-baseline")
BEFORE = "it was hunted on this incident before, and nothing is new since"
CHANGED = "it was not chosen then: the hunts or the settings have changed since"


def run(*names: str, chosen: Chosen | None = None, **fields: object) -> Run:
    """Return a run that is done, and has hunted with the card and the hunts of these *names*."""
    plan = Plan(
        chosen=chosen or Chosen((DEVICE,)),
        hunts=tuple(PlannedHunt(name, WINDOW) for name in ("device-card", *names)),
        **fields,  # type: ignore[arg-type]  # each is a field of Plan
    )
    return Run(Work(RUN_ID, NOW, ""), plan, done=Done("completed", "nothing", NOW))


def rows(ended: Run, catalog: Catalog = FIVE, policy: Policy | None = None) -> dict[str, tuple[bool, str]]:
    """Return what is said of each hunt."""
    found = hunt_choices(ended, catalog, policy or Policy())
    return {name: (row.ran, row.why) for row in found for name in row.names}


def test_those_that_ran_come_first_in_their_order() -> None:
    """Then the others, of which those with one reason share a row; none is missing."""
    skipped = Outcome(
        "linux-desktop-egress-baseline", "A title", "notApplicable", "it is a Linux server, and so on"
    )
    ended = run(*NAMES, skipped=(skipped,), techniques=("T1071.001",))

    assert [
        Row(ran=True, names=("device-card",), why="it runs beside every hunt for devices"),
        Row(ran=True, names=(NAMES[0],), why="it runs by itself; its severity is high"),
        Row(ran=True, names=(NAMES[1],), why="it runs by itself; an alert has its technique T1071"),
        Row(ran=False, names=("file-origin",), why="there is no indicator of kind ip, url, domain"),
        Row(ran=False, names=("linux-desktop-egress-baseline",), why="it is a Linux server, and so on"),
    ] == hunt_choices(ended, FIVE, Policy())


def test_a_hunt_beyond_the_budget_is_told_as_the_run_saw_it() -> None:
    """Also if the setting has become larger since."""
    ended = run(NAMES[0], beyond=(NAMES[1], "linux-desktop-egress-baseline"))
    said = rows(ended)

    assert (False, "others come first, and one run takes no more (MAX_HUNTS)") == said[NAMES[1]]


def test_a_follow_up_says_what_was_hunted_before() -> None:
    """What would run, but is in no plan, is settled; so is a kind of entity that the run no longer has."""
    said = rows(run(NAMES[0], follow_up=True))

    assert [(False, BEFORE)] * 2 == [said[NAMES[1]], said["file-origin"]]


def test_what_has_changed_since_is_told_as_that() -> None:
    """A hunt that is new, or that HUNTS_AUTO names by now; and one that it named then."""
    drop_ins = tuple(
        replace(FIVE.by_name[NAMES[0]], name=name, id=name, auto=False) for name in ("then", "now", "never")
    )
    more = Catalog(tuple(sorted((*FIVE.hunts, *drop_ins), key=lambda hunt: hunt.name)))
    said = rows(run("then"), more, Policy(("now",)))

    assert (True, "it was chosen then") == said["then"]
    assert [(False, CHANGED)] * 2 == [said["now"], said[NAMES[0]]]
    assert (False, "its file has no enrichment block: name it in `hunts`, or in HUNTS_AUTO") == said["never"]


def test_a_callers_own_choice_is_told() -> None:
    """The hunts that were named, and that the others were not."""
    ended = replace(run(NAMES[0]), work=Work(RUN_ID, NOW, "", hunts=(NAMES[0],)))
    said = rows(ended)

    assert [(True, "it was named"), (False, "others were named")] == [said[NAMES[0]], said[NAMES[1]]]


@pytest.mark.parametrize("plan", [None, Plan(failure="no such incident")])
def test_without_a_plan_nothing_is_said(plan: Plan | None) -> None:
    """Nothing was chosen."""
    assert [] == hunt_choices(replace(run(), plan=plan), FIVE, Policy())


def test_a_hunt_that_is_gone_is_not_in_the_list() -> None:
    """It stands among the outcomes."""
    assert "gone" not in rows(run("gone"))


def test_the_page_shows_it_folded_up() -> None:
    """With the numbers on the fold; a run that is not done has no such section."""
    ended = run(*NAMES, chosen=Chosen((Device(name="web01"),)))
    page = run_page(ended, FIVE, Settings(), refresh=False)
    running = run_page(replace(ended, done=None), FIVE, Settings(), refresh=True)

    assert "<h2>Which hunts ran, and why</h2>" in page
    assert "<summary>3 ran, 2 did not</summary>" in page
    assert "<details>" in page
    assert "Which hunts ran" not in running
    assert "cannot be used" not in page


@pytest.mark.fault("A20", before="no such line: each file was a hunt that was not run")
def test_files_that_cannot_be_used_are_one_line() -> None:
    """Their number, and the names of a few; what is wrong with them is said elsewhere."""
    errors = tuple(HuntError(Path(f"/hunts/wrong-{n}.yaml"), (f"secret problem {n}",)) for n in range(1, 6))
    page = run_page(run(*NAMES), Catalog(FIVE.hunts, errors), Settings(), refresh=False)
    one = run_page(run(*NAMES), Catalog(FIVE.hunts, errors[:1]), Settings(), refresh=False)

    assert (
        "5 hunt files cannot be used, and GET /api/health says why: wrong-1.yaml, wrong-2.yaml and 3 more files"
        in page
    )
    assert "1 hunt file cannot be used, and GET /api/health says why: wrong-1.yaml" in one
    assert "secret problem" not in page
