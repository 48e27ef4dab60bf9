"""What a browser makes of a run's page and of the tenant's, whatever stands on them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from functions.runs import _PAGE
from sandbox.engine import Engine
from sandbox.intrusions import intrusions
from sandbox.tenant import create_app
from shared import report
from shared.settings import Settings
from tests.browser import HUNT, WIDTHS, chromium, ended, hurt, served, visit, waiting
from tests.said import HUNTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

#: What of it is shown as it came: no markup to replace, no link to break, short enough for any place.
PLAIN = ("{{ 7*7 }}{% raw %}", "&lt;b&gt;")
SHORT = (
    "203.0.113[.]9",
    "2001[:]db8:1111:2222:3333:4444:5555:6666",
    "65535",
    "3" * 40,
    "2026-03-09 02:14:05",
)
PAGES = ("/api/runs/done/report", "/api/runs/waiting/report", "/", "/incidents/4101")
EVERY_PAGE = pytest.mark.parametrize("path", PAGES, ids=("report", "waiting", "incidents", "incident"))
EVERY_WIDTH = pytest.mark.parametrize("width", WIDTHS)
EACH_STYLE = pytest.mark.parametrize("path", [PAGES[0], PAGES[3]], ids=("report", "incident"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    """Where the pages are, with the headers that they have in Azure."""
    runs = {"done": ended(), "waiting": waiting()}

    async def show(request: Any) -> HTMLResponse:
        """Answer as GetReport does."""
        run = runs[request.path_params["name"]]
        page = report.page(run, HUNTS, Settings(), refresh=not run.done)
        return HTMLResponse(page, headers=_PAGE)

    tenant = create_app(Engine(), intrusions(datetime.now(UTC)))
    hurt(tenant.state.tenant)
    routes = [Route("/api/runs/{name}/report", show), Mount("/", tenant)]
    async with served(Starlette(routes=routes)) as where:
        yield where


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


@EACH_STYLE
async def test_text(browser: Browser, address: str, path: str) -> None:
    """What an attacker wrote is there to be read, character for character where it does no harm."""
    async with visit(browser, address + path) as visited:
        shown = await visited.page.inner_text("main")

        assert [] == [text for text in PLAIN if text not in shown]
        assert "alert(1)" in shown
        assert "exe.cod" in shown


@EVERY_PAGE
@EVERY_WIDTH
async def test_width(browser: Browser, address: str, path: str, width: int) -> None:
    """A page is as wide as the window, whatever stands on it: what is wider scrolls in a box of its own."""
    async with visit(browser, address + path, width=width) as visited:
        assert width == await visited.page.evaluate("document.documentElement.scrollWidth")


@EVERY_WIDTH
async def test_one_line(browser: Browser, address: str, width: int) -> None:
    """An address, a port, a hash or a time is never broken."""
    async with visit(browser, address + PAGES[0], width=width) as visited:
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
    async with visit(browser, address + PAGES[0], width=width) as visited:
        boxes = await visited.page.eval_on_selector_all("td.long", "all => all.map(td => td.offsetWidth)")

        assert boxes
        assert max(boxes) < width


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


async def test_verdict_first(browser: Browser, address: str) -> None:
    """The verdict is the first heading, then how every hunt ended, what was found first; then the findings."""
    async with visit(browser, address + PAGES[0]) as visited:
        headings = await visited.page.locator("h1, h2").all_inner_texts()
        tags = await visited.page.locator("section table").nth(0).locator(".tag").all_inner_texts()

        assert "1 of 5 hunts found something on ‹script›alert(1)‹/script›" == headings[0]
        assert ["Could not be done", "Hunts", f"{HUNT} more than 136 rows"] == headings[1:4]
        assert ["found", "not run", "no telemetry", "nothing found", "not applicable"] == tags


@EVERY_PAGE
@pytest.mark.parametrize(("width", "dark"), [(WIDTHS[0], False), (WIDTHS[1], True)], ids=("light", "dark"))
async def test_accessible(browser: Browser, address: str, path: str, width: int, dark: bool) -> None:
    """Axe finds no serious or critical fault, contrast included, in either colour scheme."""
    # A page that is not done yet loads itself again; nobody can be interrupted in it.
    options = {"resultTypes": ["violations"], "rules": {"meta-refresh": {"enabled": False}}}
    async with visit(browser, address + path, width=width, dark=dark) as visited:
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


async def test_print(browser: Browser, address: str) -> None:
    """Printed on A4, the report is dark on white, and nothing is cut off at the right."""
    async with visit(browser, address + PAGES[0], width=718, dark=True) as visited:
        await visited.page.emulate_media(media="print")
        wide = await visited.page.evaluate("document.documentElement.scrollWidth")
        colour = await visited.page.evaluate("getComputedStyle(document.body).color")
        paper = await visited.page.pdf(format="A4")

        assert 718 == wide
        assert "rgb(22, 25, 29)" == colour
        assert paper.startswith(b"%PDF-")


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
