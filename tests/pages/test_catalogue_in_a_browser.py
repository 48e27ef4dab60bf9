"""How a browser shows the page of all hunts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import WIDTHS, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGE = "/api/hunts"


async def shown(page: Page) -> tuple[list[str], str]:
    """Return the names of the hunts that can be seen, and what the page says of their number."""
    names = await page.eval_on_selector_all(
        ".hunt", "all => all.filter(each => each.offsetParent).map(each => each.id.slice(5))"
    )
    count = await page.evaluate("getComputedStyle(document.querySelector('.shown'), '::before').content")
    return names, count


async def test_choices_narrow_the_hunts_without_a_script(browser: Browser, address: str) -> None:
    """Each does, several together do, and a link to a hunt shows it in any case."""
    async with visit(browser, address + PAGE) as visited:
        page = visited.page
        everything, _ = await shown(page)
        await page.get_by_label("URLs").check()
        urls, _ = await shown(page)
        await page.get_by_label("Execution").check()
        neither, _ = await shown(page)
        await page.evaluate("location.hash = '#hunt-made-3'")
        linked, _ = await shown(page)
        loaded = list(visited.requests)

    assert {"harmless", "made-0", "made-3"} <= set(everything)
    assert (["harmless"], [], ["made-3"]) == (urls, neither, linked)
    assert [address + PAGE] == loaded[:1]
    assert all("#" in each for each in loaded[1:])


@pytest.mark.parametrize("width", WIDTHS)
async def test_what_a_hunt_says_is_within_the_window(browser: Browser, address: str, width: int) -> None:
    """Its facts and its query, also where a word has 3,000 letters; on a phone so is the matrix."""
    async with visit(browser, address + PAGE, width=width) as visited:
        await visited.open_details()
        parts = ".hunt :is(h3, p, dd, pre, li)" + (", .matrix li" if width == WIDTHS[1] else "")
        right = await visited.page.eval_on_selector_all(
            parts, "all => Math.max(...all.map(each => each.getBoundingClientRect().right))"
        )

    assert 0 < right <= width
