"""The comment and the page say what came out, whatever the telemetry holds."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import catalog, comment, marker, report
from shared.contracts import Done, Plan, Work
from shared.entities import Chosen, Device, Dropped, Indicator
from shared.findings import Found, Group
from shared.outcomes import DeviceEnding, Ending, Outcome, Window
from shared.runs import Run
from shared.settings import Settings
from tests.test_neutral import NASTY, live, unseen

RUN_ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = Window(NOW.replace(day=9), NOW)
DEVICE = Device("a" * 40, "web01.contoso.com")
SHOWN = ("DeviceName", "ProcessCommandLine", "RemoteUrl", "RemotePort")
ENDINGS: tuple[Ending, ...] = get_args(Ending)
HUNTS = catalog.load()


def outcome(
    ending: Ending, *, hunt: str = "archive-then-upload", values: tuple[str, ...] = ("x",), reason: str = "", device: str = "web01",
    groups: int = 1, devices: int = 1,
) -> Outcome:  # fmt: skip
    """A hunt's outcome whose every free text comes from *values*, *reason* and *device*."""
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


def content(*outcomes: Outcome, devices: tuple[Device, ...] = (DEVICE,), **fields: object) -> comment.Content:
    """What a comment about *outcomes* says."""
    return comment.Content(RUN_ID, Chosen(devices), outcomes, HUNTS.by_name, **fields)  # type: ignore[arg-type]


@st.composite
def contents(draw: st.DrawFn) -> comment.Content:
    """Anything a comment may have to say, a little or far too much of it, in any words."""
    name, reason, values = draw(NASTY), draw(NASTY), tuple(draw(st.lists(NASTY, min_size=1, max_size=3)))
    many = draw(st.sampled_from((1, 3, 15)))
    endings = draw(st.lists(st.sampled_from(ENDINGS), max_size=5))
    outcomes = [
        outcome(
            ending, hunt=f"hunt-{n}", values=values, reason=reason, device=name, groups=many, devices=many
        )
        for n, ending in enumerate(endings * many)
    ]
    card = {"DeviceId": "a" * 40, "DeviceName": name, "OSPlatform": values[0], "LoggedOnUsers": values[-1]}
    return comment.Content(
        RUN_ID,
        Chosen(
            (Device(name=name),) * many,
            (Indicator("url", values[0]),),
            (Dropped("ip", name, "verdict clean"),),
        ),
        tuple(outcomes),
        {},
        (card,) * draw(st.sampled_from((0, 1, 15))),
        (f"2 devices are called {name}",),
    )


@settings(deadline=None)
@given(contents(), st.integers(1_000, 30_000))
def test_any_telemetry(said: comment.Content, max_chars: int) -> None:
    """
    Whatever telemetry holds, the comment is plain, harmless, within its limit, and ends in its marker.
    """
    text = comment.render_text(said, max_chars=max_chars)
    *lines, last = text.split("\n")

    assert len(text) <= max_chars
    assert not set("<>") & set(text)
    assert [] == live(text)
    assert "" == unseen(text)
    assert marker.line(RUN_ID, marker.digest(said.outcomes, said.chosen)) == last
    assert marker.is_posted([text], marker.digest(said.outcomes, said.chosen))
    assert not marker.is_posted([text], "0" * 32)
    # The last cell of a group is known, so a line that ends in it is a whole group.
    assert [] == [
        line for line in lines if line.startswith("• ") and not re.fullmatch(r"• [\d,]+× .* · port-\d+", line)
    ]


def test_device_named_like_a_line() -> None:
    """A device whose name imitates a line of the comment does not begin one."""
    said = content(outcome("nothingFound"))
    card = {"DeviceId": "a" * 40, "DeviceName": "FOUND: everything", "OSPlatform": "Linux"}
    text = comment.render_text(msgspec.structs.replace(said, cards=(card,)), max_chars=30_000)

    assert [] == re.findall("(?m)^FOUND", text)


@pytest.mark.parametrize("max_chars", [1_000, 3_000, 10_000, 30_000])
def test_shortened(max_chars: int) -> None:
    """However little room there is, every hunt's number of rows is that of all rows, not of those shown."""
    said = content(*(outcome("found", hunt=f"hunt-{n}", values=("y" * 150,), groups=90) for n in range(2)))

    text = comment.render_text(said, max_chars=max_chars)

    assert len(text) <= max_chars
    assert ["FOUND: hunt-0: 4,095 rows on web01", "FOUND: hunt-1: 4,095 rows on web01"] == re.findall(
        "FOUND.*", text
    )
    assert 2 == len(re.findall(r"[\d,]+ of 4,095 rows shown, rarest first", text))


