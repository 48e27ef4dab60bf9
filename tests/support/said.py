"""Outcomes to write comments about, and a parser of the HTML that is written."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import get_args

from shared.comment.content import Content
from shared.model.entity import Chosen, Device
from shared.model.finding import Found, Group
from shared.model.outcome import DeviceEnding, Ending, Outcome, Window

from .hunt_files import six_hunts

RUN_ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = Window(NOW.replace(day=9), NOW)
DEVICE = Device("a" * 40, "web01.contoso.com")
SHOWN = ("DeviceName", "ProcessCommandLine", "RemoteUrl", "RemotePort")
ENDINGS: tuple[Ending, ...] = get_args(Ending)
HUNTS = six_hunts()


def outcome(
    ending: Ending, *, hunt: str = "archive-then-upload", values: tuple[str, ...] = ("x",), reason: str = "", device: str = "web01",
    groups: int = 1, devices: int = 1,
) -> Outcome:  # fmt: skip
    """
    Return a hunt's outcome whose free texts all come from *values*, *reason* and *device*.

    If *ending* is `found`, it has *groups* groups of equal rows; the n-th stands for n rows, and its cells
    repeat *values*. *devices* is how many devices have an ending in it.
    """
    times = "2026-03-09T02:14:05Z", "2026-03-09T02:15:00Z"
    found = Found(hunt)
    if ending == "found":
        cells = (values * 3)[:3]
        kept = tuple(Group((*cells, f"port-{n}"), n + 1, *times) for n in range(groups))
        found = Found(
            hunt, rows=sum(group.count for group in kept), shown=SHOWN, groups=kept, digest=str(groups)
        )
    each = tuple(DeviceEnding(device + str(n or ""), ending, reason) for n in range(devices))
    return Outcome(hunt, "A title", ending, reason, WINDOW, each, found, "id", "1.0.0")


def content(*outcomes: Outcome, devices: tuple[Device, ...] = (DEVICE,), **fields: object) -> Content:
    """Return the content of a comment about *outcomes*; *fields* are further fields of `Content`."""
    return Content(RUN_ID, Chosen(devices), outcomes, HUNTS.by_name, **fields)


class Tags(HTMLParser):
    """
    The elements of an HTML *page*.

    `tags` has the name of each and the names of its attributes, `links` the values of `href`, `src` and
    `action`, and `open` the elements, except `br`, that are never closed.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element that begins."""
        if tag != "br":
            self.open.append(tag)
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last, if its name is *tag*; ignore any other end tag."""
        if self.open and self.open[-1] == tag:
            self.open.pop()
