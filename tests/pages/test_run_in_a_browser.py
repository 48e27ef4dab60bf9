"""What a browser makes of a run's page."""

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
async def test_one_line(browser: Browser, address: str, width: int) -> None:
    """An address, a port, a hash or a time is never broken."""
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
async def test_long_wraps(browser: Browser, address: str, width: int) -> None:
    """A long command line, even one without a space, wraps and is narrower than the window."""
    async with visit(browser, address + PAGE, width=width) as visited:
        boxes = await visited.page.eval_on_selector_all("td.long", "all => all.map(td => td.offsetWidth)")

        assert boxes
        assert max(boxes) < width


async def test_verdict_first(browser: Browser, address: str) -> None:
    """The verdict is the first heading, then how every hunt ended, what was found first; then the findings."""
    async with visit(browser, address + PAGE) as visited:
        headings = await visited.page.locator("h1, h2").all_inner_texts()
        tags = await visited.page.locator("section table").nth(0).locator(".tag").all_inner_texts()

        assert "1 of 5 hunts found something on ‹script›alert(1)‹/script›" == headings[0]
        assert ["Could not be done", "Hunts", f"{HUNT} more than 136 rows"] == headings[1:4]
        assert ["found", "not run", "no telemetry", "nothing found", "not applicable"] == tags


async def test_print(browser: Browser, address: str) -> None:
    """Printed on A4, the report is dark on white, and nothing is cut off at the right."""
    async with visit(browser, address + PAGE, width=718, dark=True) as visited:
        await visited.page.emulate_media(media="print")
        wide = await visited.page.evaluate("document.documentElement.scrollWidth")
        colour = await visited.page.evaluate("getComputedStyle(document.body).color")
        paper = await visited.page.pdf(format="A4")

        assert 718 == wide
        assert "rgb(22, 25, 29)" == colour
        assert paper.startswith(b"%PDF-")
