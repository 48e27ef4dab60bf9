"""What a browser makes of a sweep's page, whatever stands on it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from functions.runs import _PAGE
from shared import sweep_report
from shared.outcomes import Outcome
from shared.records import CommentResult, Plan, Wait
from shared.runs import Run
from shared.settings import Settings
from shared.sweep_summary import Destination, Lost, Process
from tests.browser import HOSTILE, WIDTHS, chromium, served, visit
from tests.said import HUNTS, NOW
from tests.sweeping import ARCHIVES, DESKTOPS, SERVERS
from tests.test_sweep_report import QUARTERS, TIME, row, summary, swept, work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PLAIN = ("{{ 7*7 }}{% raw %}", "&lt;b&gt;")
EVERY_PAGE = pytest.mark.parametrize("name", ["done", "waiting", "empty"])
EVERY_WIDTH = pytest.mark.parametrize("width", WIDTHS)


def pages() -> dict[str, str]:
    """A sweep that is done, on whose page an attacker chose every text; one that waits; one with nothing at all."""
    full = replace(
        summary(ARCHIVES, lost=tuple(Lost(f"{n:02x}-{n:02x}", 1 / 256, text) for n, text in enumerate(HOSTILE))),
        ranked=tuple(row(text, text or "curl") for text in HOSTILE),
        processes=tuple(Process(text, 1_000_000, 80_000, 70_000) for text in HOSTILE),
        rarest=tuple(Destination(text, 3, 2, TIME, TIME, HOSTILE, HOSTILE[:3], new=True) for text in HOSTILE),
        new_rows=len(HOSTILE),
    )  # fmt: skip
    run, hunts = swept(full, summary(SERVERS, rows=40), summary(DESKTOPS, rows=0), parts=QUARTERS)
    assert run.done
    others = tuple(Outcome(f"gone-{n}", "gone", "notRun", text) for n, text in enumerate(HOSTILE[:3]))
    done = replace(
        run.done, outcomes=(*run.done.outcomes, *others), comments=(CommentResult("4101", "failed", HOSTILE[1]),),
        verdict=f"sweep of 6 hunts on {HOSTILE[0]}", notes=HOSTILE,
    )  # fmt: skip
    wait = Wait(HOSTILE[1], NOW + timedelta(minutes=5))
    hunt = {"hunt": SERVERS, "partsDone": 3, "partsPlanned": 4, "rows": 123_456}
    progress = {"partsDone": 3, "partsPlanned": 4, "hunts": [hunt]}
    return {
        "done": sweep_report.render(replace(run, done=done), hunts, HUNTS, Settings()),
        "waiting": sweep_report.render(Run(work(), Plan(), wait=wait), {}, HUNTS, Settings(), progress),
        "empty": sweep_report.render(
            replace(run, done=replace(run.done, outcomes=())), {}, HUNTS, Settings()
        ),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    """Where the pages are, with the headers that they have in Azure."""
    content = pages()

    async def show(request: Any) -> HTMLResponse:
        """Answer as GetReport does."""
        return HTMLResponse(content[request.path_params["name"]], headers=_PAGE)

    async with served(Starlette(routes=[Route("/{name}", show)])) as where:
        yield f"{where}/"


@EVERY_PAGE
async def test_inert(browser: Browser, address: str, name: str) -> None:
    """A page asks for nothing but itself, runs nothing and reports nothing, and its policy is never violated."""
    async with visit(browser, address + name) as visited:
        await visited.page.wait_for_timeout(100)
        active = await visited.page.locator(
            "script, img, iframe, form, object, [onerror], main style"
        ).count()
        links = await visited.page.eval_on_selector_all("a", "all => all.map(a => a.protocol)")

        assert [address + name] == visited.requests
        assert [] == visited.wrongs
        assert 0 == active
        assert set(links) <= {"http:", "https:"}


async def test_text(browser: Browser, address: str) -> None:
    """What an attacker wrote is there to be read, character for character where it does no harm."""
    async with visit(browser, f"{address}done") as visited:
        shown = await visited.page.inner_text("main")

        assert [] == [text for text in PLAIN if text not in shown]
        assert "alert(1)" in shown
        assert "exe.cod" in shown


@EVERY_PAGE
@EVERY_WIDTH
@pytest.mark.parametrize("opened", [False, True], ids=("closed", "open"))
async def test_width(browser: Browser, address: str, name: str, width: int, opened: bool) -> None:
    """A page is as wide as the window, whatever stands on it and whatever is opened."""
    async with visit(browser, address + name, width=width) as visited:
        if opened:
            for each in await visited.page.locator("summary").all():
                await each.click()

        assert width == await visited.page.evaluate("document.documentElement.scrollWidth")


@EVERY_WIDTH
async def test_readable(browser: Browser, address: str, width: int) -> None:
    """Device, process, destination, port and how many talk to it are seen without scrolling; a command wraps."""
    async with visit(browser, f"{address}done", width=width) as visited:
        section = visited.page.locator("section.found", has_text=f"New: {SERVERS}")
        cells = section.locator("tbody tr").first.locator("th, td")
        boxes = [await cells.nth(n).bounding_box() for n in range(3)]
        command = await section.locator("td.below dd").first.bounding_box()

        assert command
        assert all(box and box["x"] + box["width"] <= width for box in boxes)
        assert command["x"] + command["width"] <= width


@EVERY_PAGE
async def test_headings(browser: Browser, address: str, name: str) -> None:
    """A page has a title, one first heading, and no level of headings left out."""
    async with visit(browser, address + name) as visited:
        levels = await visited.page.eval_on_selector_all(
            "h1, h2, h3, h4", "all => all.map(h => +h.tagName[1])"
        )

        assert "Outrider" in await visited.page.title()
        assert (1, 1) == (levels[0], levels.count(1))
        assert all(after - before <= 1 for before, after in pairwise(levels))


async def test_new_first(browser: Browser, address: str) -> None:
    """The verdict comes first, then each hunt's coverage, what was not looked at, what is new, and last the fleet."""
    async with visit(browser, f"{address}done") as visited:
        headings = await visited.page.locator("h1, h2").all_inner_texts()

        assert headings[0].startswith("Sweep of 6 hunts on ‹script›")
        assert [ARCHIVES, SERVERS, "gone-0", "gone-1", "gone-2", DESKTOPS] == headings[1:7]
        assert ["Not looked at", f"New: {ARCHIVES} 15 rows", f"New: {SERVERS} 40 rows"] == headings[7:10]
        assert [f"The fleet: {hunt}" for hunt in (ARCHIVES, SERVERS, DESKTOPS)] == headings[10:13]


