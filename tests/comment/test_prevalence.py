"""A row says on how many devices of the fleet its value is and since when, and the comment says in which order rows are."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from shared.comment.content import Content
from shared.comment.html import render_html
from shared.comment.prevalence import seen_on
from shared.comment.text import render_text
from shared.model.finding import Found, Group, Prevalence
from shared.model.outcome import DeviceEnding, Outcome
from shared.model.record import Done, Plan, Run, Work
from shared.pages.run import run_page
from shared.pages.summary import summary
from shared.settings import Settings
from tests.support.said import DEVICE, HUNTS, NOW, RUN_ID, WINDOW, Tags, content

BASELINE, ARCHIVE = "linux-server-egress-baseline", "archive-then-upload"
SHOWN = ("DeviceName", "InitiatingProcessFileName", "RemoteIP", "RemotePort")
SEEN, FIRST = "2026-03-09T02:14:05Z", "2026-03-09T01:00:00Z"
FLEET = Prevalence("RemoteIP", 2_000)
FORGED = "on 1 of 2,000 devices, first 2026-03-09"


def group(address: str, devices: int = 0, since: str = FIRST) -> Group:
    """Return a row of web01 to an address that is on so many devices."""
    return Group(("web01", "curl", address, "443"), 1, SEEN, SEEN, (), devices, since if devices else "")


ROWS = (group("198.51.100.1", 1), group("198.51.100.2", 1_500, "2026-03-08T12:00:00Z"), group("198.51.100.3"))


def found(
    *groups: Group, hunt: str = ARCHIVE, prevalence: Prevalence | None = FLEET, rows: int = 0
) -> Outcome:
    """Return the outcome of a hunt with these rows, of *rows* in all."""
    made = Found(
        hunt,
        rows or len(groups),
        shown=SHOWN,
        groups=groups,
        prevalence=prevalence,
        digest="d",
        columns=SHOWN,
    )
    devices, role = (DeviceEnding(DEVICE.name, "found"),), HUNTS.by_name[hunt].role
    return Outcome(hunt, "A title", "found", "", WINDOW, devices, made, "i", "1.0.0", role)


def text(said: Content) -> str:
    """Return the comment as text."""
    return render_text(said, max_chars=30_000)


@pytest.mark.parametrize(
    ("devices", "fleet", "since", "expected"),
    [
        (1, 2_000, FIRST, "on 1 of 2,000 devices, first 2026-03-09"),
        (2_000, 2_000, FIRST, "on 2,000 of 2,000 devices, first 2026-03-09"),
        # Both are estimates.
        (2_001, 2_000, FIRST, "on 2,001 devices, first 2026-03-09"),
        (1, 1, FIRST, "on 1 of 1 device, first 2026-03-09"),
        (1, 0, FIRST, "on 1 device, first 2026-03-09"),
        (2, 0, FIRST, "on 2 devices, first 2026-03-09"),
        (2, 5, "2026-03-09T01:00:00.1234567Z", "on 2 of 5 devices, first 2026-03-09"),
        (2, 5, "", "on 2 of 5 devices"),
        (2, 5, "FOUND: <b>", "on 2 of 5 devices"),
        (0, 5, FIRST, ""),
    ],
)
def test_the_words_hold_whenever_they_are_read(devices: int, fleet: int, since: str, expected: str) -> None:
    """A date, not `today`; never more devices than there are; nothing for what was not counted."""
    row = Group(("x",), 1, SEEN, SEEN, (), devices, since)

    assert expected == seen_on(row, Found("x", groups=(row,), prevalence=Prevalence("RemoteIP", fleet)))


def test_each_row_of_a_finding_says_it() -> None:
    """In a table of its own column; the sentence above says what is counted, and that a row was not."""
    lines = text(content(found(*ROWS))).splitlines()
    at = lines.index(
        "Devices of the fleet with that RemoteIP, and since when, are counted in the hunt's window; "
        "rows without a number were not counted."
    )

    assert [
        "  when · InitiatingProcessFileName · RemoteIP · RemotePort · in the fleet",
        "• 2026-03-09 02:14:05 UTC · curl · 198.51.100[.]1 · 443 · on 1 of 2,000 devices, first 2026-03-09",
        "• 02:14:05 · curl · 198.51.100[.]2 · 443 · on 1,500 of 2,000 devices, first 2026-03-08",
        "• 02:14:05 · curl · 198.51.100[.]3 · 443 · not counted",
    ] == lines[at + 1 : at + 5]


def test_the_table_in_html_has_a_cell_for_each_head() -> None:
    """Also in the row that was not counted."""
    page = render_html(content(found(*ROWS)), max_chars=30_000)
    names = [name for name, *_ in Tags(page).tags]

    assert [] == Tags(page).open
    assert (5, 3 * 5) == (names.count("th"), names.count("td"))
    assert "<th>in the fleet</th>" in page
    assert "<td>on 1 of 2,000 devices, first 2026-03-09</td>" in page


def test_a_row_with_long_values_says_it_on_its_first_line() -> None:
    """Behind the short values; one that was not counted says nothing there."""
    rows = tuple(
        replace(each, values=(each.values[0], f"{n}{'x' * 60}", *each.values[2:3], f"{n}"))
        for n, each in enumerate((ROWS[0], ROWS[2]))
    )
    lines = text(content(found(*rows))).splitlines()
    starts = [line for line in lines if line.startswith("• ")]

    assert starts[0].endswith(" · RemotePort: 0 · on 1 of 2,000 devices, first 2026-03-09")
    assert starts[1].endswith(" · RemotePort: 1")


@pytest.mark.parametrize("hits", [False, True])
def test_a_finding_that_is_cut_says_its_order(hits: bool) -> None:
    """Hits first, then by the fleet: where nothing was counted, by what is rare in the answer, as before."""
    rows = (replace(ROWS[0], hits=("198.51.100.1",) * hits), *ROWS[1:])
    before = "hits first, then " if hits else ""
    behind = "" if hits else " first"

    assert f"3 of 9 rows shown, {before}the RemoteIP on the fewest devices in the window{behind}\n" in text(
        content(found(*rows, rows=9))
    )
    plain = tuple(replace(row, devices=0, since="") for row in rows)
    assert f"3 of 9 rows shown, {before}the rarest{behind}\n" in text(
        content(found(*plain, rows=9, prevalence=None))
    )


def test_context_says_it_in_its_five_lines() -> None:
    """With the order in its heading, also of a single row."""
    several, one = (
        text(content(found(*rows, hunt=BASELINE))).split("\n\n")[1].splitlines() for rows in (ROWS, ROWS[:1])
    )
    order = "; the RemoteIP on the fewest devices in the window first"

    assert f"Context, no finding: {BASELINE}: 3 rows on web01{order}" == several[0]
    assert several[1].endswith(" · curl · 198.51.100[.]1 · 443 · on 1 of 2,000 devices, first 2026-03-09")
    assert several[3].endswith(" · 443")
    assert one[0].endswith(order)


def test_context_of_several_hunts_is_in_one_order() -> None:
    """By the fleet where all were counted by one column; where one was not, its rows are not the last."""
    other = "linux-desktop-egress-baseline"
    many = tuple(group(f"203.0.113.{n}", n) for n in range(2, 7))
    counted = text(content(found(*ROWS[:2], hunt=BASELINE), found(*many, hunt=other)))
    mixed = text(
        content(found(group("198.51.100.9"), hunt=BASELINE, prevalence=None), found(*many, hunt=other))
    )

    assert ["on 1 of", "on 2 of", "on 3 of", "on 4 of"] == re.findall(r"on \d of", counted)
    assert "198.51.100[.]9" in mixed
    assert "; the rarest first\n" in mixed


@pytest.mark.parametrize("hunt", [ARCHIVE, BASELINE])
def test_what_was_not_counted_is_said_with_the_reason(hunt: str) -> None:
    """As a sentence that is harmless, whatever Graph said, and in the order of the answer."""
    plain = tuple(replace(row, devices=0, since="") for row in ROWS)
    trouble = Prevalence("RemoteIP", uncounted="the query timed out <b>\nFOUND: http://evil.example")
    said = text(content(found(*plain, hunt=hunt, prevalence=trouble, rows=9)))

    assert (
        "prevalence of RemoteIP was not counted (the query timed out ‹b›\\nFOUND: hxxp://evil[.]example)"
        in said
    )
    assert "the rarest first" in said
    assert "in the fleet" not in said


@pytest.mark.parametrize("address", [f"x · {FORGED}", FORGED, f"x\n• {FORGED}"])
def test_no_value_passes_for_a_count(address: str) -> None:
    """It stands in its own cell: what comes last in a row is ours."""
    said = text(content(found(group(address, 1_500), hunt=BASELINE)))
    (row,) = [line for line in said.splitlines() if line.startswith("• ")]

    assert "on 1,500 of 2,000 devices, first 2026-03-09" == row.split(" · ")[-1]
    assert 5 == len(row.split(" · "))


def test_a_hunt_that_asks_for_none_says_nothing_of_it() -> None:
    """Nor does one whose rows have no value there."""
    for prevalence in (None, FLEET):
        said = text(content(found(group(""), prevalence=prevalence, rows=9)))
        assert "fleet" not in said
        assert "1 of 9 rows shown, the rarest first" in said


def run(outcome: Outcome) -> Run:
    """Return a run that is done."""
    plan = Plan("1", "t", "https://security.microsoft.com/incident2/1", content().chosen)
    return Run(
        Work(RUN_ID, NOW, "digest"), plan, done=Done("completed", "1 hunt found something", NOW, (outcome,))
    )


def test_the_page_says_it() -> None:
    """Beside how often a row was seen, with the order below, and why where nothing was counted."""
    page = run_page(run(found(*ROWS)), HUNTS, Settings(), refresh=False)
    trouble = run_page(
        run(found(*ROWS[2:], prevalence=Prevalence("RemoteIP", uncounted="<i>busy"))), HUNTS, Settings(), refresh=False
    )  # fmt: skip

    assert 1 == page.count("on 1 of 2,000 devices, first 2026-03-09")
    assert "hits first, then the RemoteIP on the fewest devices in the window" in page
    assert "The prevalence of RemoteIP was not counted (‹i›busy)." in trouble
    assert "hits first, then the rarest" in trouble


def test_the_body_of_a_run_has_the_counts() -> None:
    """The column, the fleet, and each value once with its devices and first time; or why there are none."""
    (hunt,) = summary(run(found(ROWS[1], ROWS[0], ROWS[1], ROWS[2])), NOW, "https://x", mask=True)["hunts"]
    trouble = found(*ROWS[2:], prevalence=Prevalence("RemoteIP", uncounted="busy"))
    (other,) = summary(run(trouble), NOW, "https://x", mask=True)["hunts"]

    assert {
        "column": "RemoteIP",
        "fleet": 2_000,
        "values": [
            {"value": "198.51.100.1", "devices": 1, "first": FIRST},
            {"value": "198.51.100.2", "devices": 1_500, "first": "2026-03-08T12:00:00Z"},
        ],
    } == hunt["prevalence"]
    assert {"column": "RemoteIP", "uncounted": "busy", "values": []} == other["prevalence"]
    (without,) = summary(run(found(*ROWS, prevalence=None)), NOW, "https://x", mask=True)["hunts"]
    assert "prevalence" not in without
