"""How a browser shows a run's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HUNT, WIDTHS, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGE = "/api/runs/done/report"
SHORT = (
    "203.0.113[.]9",
    "2001[:]db8:1111:2222:3333:4444:5555:6666",
    "65535",
    "3" * 40,
    "2026-03-09 02:14:05",
)
EVERY_WIDTH = pytest.mark.parametrize("width", WIDTHS)


@EVERY_WIDTH
async def test_addresses_ports_hashes_and_times_never_wrap(
    browser: Browser, address: str, width: int
) -> None:
    """Each of them stands on one line of its table cell, at any width of the window."""
    async with visit(browser, address + PAGE, width=width) as visited:
        lines = await visited.page.evaluate(
            """texts => texts.map(text => {
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = new Range();
                while (walker.nextNode()) {
                    const node = walker.currentNode, at = node.data.indexOf(text);
                    if (at < 0 || !node.parentElement.closest("td")) continue;
                    range.setStart(node, at);
                    range.setEnd(node, at + text.length);
                    return range.getClientRects().length;
                }
            })""",
            SHORT,
        )

        assert [1] * len(SHORT) == lines


@EVERY_WIDTH
async def test_a_long_command_line_wraps_within_the_window(
    browser: Browser, address: str, width: int
) -> None:
    """Its cell is narrower than the window, even where the command has no space to break at."""
    async with visit(browser, address + PAGE, width=width) as visited:
        boxes = await visited.page.eval_on_selector_all("td.long", "all => all.map(td => td.offsetWidth)")

        assert boxes
        assert max(boxes) < width


async def test_on_a_phone_no_cell_has_to_be_scrolled_to(browser: Browser, address: str) -> None:
    """A row's cells stand below each other, each within the window and under the name of its column."""
    async with visit(browser, address + PAGE, width=WIDTHS[1]) as visited:
        section = visited.page.locator("section.found").first
        right = await visited.page.eval_on_selector_all(
            "tbody :is(td, th)", "all => Math.max(...all.map(cell => cell.getBoundingClientRect().right))"
        )
        names = (
            await section.locator("tbody tr")
            .first.locator("td")
            .evaluate_all("all => all.map(cell => getComputedStyle(cell, '::before').content.slice(1, -1))")
        )
        heads = await section.locator("thead th").all_text_contents()

        assert right <= WIDTHS[1]
        assert heads == names


async def test_a_column_without_a_value_is_named_below_the_rows(browser: Browser, address: str) -> None:
    """It takes no place in the table, and a reader knows that it was looked at."""
    async with visit(browser, address + PAGE) as visited:
        section = visited.page.locator("section.found").first

        assert "SHA256" not in await section.locator("thead th").all_text_contents()
        assert "Empty in all rows shown: SHA256" in await section.inner_text()


async def test_the_verdict_comes_first_and_findings_last(browser: Browser, address: str) -> None:
    """In between stand what could not be done, and how every hunt ended, those that found something first."""
    async with visit(browser, address + PAGE) as visited:
        headings = await visited.page.locator("h1, h2").all_inner_texts()
        tags = await visited.page.locator("section table").nth(0).locator(".tag").all_inner_texts()

        assert "Found on ‹script›alert(1)‹/script›: archive-then-upload (over 136)" == headings[0]
        assert ["Could not be done", "Hunts", f"{HUNT} more than 136 rows", "baseline 136 rows"] == headings[
            1:5
        ]
        assert ["found", "hit", "not run", "no telemetry", "nothing found", "not applicable"] == tags


async def test_hits_spread_and_context_are_told_apart(browser: Browser, address: str) -> None:
    """Hits are tagged, context is called so, and devices outside the incident stand above the rows."""
    async with visit(browser, address + PAGE) as visited:
        sections = visited.page.locator("section.found")
        tags = await sections.locator("tbody .tag").all_inner_texts()
        kinds = await sections.locator("h2 + p").all_inner_texts()
        spread = await sections.locator("strong").all_inner_texts()

    assert ["hit"] * 8 == tags
    assert ["medium severity", "Context, 4 hits in it"] == [kind.split(" · ")[0] for kind in kinds]
    assert 2 == len(spread)
    assert all(text.startswith('Also on "‹script›alert(1)‹/script›') for text in spread)
    assert all(text.endswith(" and 7 more devices, outside the incident") for text in spread)


async def test_a_printed_run_is_dark_on_white_and_complete(browser: Browser, address: str) -> None:
    """On A4 nothing is cut off at the right, and a reader's dark colours are not printed."""
    async with visit(browser, address + PAGE, width=718, dark=True) as visited:
        await visited.page.emulate_media(media="print")
        wide = await visited.page.evaluate("document.documentElement.scrollWidth")
        colour = await visited.page.evaluate("getComputedStyle(document.body).color")
        paper = await visited.page.pdf(format="A4")

        assert 718 == wide
        assert "rgb(22, 25, 29)" == colour
        assert paper.startswith(b"%PDF-")