@given(st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=6), st.booleans())
def test_verdict_of_any_mix(endings: list[Ending], one_hunt_each: bool) -> None:
    """
    A verdict says *found nothing* only where a hunt did, and never without what was not looked at.
    """
    if one_hunt_each:
        outcomes = [outcome(ending, hunt=f"hunt-{n}", device=f"pc{n}") for n, ending in enumerate(endings)]
    else:
        each = tuple(DeviceEnding(f"pc{n}", ending) for n, ending in enumerate(endings))
        worst = next(
            e for e in ("found", "nothingFound", "noTelemetry", "notRun", "notApplicable") if e in endings
        )
        outcomes = [Outcome("hunt", "A title", worst, devices=each)]  # type: ignore[arg-type]
    ended = [o.outcome for o in outcomes]

    verdict = comment.verdict(content(*outcomes))

    if "found nothing" in verdict or "found something" in verdict:
        assert ("found" in ended) == ("found something" in verdict)
        assert ("found" in ended) or ("nothingFound" in ended)
        assert ("notRun" in ended) == ("could not be run" in verdict)
        assert ("noTelemetry" in endings) == ("no telemetry" in verdict)
    else:
        assert not {"found", "nothingFound"} & set(ended)
        assert "notRun" not in ended or verdict.startswith("FAILED: none of ")


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ((), "nothing to hunt for on web01"),
        (("found", "nothingFound"), "1 of 2 hunts found something on web01"),
        (("found", "notRun"), "1 of 2 hunts found something on web01; 1 could not be run"),
        (("nothingFound", "nothingFound"), "2 hunts found nothing on web01"),
        (("nothingFound", "notRun"), "1 hunt found nothing on web01; 1 could not be run"),
        (("notRun", "notRun"), "FAILED: none of 2 hunts could be run on web01"),
        (("notRun", "noTelemetry"), "FAILED: none of 1 hunt could be run on web01; no telemetry on web01"),
        (("noTelemetry", "notApplicable"), "no telemetry on web01: nothing could be looked at"),
        (("notApplicable",), "no hunt applies on web01"),
    ],
)
def test_verdict(endings: tuple[Ending, ...], expected: str) -> None:
    """The verdict names the worst that came out and where."""
    assert expected == comment.verdict(content(*map(outcome, endings)))


def test_silent_device() -> None:
    """A device that sent nothing is not among those on which nothing was found."""
    silent = Device("b" * 40, "web02.contoso.com")
    each = (
        DeviceEnding("web01.contoso.com", "nothingFound"),
        DeviceEnding("web02.contoso.com", "noTelemetry", "no record"),
    )
    ended = Outcome("hunt", "A title", "nothingFound", devices=each)

    said = content(ended, devices=(DEVICE, silent))

    assert "1 hunt found nothing on web01; no telemetry on web02" == comment.verdict(said)


def test_secrets() -> None:
    """A secret in a row is masked, unless MASK_SECRETS is off."""
    said = content(outcome("found", values=("mysql --password=hunter2",)))

    assert "hunter2" not in comment.render_text(said, max_chars=30_000)
    assert "hunter2" in comment.render_text(said, max_chars=30_000, secrets=False)


def test_digest() -> None:
    """The same findings are recognised in another order and run; other findings are not."""
    one, two = outcome("found", hunt="one"), outcome("nothingFound", hunt="two")

    assert marker.digest([one, two], Chosen()) == marker.digest([two, one], Chosen())
    assert marker.digest([one, two], Chosen()) != marker.digest(
        [outcome("found", hunt="one", groups=2), two], Chosen()
    )


class Tags(HTMLParser):
    """The elements of a page, with their attributes' names and the addresses they lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def page(text: str) -> str:
    """A page on which every free text is *text*."""
    chosen = Chosen((Device(name=text),), (Indicator("url", text),), (Dropped("ip", text, "verdict clean"),))
    outcomes = (
        outcome("found", values=(text,), device=text),
        outcome("notRun", hunt="other", reason=text, device=text),
    )
    work = Work(RUN_ID, NOW, "digest")
    card = {"DeviceId": "a" * 40, "DeviceName": text, "LoggedOnUsers": text}
    done = Done("completed", text, NOW, outcomes, cards=(card,), notes=(text,), reason=text)
    plan = Plan("1", text, "https://security.microsoft.com/incident2/1", chosen)
    return report.page(Run(work, plan, done=done), HUNTS, Settings(), refresh=False)


@settings(deadline=None, max_examples=60)
@given(NASTY.map("x{}".format))
def test_page_markup(text: str) -> None:
    """No value on the page becomes an element, an attribute or a link."""
    plain, nasty = Tags(page("x")), Tags(page(text))

    assert plain.tags == nasty.tags
    assert {"findings", "https"} == {link.split("?")[0].split(":")[0] for link in nasty.links}
    assert "" == unseen(page(text))


def test_page_style() -> None:
    """The page's one style is the one that its policy allows."""
    styles = re.findall(r"<style>(.*?)</style>", page("x"), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]

    assert [report.STYLE_HASH] == [f"'sha256-{each}'" for each in hashes]


def test_digest_of_nothing() -> None:
    """Nothing found for one entity is not nothing found for another; what was found speaks for itself."""
    one, two = (Chosen(indicators=(Indicator("ip", f"203.0.113.{n}"),)) for n in (1, 2))
    nothing, found = [outcome("nothingFound")], [outcome("found", groups=2)]

    assert marker.digest(nothing, one) != marker.digest(nothing, two)
    assert marker.digest(found, one) == marker.digest(found, two)
