"""What holds of every page in a browser, whatever stands on it: a run's, a sweep's, the tenant's."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.support.browser import WIDTHS, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

#: What of it is shown as it came: no markup to replace, no link to break, short enough for any place.
PLAIN = ("{{ 7*7 }}{% raw %}", "&lt;b&gt;")
PAGES = {
    "report": "/api/runs/done/report",
    "waiting": "/api/runs/waiting/report",
    "incidents": "/",
    "incident": "/incidents/4101",
    "sweep": "/api/sweeps/done",
    "waiting sweep": "/api/sweeps/waiting",
    "empty sweep": "/api/sweeps/empty",
}
EVERY_PAGE = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
EVERY_WIDTH = pytest.mark.parametrize("width", WIDTHS)
EACH_STYLE = pytest.mark.parametrize("path", [PAGES["report"], PAGES["incident"]], ids=("report", "incident"))
FULL = [PAGES[name] for name in ("report", "incident", "sweep")]


@EVERY_PAGE
async def test_inert(browser: Browser, address: str, path: str) -> None:
    """A page asks for nothing but itself, runs nothing and reports nothing, and its policy is never violated."""
    async with visit(browser, address + path) as visited:
        await visited.page.wait_for_timeout(100)
        active = await visited.page.locator(
            "script, img, iframe, form, object, [onerror], main style"
        ).count()
        links = await visited.page.eval_on_selector_all("a", "all => all.map(a => a.protocol)")

        assert [address + path] == visited.requests
        assert [] == visited.wrongs
        assert 0 == active
        assert set(links) <= {"http:", "https:"}


@pytest.mark.parametrize("path", FULL)
async def test_text(browser: Browser, address: str, path: str) -> None:
    """What an attacker wrote is there to be read, character for character where it does no harm."""
    async with visit(browser, address + path) as visited:
        shown = await visited.page.inner_text("main")

        assert [] == [text for text in PLAIN if text not in shown]
        assert "alert(1)" in shown
        assert "exe.cod" in shown


@EVERY_PAGE
@EVERY_WIDTH
@pytest.mark.parametrize("opened", [False, True], ids=("closed", "open"))
async def test_width(browser: Browser, address: str, path: str, width: int, opened: bool) -> None:
    """A page is as wide as the window, whatever stands on it and whatever is opened."""
    async with visit(browser, address + path, width=width) as visited:
        if opened:
            for each in await visited.page.locator("summary").all():
                await each.click()

        assert width == await visited.page.evaluate("document.documentElement.scrollWidth")


@EVERY_PAGE
async def test_headings(browser: Browser, address: str, path: str) -> None:
    """A page has a title, one first heading, and no level of headings left out."""
    async with visit(browser, address + path) as visited:
        levels = await visited.page.eval_on_selector_all(
            "h1, h2, h3, h4", "all => all.map(h => +h.tagName[1])"
        )

        assert "Outrider" in await visited.page.title()
        assert (1, 1) == (levels[0], levels.count(1))
        assert all(after - before <= 1 for before, after in pairwise(levels))


@EVERY_PAGE
@pytest.mark.parametrize(("width", "dark"), [(WIDTHS[0], False), (WIDTHS[1], True)], ids=("light", "dark"))
async def test_accessible(browser: Browser, address: str, path: str, width: int, dark: bool) -> None:
    """Axe finds no serious or critical fault with all that folds open, contrast included, in either colour scheme."""
    # A page that is not done yet loads itself again; nobody can be interrupted in it.
    options = {"resultTypes": ["violations"], "rules": {"meta-refresh": {"enabled": False}}}
    async with visit(browser, address + path, width=width, dark=dark) as visited:
        for each in await visited.page.locator("summary").all():
            await each.click()
        result = await Axe().run(visited.page, options=options)
        faults = [
            (fault["id"], fault["nodes"][0]["html"][:200])
            for fault in result.response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

        assert [] == faults


@EACH_STYLE
async def test_schemes(browser: Browser, address: str, path: str) -> None:
    """A page is light or dark as the reader's system is."""
    colours = set()
    for dark in (False, True):
        async with visit(browser, address + path, dark=dark) as visited:
            colours.add(await visited.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert 2 == len(colours)


@EACH_STYLE
async def test_policy(browser: Browser, address: str, path: str) -> None:
    """Even markup that got into a page could load, style and run nothing."""
    async with visit(browser, address + path) as visited:
        loaded = list(visited.answered)
        await visited.page.evaluate(
            """async () => {
                const body = document.body;
                body.insertAdjacentHTML("beforeend", "<img src=/x><b style='color:red' onclick='document.title = 1'>b</b>");
                body.append(Object.assign(document.createElement("script"), {textContent: "document.title = 1"}));
                body.querySelector("body > b").click();
                await fetch("/y").catch(() => 0);
            }"""
        )

        assert loaded == visited.answered
        assert "1" != await visited.page.title()
        assert {"error"} == {wrong.split()[0] for wrong in visited.wrongs}
        assert "rgb(255, 0, 0)" != await visited.page.evaluate(
            "getComputedStyle(document.querySelector('body > b')).color"
        )
