"""How a browser shows a sweep's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import WIDTHS, visit
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGE = "/api/sweeps/done"
EVERY_WIDTH = pytest.mark.parametrize("width", WIDTHS)


@EVERY_WIDTH
async def test_the_important_columns_need_no_scrolling(browser: Browser, address: str, width: int) -> None:
    """The first three cells of a row are within the window at any width, and so is its command line."""
    async with visit(browser, address + PAGE, width=width) as visited:
        section = visited.page.locator("section.found", has_text=f"New: {SERVERS}")
        cells = section.locator("tbody tr").first.locator("th, td")
        boxes = [await cells.nth(n).bounding_box() for n in range(3)]
        command = await section.locator("td.below dd").first.bounding_box()

        assert command
        assert all(box and box["x"] + box["width"] <= width for box in boxes)
        assert command["x"] + command["width"] <= width


async def test_the_verdict_comes_first_and_the_fleet_last(browser: Browser, address: str) -> None:
    """In between stand each hunt's coverage, what was not looked at, and what is new."""
    async with visit(browser, address + PAGE) as visited:
        headings = await visited.page.locator("h1, h2").all_inner_texts()

        assert headings[0].startswith("Sweep of 6 hunts on ‹script›")
        assert [ARCHIVES, SERVERS, "gone-0", "gone-1", "gone-2", DESKTOPS] == headings[1:7]
        assert ["Not looked at", f"New: {ARCHIVES} 15 rows", f"New: {SERVERS} 40 rows"] == headings[7:10]
        assert [f"The fleet: {hunt}" for hunt in (ARCHIVES, SERVERS, DESKTOPS)] == headings[10:13]


async def test_the_bars_of_the_plot_stand_above_their_days(browser: Browser, address: str) -> None:
    """They stand on one line, within their days' columns, as high as the days have new destinations."""
    async with visit(browser, address + PAGE, width=WIDTHS[1]) as visited:
        plot = visited.page.locator(".plot").first
        bars = [await each.bounding_box() for each in await plot.locator("rect:not(.known)").all()]
        days = [await each.bounding_box() for each in await plot.locator("th[scope=col]").all()]

        assert 7 == len(bars) == len(days)
        assert bars[0]
        assert bars[-1]
        # On the first day 90 destinations were new, on the last 30.
        assert bars[0]["height"] == pytest.approx(3 * bars[-1]["height"], rel=0.1)
        assert 1 == len({round(bar["y"] + bar["height"]) for bar in bars if bar})
        assert all(
            bar["x"] >= day["x"] and bar["x"] + bar["width"] <= day["x"] + day["width"]
            for bar, day in zip(bars, days, strict=True)
            if bar and day
        )


async def test_a_printed_sweep_is_complete_and_unfolded(browser: Browser, address: str) -> None:
    """On A4 it is dark on white, nothing is cut off at the right, and folded tables are shown."""
    async with visit(browser, address + PAGE, width=718, dark=True) as visited:
        folded = visited.page.locator("details table").first
        closed = await folded.is_visible()
        await visited.page.emulate_media(media="print")

        assert 718 == await visited.page.evaluate("document.documentElement.scrollWidth")
        assert "rgb(22, 25, 29)" == await visited.page.evaluate("getComputedStyle(document.body).color")
        assert (False, True) == (closed, await folded.is_visible())
        assert (await visited.page.pdf(format="A4")).startswith(b"%PDF-")
