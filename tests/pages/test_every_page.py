"""What holds for every page in a browser, whatever is on it: a run's, a sweep's, all hunts', the tenant's."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.support.browser import WIDTHS, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

#: Hostile texts that every page shows unchanged: without markup or a link, and short enough for any place.
PLAIN = ("{{ 7*7 }}{% raw %}", "&lt;b&gt;")
PAGES = {
    "report": "/api/runs/done/report",
    "waiting": "/api/runs/waiting/report",
    "incidents": "/",
    "incident": "/incidents/4101",
    "sweep": "/api/sweeps/done",
    "waiting sweep": "/api/sweeps/waiting",
    "empty sweep": "/api/sweeps/empty",
    "hunts": "/api/hunts",
}
EVERY_PAGE = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
EACH_STYLE = pytest.mark.parametrize("path", [PAGES["report"], PAGES["incident"]], ids=("report", "incident"))
FULL = [PAGES[name] for name in ("report", "incident", "sweep", "hunts")]


@EVERY_PAGE
async def test_a_page_loads_and_runs_nothing_but_itself(browser: Browser, address: str, path: str) -> None:
    """It has no active element, reports no error, never violates its policy, and links only to the web."""
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
async def test_hostile_text_can_still_be_read(browser: Browser, address: str, path: str) -> None:
    """What an attacker wrote is there, character for character where it does no harm."""
    async with visit(browser, address + path) as visited:
        shown = await visited.page.inner_text("main")

        assert [] == [text for text in PLAIN if text not in shown]
        assert "alert(1)" in shown
        assert "exe.cod" in shown


@EVERY_PAGE
async def test_a_page_is_never_wider_than_the_window(browser: Browser, address: str, path: str) -> None:
    """Nothing on it makes it scroll sideways, at any width, with its details closed or open."""
    wider = []
    async with visit(browser, address + path) as visited:
        for opened in (False, True):
            if opened:
                await visited.open_details()
            for width in WIDTHS:
                await visited.page.set_viewport_size({"width": width, "height": 900})
                needed = await visited.page.evaluate("document.documentElement.scrollWidth")
                wider += [(width, opened, needed)] if needed != width else []

    assert [] == wider


@EVERY_PAGE
async def test_a_page_has_a_title_and_ordered_headings(browser: Browser, address: str, path: str) -> None:
    """It has one heading of the first level, at the top, and leaves out no level below it."""
    async with visit(browser, address + path) as visited:
        levels = await visited.page.eval_on_selector_all(
            "h1, h2, h3, h4", "all => all.map(h => +h.tagName[1])"
        )

        assert "Outrider" in await visited.page.title()
        assert (1, 1) == (levels[0], levels.count(1))
        assert all(after - before <= 1 for before, after in pairwise(levels))


@EVERY_PAGE
async def test_axe_finds_no_serious_accessibility_fault(browser: Browser, address: str, path: str) -> None:
    """With all details open, in light and dark, it reports nothing serious or critical, contrast included."""
    # The page of a run that is not done reloads itself, which interrupts nobody: it has no input.
    options = {"resultTypes": ["violations"], "rules": {"meta-refresh": {"enabled": False}}}
    faults = []
    async with visit(browser, address + path) as visited:
        await visited.open_details()
        for width, scheme in zip(WIDTHS, ("light", "dark"), strict=False):
            await visited.page.set_viewport_size({"width": width, "height": 900})
            await visited.page.emulate_media(color_scheme=scheme)
            result = await Axe().run(visited.page, options=options)
            faults += [
                (scheme, fault["id"], fault["nodes"][0]["html"][:200])
                for fault in result.response["violations"]
                if fault["impact"] in ("serious", "critical")
            ]

    assert [] == faults


@EACH_STYLE
async def test_a_page_follows_the_readers_colour_scheme(browser: Browser, address: str, path: str) -> None:
    """Its background is light or dark as the reader's system is."""
    colours = set()
    for dark in (False, True):
        async with visit(browser, address + path, dark=dark) as visited:
            colours.add(await visited.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert 2 == len(colours)


@EACH_STYLE
async def test_markup_injected_into_a_page_can_do_nothing(browser: Browser, address: str, path: str) -> None:
    """The page's policy stops injected images, styles, event handlers, scripts and requests."""
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
