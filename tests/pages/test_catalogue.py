"""The page of all hunts: what stands on it, and that no text of a hunt file becomes markup."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from shared.catalog.choosing import About, Policy, choose_hunts
from shared.catalog.load import Catalog
from shared.model.entity import Chosen
from shared.model.hunt import AppliesTo
from shared.pages.catalogue import catalogue_page
from shared.pages.layout import FILTERS
from shared.state.recent import Ran, Recent
from tests.support.hostile import NASTY, unseen
from tests.support.hunt_files import five_hunts, many_hunts
from tests.support.made_hunts import hostile_catalog, made_hunt
from tests.support.said import DEVICE, NOW, Tags

if TYPE_CHECKING:
    from pathlib import Path

HUNT = "archive-then-upload"


def page(catalog: Catalog | None = None, recent: Recent | None = None) -> str:
    """Return the page of *catalog*, by default five of our own hunts."""
    return catalogue_page(catalog or five_hunts(), {}, recent or Recent(), "1.0.0")


def card(text: str, name: str = HUNT) -> str:
    """Return what a page says of one hunt, without its markup."""
    found = re.search(rf'<section class="hunt [^"]*" id="hunt-{name}">(.*?)</section>', text, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).replace("&amp;", "&").split())


def test_a_hunt_says_what_it_is_for_needs_and_means() -> None:
    """With its version, severity, techniques by name, the tables and who fills them, advice, and its query."""
    said = card(page())

    assert "archive-then-upload high" in said
    assert "Archive, then upload within 30 minutes · 1.1.0" in said
    assert "For Linux devices; sweeps the fleet" in said
    assert (
        "Collection, Exfiltration: T1560.001 Archive Collected Data: Archive via Utility, T1048 Exfil" in said
    )
    assert "DeviceNetworkEvents, DeviceProcessEvents (Microsoft Defender for Endpoint Plan 2)" in said
    assert "Something was packed, and within half an hour" in said
    assert "Backup and log shipping jobs" in said
    assert "| where RemoteIP !startswith" in said


@pytest.mark.parametrize(
    ("recent", "above", "said"),
    [
        (Recent(), "no run has ended yet", ""),
        (
            Recent(uncounted="the store cannot be read now (X)"),
            "not counted: the store cannot be read now (X).",
            "",
        ),
        (Recent(1, NOW), "in the last 1 run that ended, since ", "In none of 1 runs"),
        (
            Recent(50, NOW, hunts={HUNT: Ran(9)}),
            "in the last 50 runs that ended",
            "Looked in 9 of 50 runs What",
        ),
        (
            Recent(50, NOW, all=False, hunts={HUNT: Ran(9, 2, 1)}),
            "counted in 50 runs that ended",
            "Looked in 9 of 50 runs, with rows in 2; could not run in 1",
        ),
    ],
)
def test_how_often_a_hunt_ran_is_said_with_what_was_counted(recent: Recent, above: str, said: str) -> None:
    """A sample is called one, and what was not counted is not said to be none."""
    shown = page(recent=recent)

    assert above in shown
    assert recent.all is ("a sample drawn by chance" not in shown)
    assert said in card(shown)
    assert bool(said) is (" Ran " in card(shown))


def test_with_entities_each_hunt_says_whether_it_runs() -> None:
    """Those that run come first, in their order."""
    catalog = five_hunts()
    choices = choose_hunts(catalog, About(Chosen((DEVICE,))), Policy())
    shown = catalogue_page(catalog, {each.hunt.name: each for each in choices}, Recent(), "1.0.0")
    names = re.findall(r'id="hunt-([a-z-]+)"', shown)

    assert [each.hunt.name for each in choices] == names
    assert "Runs, as number 1 : it runs by itself; its severity is high." in card(shown)
    assert "Does not run : there is no indicator of kind ip, url, domain." in card(shown, "file-origin")


def test_the_matrix_names_gaps() -> None:
    """The tactics that no hunt has, and the hunts of each technique, folded where they are many."""
    many = Catalog(
        tuple(made_hunt(f"m-{n}", tactics=("Execution",), techniques=("T1204.002",)) for n in range(9))
    )
    few = Catalog(many.hunts[:8])

    assert "No hunt here has Reconnaissance, Resource Development, Execution, Persistence," in page()
    assert "<summary>9 hunts</summary>" in page(many)
    assert "<summary>8 hunts</summary>" not in page(few)


def test_files_that_cannot_be_used_are_listed_for_their_authors() -> None:
    """With every problem, and what authors of the others should know; without any there is no such section."""
    shown = page(hostile_catalog())

    assert "<h2>1 file cannot be used</h2>" in shown
    assert "things to know of files that can be used" in shown
    assert "cannot be used" not in page()


@cache
def everywhere(text: str) -> str:
    """Return the page of a hunt of which every text is *text*."""
    hunt = made_hunt(
        "a", f"T\n| where A == '{text}'", title=text, version=text, means=text, tactics=(text,), techniques=(text,),
        applies_to=AppliesTo((text,), (text,)), false_positives=(text,), blind_spots=(text,), next_steps=(text,),
    )  # fmt: skip
    return page(Catalog((hunt,)))


@settings(max_examples=30)
@given(NASTY.map("x{}".format))
def test_no_text_of_a_hunt_becomes_markup_or_a_link(text: str) -> None:
    """Hostile texts change no element, attribute or address of the page, and leave no invisible character."""
    plain, nasty = Tags(everywhere("x")), Tags(everywhere(text))

    assert plain.tags == nasty.tags
    assert plain.links == nasty.links
    assert "" == unseen(everywhere(text))


def test_there_are_no_more_filters_than_the_style_knows() -> None:
    """However many tactics the hunts name; all hunts are shown all the same."""
    catalog = Catalog(
        tuple(made_hunt(f"m-{n:03}", tactics=(f"T{chr(97 + n % 26)}{chr(97 + n // 26)}",)) for n in range(90))
    )
    shown = page(catalog)

    assert FILTERS == len(set(re.findall(r'id="show-(\d+)"', shown)))
    assert 90 == shown.count('<section class="hunt')


def test_two_hundred_hunts_are_shown_within_a_second(tmp_path: Path) -> None:
    """It takes 0.15 s where nothing else runs."""
    catalog = many_hunts(tmp_path, 200)
    page(catalog)
    started = time.process_time()
    shown = page(catalog)

    assert time.process_time() - started < 1
    assert 201 == shown.count('<section class="hunt')
    assert len(shown) < 1_000_000
