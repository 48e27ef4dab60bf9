"""
Whole comments, to the letter, as text and as HTML, from all that fits to next to nothing.

`UPDATE_GOLDEN=1` writes them in `tests/comment/golden/` anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.comment.content import Content
from shared.comment.html import render_html
from shared.comment.text import render_text
from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.finding import Found, Group
from shared.model.outcome import DeviceEnding, Outcome, Window
from tests.support.said import DEVICE, HUNTS, NOW, RUN_ID, WINDOW, content, outcome

GOLDEN = Path(__file__).with_name("golden")
LATER = Window(NOW - timedelta(days=3), NOW, "the 2 oldest days of 5; token=hunter2")
HUNT = replace(
    HUNTS.by_name["archive-then-upload"],
    means="Files were packed,\n  then sent.",
    next_steps=("Ask the\nowner.", "Isolate <it>."),
    false_positives=("A backup  job", "A release"),
)


def found(name: str, shown: tuple[str, ...], groups: tuple[Group, ...], **fields: bool) -> Found:
    """Return what a hunt found, which is all of *groups*."""
    return Found(
        name, rows=sum(group.count for group in groups), shown=shown, groups=groups, digest=name, **fields
    )


#: Rows within a day, over midnight, at one time and without a time.
TIMES = (
    ("2026-03-09T02:14:05Z", "2026-03-09T02:15:00Z"), ("2026-03-09T23:14:05Z", "2026-03-10T00:15:00Z"),
    ("2026-03-09T02:14:05Z", "2026-03-09T02:14:05.5Z"), ("", ""),
)  # fmt: skip
MANY = tuple(Group(("web01", f"<{n}>", ""), n + 600, *TIMES[n % 4]) for n in range(14))
LONG = (
    Group(("web01", "x" * 49, "y"), 1, *TIMES[0]),
    Group(("web02 & co", "tool --password hunter2", ""), 2, *TIMES[1]),
)
SHORT = (Group(("web01", "x" * 48, "y"), 1, *TIMES[0]), Group(("web01", "tool -a", "z"), 2, *TIMES[1]))


def on(*endings: tuple[str, str, str]) -> tuple[DeviceEnding, ...]:
    """Return how a hunt ended on its devices: for each its name, the ending and the reason."""
    return tuple(DeviceEnding(name, ending, reason) for name, ending, reason in endings)  # type: ignore[arg-type]


COLUMNS = ("DeviceName", "Command token=x", "Url")
EVERYTHING = Content(
    RUN_ID,
    Chosen((DEVICE, Device("b" * 40)), (Indicator("ip", "203.0.113.9"),), (
        Dropped("ip", "10.0.0.1", "private"), Dropped("ip", "10.0.0.2", "private"), Dropped("url", "x", "verdict clean"))),
    (
        Outcome("many-rows", "A title", "found", "2 rows name none of these; token=hunter2", WINDOW,
                on(("web01", "found", ""), ("web02", "found", ""), ("web03", "notRun", "cut off; token=hunter2"), ("web04", "noTelemetry", "")),
                found("many-rows", COLUMNS, MANY, more=True), "1", "1.0.0"),
        Outcome(HUNT.name, HUNT.title, "found", "", LATER, on(("web 01", "found", ""), ("web02", "nothingFound", "")),
                found(HUNT.name, COLUMNS, LONG), "2", "1.0.0"),
        Outcome("a-tie", "A title", "found", "", WINDOW, on(("web01", "found", "")), found("a-tie", COLUMNS, SHORT), "3", "1.0.0"),
        Outcome("indicator", "A title", "found", "", WINDOW, (), found("indicator", ("Indicator", "DeviceName"),
                (Group(("203.0.113.9", "web01"), 1, *TIMES[0]),)), "4", "1.0.0"),
        Outcome("failed", "A title", "notRun", "Graph answered 400; token=hunter2", WINDOW, (), Found(""), "5", "1.0.0"),
        Outcome("elsewhere", "A title", "notApplicable", "only for macOS", WINDOW, (), Found(""), "6", "1.0.0"),
        Outcome("quiet", "A title", "nothingFound", "", WINDOW, on(
            ("web01", "nothingFound", ""), ("web02", "nothingFound", ""), ("web03", "noTelemetry", "no record"), ("web04", "notApplicable", "only for macOS"),
            ("web05", "noTelemetry", "no record")), Found(""), "7", "1.0.0"),
        Outcome("early", "A title", "nothingSoFar", "", None, on(("web01", "nothingSoFar", "")), Found(""), "8", "1.0.0"),
        Outcome("silent", "A title", "noTelemetry", "", LATER, (), Found(""), "9", "1.0.0"),
        Outcome("clean", "A title", "nothingFound", "", WINDOW, (), Found(""), "10", "1.0.0"),
        Outcome("soon", "A title", "nothingSoFar", "", WINDOW, (), Found(""), "11", "1.0.0"),
    ),
    {HUNT.name: HUNT},
    ({"DeviceId": "a" * 40, "DeviceName": "WEB01", "OSPlatform": "Linux <x>"}, {"DeviceId": "b" * 40, "DeviceName": "web02"}),
    ("2 devices are called web; token=hunter2",),
    "https://outrider.example/r?a=1&b=2",
    {"many-rows": "https://security.example/q?a=1&b=2"},
)  # fmt: skip
#: More rows, devices and lines than are ever shown, and exactly as many.
CROWD = content(
    *(outcome("found", hunt=f"hunt-{n}", values=("y" * 30, "😀"), groups=13) for n in range(2)),
    *(outcome("notRun", hunt=f"failed-{n}", reason="no role", devices=0) for n in range(22)),
    *(outcome("nothingFound", hunt=f"quiet-{n}") for n in range(20)),
    cards=tuple({"DeviceId": f"{n:040}", "DeviceName": f"web{n}"} for n in range(11)),
    notes=tuple(f"Note {n}." for n in range(24)),
    portal={"hunt-1": "https://security.example/1"},
)
CASES = {
    "everything": EVERYTHING,
    "nothing": content(),
    "one": content(outcome("nothingFound")),
    "failed": content(outcome("notRun")),
}
WAYS = pytest.mark.parametrize(("ending", "render"), [("txt", render_text), ("html", render_html)])


def reviewed(name: str, comment: str) -> str:
    """Return what stands in the file of this *name*, which is *comment* if it is written anew."""
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(f"{comment}\n", encoding="utf-8")
    return (GOLDEN / name).read_text(encoding="utf-8").removesuffix("\n")


@WAYS
@pytest.mark.parametrize("case", CASES)
def test_the_comment_is_the_one_reviewed(case: str, ending: str, render: Callable[..., str]) -> None:
    """It is the same as its file in `golden/`, character for character."""
    comment = render(CASES[case], max_chars=30_000)

    assert reviewed(f"{case}.{ending}", comment) == comment


@WAYS
def test_each_size_is_the_one_reviewed(ending: str, render: Callable[..., str]) -> None:
    """A comment as long as it may be stays; with a character less, counted in UTF-16, the next smaller size is written."""
    sizes: list[str] = []
    most = 30_000
    while len(sizes) < 6:
        sizes.append(render(CROWD, max_chars=most))
        length = len(sizes[-1].encode("utf-16-le")) // 2
        assert sizes[-1] == render(CROWD, max_chars=length)
        most = length - 1
    comment = "\n\n=====\n\n".join(sizes)

    assert sizes == sorted(set(sizes), key=len, reverse=True)
    assert sizes[-1] == render(CROWD, max_chars=most)
    assert reviewed(f"sizes.{ending}", comment) == comment
