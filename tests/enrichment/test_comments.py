"""
Whole comments, as incidents get them: each of the files in `golden/` was read as a tired analyst would read it.

UPDATE_GOLDEN=1 writes them anew; read what has changed before you commit it.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import night
from tests.support.hunt_files import six_hunts
from tests.support.tenant import Deployment, Fleet

GOLDEN = Path(__file__).with_name("golden")
#: All that hunt files say whatever was found.
FIXED = {
    " ".join(text.split())
    for hunt in six_hunts().hunts
    for text in (hunt.means, *hunt.next_steps, *hunt.false_positives)
}
#: Comments that say that something was found.
FOUND = (
    "server",
    "merged",
    "desktop",
    "forty-devices",
    "hash-only",
    "mail-only",
    "spread",
    "archive-found",
    "origin-found",
)
TIME = r"\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(scope="module")
def tonight() -> Fleet:
    """Return the night that all these comments are about."""
    return night.night()


@pytest.fixture
async def app(tonight: Fleet) -> AsyncIterator[Deployment]:
    """Yield Outrider in a tenant of its own."""
    app = Deployment(tonight, planted_open=False)
    yield app
    await app.close()


def reviewed(name: str, comment: str) -> str:
    """Return what stands in the file of this *name*, which is *comment* if it is written anew."""
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(f"{comment}\n", encoding="utf-8")
    return (GOLDEN / name).read_text(encoding="utf-8").removesuffix("\n")


def golden(case: str, ending: str = "txt") -> str:
    """Return a golden comment."""
    return (GOLDEN / f"{case}.{ending}").read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("case", night.CASES)
async def test_a_comment_in_defender_is_the_one_reviewed(app: Deployment, case: str) -> None:
    """As text, character for character, apart from the ids in its last line."""
    comment = await night.text_of(app, case)

    assert reviewed(f"{case}.txt", comment) == comment


@pytest.mark.parametrize("case", [case for case in night.CASES if case != "merged"])
async def test_a_comment_in_sentinel_is_the_one_reviewed(app: Deployment, case: str) -> None:
    """As HTML; Sentinel tells nobody where an incident was merged into."""
    comment = await night.html_of(app, case)

    assert reviewed(f"{case}.html", comment) == comment


async def test_the_comments_on_an_incident_that_grows_are_the_ones_reviewed(app: Deployment) -> None:
    """The second says only what is news, and names the account that has joined, which no hunt takes."""
    first, second = await night.grown(app)

    assert reviewed("grown-first.txt", first) == first
    assert reviewed("grown-second.txt", second) == second
    assert '\nNot looked at (no hunt takes it): account "anna[@]contoso[.]com"\n' in second
    assert "Context" not in second


def test_each_comment_that_was_reviewed_is_still_written() -> None:
    """No file is left of a case that is no more."""
    known = {*night.CASES, "grown-first", "grown-second"}

    assert known == {file.stem for file in GOLDEN.iterdir()}


def test_the_common_case_fits_on_one_screen() -> None:
    """One device, one finding with long command lines, the baseline beside it: 25 lines."""
    lines = golden("archive-found").splitlines()

    assert 1 == sum(line.startswith("FOUND") for line in lines)
    assert any(line.startswith("Context") for line in lines)
    assert any(line.startswith("    ") for line in lines)
    assert 25 >= len(lines)


@pytest.mark.parametrize("ending", ["txt", "html"])
@pytest.mark.parametrize("case", FOUND)
def test_what_is_always_said_is_at_most_a_quarter(case: str, ending: str) -> None:
    """What findings mean, what to do next and what may be harmless; markup and addresses of links count as nothing."""
    if (case, ending) == ("merged", "html"):
        return
    comment = html.unescape(re.sub("<[^>]*>", "", golden(case, ending)))
    said = sum(comment.count(text) * len(text) for text in FIXED)

    assert "FOUND" in comment
    assert 0 < said <= len(comment) / 4


@pytest.mark.parametrize("case", [*night.CASES, "grown-first", "grown-second"])
def test_no_comment_has_a_line_too_many(case: str) -> None:
    """Five of context, one of what does not apply; a day is said where it changes, with its zone, and not again."""
    blocks = [block.splitlines() for block in golden(case).split("\n\n")]
    lines = [line for block in blocks for line in block]

    assert 5 >= sum(len(block) for block in blocks if block[0].startswith("Context"))
    assert 1 >= sum(line.startswith("Not applicable") for line in lines)
    assert len(lines) == len(set(lines))
    for block in blocks:
        rows = [line for line in block if line.startswith("• ")]
        days = [re.findall(rf"{TIME}.*? UTC|{TIME}", row) for row in rows]
        assert not rows or (days[0] and days[0][0].endswith(" UTC"))
        assert [] == [each for row in days for each in row if not each.endswith(" UTC")]
        said = [row[0][:10] for row in days if row]
        assert all(one != other for one, other in pairwise(said))


@pytest.mark.fault(
    "A23", before="1 of 2 hunts found something on srv-2, and on wks-010: Firefox, apt and snapd"
)
@pytest.mark.parametrize("case", ["server-ordinary", "desktop-ordinary", "archive-not", "grown-first"])
def test_ordinary_life_is_no_finding(case: str) -> None:
    """Where a baseline alone has rows, nothing was found; they are counted as context."""
    verdict = golden(case).splitlines()[0]

    assert re.fullmatch(r"Outrider: nothing found so far on [\w-]+ \(2 hunts\); \d+ rows of context", verdict)
    assert "FOUND" not in golden(case)


@pytest.mark.fault("A24", before="python3 → 203.0.113[.]44 was line two of twelve among Firefox, unmarked")
@pytest.mark.parametrize(("case", "process", "count"), [("server", "perl", 2), ("desktop", "python3", 1)])
def test_connections_to_the_incidents_own_address_lead(case: str, process: str, count: int) -> None:
    """They are marked, the first in context, and the verdict names the address."""
    lines = golden(case).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("Context"))

    assert "203.0.113[.]" in lines[0]
    assert f"Context, {count} hit" in lines[start]
    assert ["HIT"] * count == [line.split()[1] for line in lines[start + 1 : start + 1 + count]]
    assert process in lines[start + 1]


@pytest.mark.fault(
    "A25", before="2 of 3 hunts found something on wks-006: of the others the headline said nothing"
)
def test_spread_is_told_apart() -> None:
    """Devices outside the incident are named as such, in the verdict and above the rows, and never as its own."""
    lines = golden("spread").splitlines()
    where = "; also on wks-008, srv-5, outside the incident"

    assert f"Outrider: found on wks-006: file-origin (3){where}; 23 rows of context" == lines[0]
    assert f"FOUND (medium): file-origin: 3 rows on wks-006{where}" in lines


@pytest.mark.fault(
    "A23", before="4 of 4 hunts found something on srv-7, srv-pack and 29 more devices: two had been robbed"
)
def test_of_forty_devices_those_with_findings_come_first() -> None:
    """The verdict names these alone, and those that no hunt applies to; the rest is counted."""
    lines = golden("forty-devices").splitlines()
    described = [line.split("[")[0] for line in lines if line.startswith("Device ")]

    assert lines[0].startswith("Outrider: found on srv-7, srv-pack: archive-then-upload (2), ")
    assert lines[0].endswith("; no hunt applies on mac-001, pc-001 and 7 more devices")
    assert ["Device srv-7", "Device srv-pack"] == described
    assert "… and 38 more devices" in lines


def test_a_device_that_no_hunt_applies_to_is_not_said_to_be_clean() -> None:
    """Only the address was hunted for; nobody looked for tar.exe and curl.exe on the device."""
    verdict = golden("windows").splitlines()[0]

    assert "Outrider: nothing found so far for 203.0.113[.]66 (1 hunt); no hunt applies on pc-003" == verdict