async def test_plot(browser: Browser, address: str) -> None:
    """The plot's bars stand on one line, as high as they should be, and within their days' columns."""
    async with visit(browser, f"{address}done", width=WIDTHS[1]) as visited:
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


@EVERY_PAGE
@pytest.mark.parametrize(("width", "dark"), [(WIDTHS[0], False), (WIDTHS[1], True)], ids=("light", "dark"))
async def test_accessible(browser: Browser, address: str, name: str, width: int, dark: bool) -> None:
    """Axe finds no serious or critical fault with all that folds open, contrast included, in either colour scheme."""
    # A page that is not done yet loads itself again; nobody can be interrupted in it.
    options = {"resultTypes": ["violations"], "rules": {"meta-refresh": {"enabled": False}}}
    async with visit(browser, address + name, width=width, dark=dark) as visited:
        for each in await visited.page.locator("summary").all():
            await each.click()
        result = await Axe().run(visited.page, options=options)
        faults = [
            (fault["id"], fault["nodes"][0]["html"][:200])
            for fault in result.response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

        assert [] == faults


async def test_print(browser: Browser, address: str) -> None:
    """Printed on A4, the page is dark on white, nothing is cut off at the right, and what is folded is there."""
    async with visit(browser, f"{address}done", width=718, dark=True) as visited:
        folded = visited.page.locator("details table").first
        closed = await folded.is_visible()
        await visited.page.emulate_media(media="print")

        assert 718 == await visited.page.evaluate("document.documentElement.scrollWidth")
        assert "rgb(22, 25, 29)" == await visited.page.evaluate("getComputedStyle(document.body).color")
        assert (False, True) == (closed, await folded.is_visible())
        assert (await visited.page.pdf(format="A4")).startswith(b"%PDF-")
