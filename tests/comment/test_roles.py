"""Findings, hits, context and spread are told apart, and what is said whatever was found takes little room."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.comment.html import render_html
from shared.comment.text import render_text
from shared.comment.verdict import hits_of, verdict
from shared.model.entity import Chosen, Device, Indicator
from shared.model.finding import Found, Group, Place
from shared.model.outcome import DeviceEnding, Outcome
from tests.support.said import DEVICE, ENDINGS, HUNTS, content, outcome

#: All that hunt files say whatever was found.
FIXED = {
    " ".join(text.split())
    for hunt in HUNTS.hunts
    for text in (hunt.means, *hunt.next_steps, *hunt.false_positives)
}
NAMES = sorted(HUNTS.by_name)
ADDRESS = "203.0.113.9"
HERE, THERE = Place("a" * 40, "web01.contoso.com", 1), Place("b" * 40, "wks-003.contoso.com", 2)


def normal(*, hits: int = 0, groups: int = 3, hunt: str = "linux-server-egress-baseline") -> Outcome:
    """Return the outcome of a baseline: so many groups of a row each, the first *hits* of which are hits."""
    kept = tuple(
        Group(
            (f"web0{n % 2 + 1}", f"tool-{n}"),
            1,
            f"2026-03-0{9 - n % 3}T02:14:05Z",
            f"2026-03-0{9 - n % 3}T02:14:05Z",
            (ADDRESS,) if n < hits else (),
        )
        for n in range(groups)
    )
    found = Found(hunt, groups, shown=("DeviceName", "Process"), groups=kept, hit_rows=hits, hit_places=(HERE,) * bool(hits), hit_place_count=bool(hits))  # fmt: skip
    devices = DeviceEnding("web01.contoso.com", "found"), DeviceEnding("web02.contoso.com", "found")
    return Outcome(hunt, "A title", "found", devices=devices, found=found, role="context")


def origins(*places: Place, count: int = 0) -> Outcome:
    """Return the outcome of an indicator hunt with rows on these devices, of *count* in all."""
    groups = tuple(Group((ADDRESS, place.name), place.events, "", "") for place in places)
    found = Found("file-origin", sum(place.events for place in places), shown=("Indicator", "DeviceName"), groups=groups, places=places,
                  place_count=count or len(places))  # fmt: skip
    return Outcome("file-origin", "A title", "found", found=found)


@pytest.mark.fault("A23", before="'1 of 2 hunts found something on web01', for a baseline alone")
@given(st.lists(st.sampled_from([e for e in ENDINGS if e != "found"]), max_size=4), st.integers(1, 30))
def test_context_never_makes_a_verdict(endings: list[str], groups: int) -> None:
    """Whatever else ended how, a baseline without a hit is counted, and nothing is found."""
    said = content(
        *(outcome(ending, hunt=f"hunt-{n}") for n, ending in enumerate(endings)), normal(groups=groups)
    )  # type: ignore[arg-type]
    text = render_text(said, max_chars=30_000)

    assert verdict(said).startswith("nothing found ")
    assert f"; {groups} row{'' if groups == 1 else 's'} of context" in verdict(said)
    assert "FOUND" not in text
    assert "HIT" not in text


@pytest.mark.fault("A24", before="'1 of 2 hunts found something on web01', as without the address")
def test_a_hit_in_context_makes_a_verdict() -> None:
    """It names the address, and of the devices with rows only that of the hit."""
    said = content(outcome("nothingFound"), normal(hits=1), devices=(DEVICE, Device(name="web02")))

    assert "found on web01: 203.0.113[.]9 in linux-server-egress-baseline (1); 3 rows of context" == verdict(
        said
    )
    assert "• HIT 2026-03-09 02:14:05 UTC · web01 · tool-0" in render_text(said, max_chars=30_000)


@given(st.integers(0, 9), st.integers(9, 30), st.integers(1, 3))
def test_context_takes_five_lines(hits: int, groups: int, hunts: int) -> None:
    """However many hunts have how much of it; hits first, all rows counted, a day said where it changes."""
    said = content(*(normal(hits=hits, groups=groups, hunt=f"baseline-{n}") for n in range(hunts)))
    block = render_text(said, max_chars=30_000).split("\n\n")[1].splitlines()
    days = [re.findall(r"2026-03-0\d", line) for line in block[1:]]

    assert 5 == len(block)
    assert block[0].startswith(f"Context, {hits * hunts} hit" if hits else "Context, no finding: ")
    assert hunts == block[0].count(f": {groups} rows on web01, web02")
    assert min(4, hits * hunts) == sum("HIT" in line for line in block[1:])
    assert all(day for day in days[:1])
    assert all(one != other for one, other in itertools.pairwise(days) if other)


@pytest.mark.fault("A25", before="'1 of 1 hunt found something on web01', where all rows are on wks-003")
@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((HERE,), "found on web01: file-origin (1)"),
        ((HERE, THERE), "found on web01: file-origin (3); also on wks-003, outside the incident"),
        ((THERE,), "found on wks-003, outside the incident: file-origin (2)"),
    ],
)
def test_spread_is_never_the_incidents_own(places: tuple[Place, ...], expected: str) -> None:
    """In the verdict, and above the rows."""
    said = content(origins(*places))
    text = render_text(said, max_chars=30_000)
    heading = next(line for line in text.splitlines() if line.startswith("FOUND"))

    assert expected == verdict(said)
    assert ("on wks-003, outside the incident" in heading) == (THERE in places)
    assert ("on web01" in heading) == (HERE in places)


def test_where_the_incident_names_no_device_none_is_outside_it() -> None:
    """All that it is about may be anywhere; places that were not kept are counted."""
    said = replace(content(origins(HERE, THERE, count=7)), chosen=Chosen((), (Indicator("ip", ADDRESS),)))

    assert "found on web01, wks-003 and 5 more devices: file-origin (3)" == verdict(said)


@pytest.mark.parametrize("render", [render_text, render_html])
@settings(max_examples=60)
@example([NAMES[0]], 1, "x", 30_000)
@example(NAMES, 1, "x", 30_000)
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True),
    st.integers(1, 12),
    st.sampled_from(("x", "y" * 200, "<b>&")),
    st.integers(1_000, 30_000),
)
def test_fixed_text_is_at_most_a_quarter(
    render: Callable[..., str], hunts: list[str], groups: int, value: str, most: int
) -> None:
    """Of what can be read of a comment with findings: markup and where links lead do not count."""
    said = content(
        *(outcome("found", hunt=name, values=(value,), groups=groups) for name in hunts),
        portal=dict.fromkeys(hunts, f"https://security.example/{'q' * 900}"),
    )
    text = html.unescape(re.sub("<[^>]*>", "", render(said, max_chars=most)))

    assert sum(text.count(each) * len(each) for each in FIXED) <= len(text) / 4


@pytest.mark.parametrize("render", [render_text, render_html])
def test_what_several_hunts_say_takes_room_each_time(render: Callable[..., str]) -> None:
    """Hunts whose files have a sentence in common say it with each finding, and the quarter counts every one."""
    same = "Read the command line, and ask the owner of the device about it."
    hunts = {
        name: replace(hunt, means=same, next_steps=(same,), false_positives=())
        for name, hunt in HUNTS.by_name.items()
    }
    said = replace(content(*(outcome("found", hunt=name) for name in NAMES)), hunts=hunts)
    text = html.unescape(re.sub("<[^>]*>", "", render(said, max_chars=30_000)))

    assert 0 < text.count(same) * len(same) <= len(text) / 4


def test_a_host_is_no_hit_beside_its_url() -> None:
    """A URL that rows hold says its host, too; another host, and an address, stand beside it."""
    hits = "evil.example/a", "evil.example", "sub.evil.example", ADDRESS
    group = Group(("web01", "curl"), 1, "", "", hits)
    found = Found("baseline", 1, shown=("DeviceName", "Process"), groups=(group,), hit_rows=1)

    assert ["evil.example/a", "sub.evil.example", ADDRESS] == hits_of(
        Outcome("baseline", "", "found", found=found)
    )
