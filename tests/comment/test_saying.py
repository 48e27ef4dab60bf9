"""The comment is complete, harmless and within its limit, and is recognised where it already stands."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.comment import marker
from shared.comment.content import Content
from shared.comment.html import render_html
from shared.comment.text import render_text
from shared.model.entity import Chosen, Device, Dropped, Indicator
from tests.support.hostile import NASTY, live, unseen
from tests.support.said import ENDINGS, RUN_ID, Tags, content, outcome


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Draw what a comment may have to say: a little or far too much of it, in any words."""
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
    return Content(
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


@settings(max_examples=60)
@given(contents(), st.integers(1_000, 30_000))
def test_any_comment_is_harmless_and_within_its_limit(said: Content, max_chars: int) -> None:
    """Whatever telemetry holds, the comment is plain text, shows whole rows only, and ends in its marker."""
    text = render_text(said, max_chars=max_chars)
    last = text.rsplit("\n", 1)[-1]

    assert len(text.encode("utf-16-le")) // 2 <= max_chars
    assert not set("<>") & set(text)
    assert [] == live(text)
    assert "" == unseen(text)
    assert marker.line(RUN_ID, marker.digest(said.outcomes, said.chosen)) == last
    assert RUN_ID == marker.posted_by([text], marker.digest(said.outcomes, said.chosen))
    assert not marker.posted_by([text], "0" * 32)
    # Groups have all cells but the last, `port-N`, in common, and so as many lines for long ones.
    groups = re.findall(r"^• (.*(?:\n    .*)*)", text, re.MULTILINE)
    seen = r"([\d,]+× )?(2026-03-09 )?02:14:05 to 02:15:00( UTC)? · "
    assert [] == [group for group in groups if not re.match(rf"{seen}(.* · )?(\w+: )?port-\d+($|\n)", group)]
    assert len({group.count("\n") for group in groups}) <= 1


@settings(max_examples=60)
@given(contents(), st.integers(1_000, 30_000))
def test_any_html_comment_has_only_our_own_elements(said: Content, max_chars: int) -> None:
    """Whatever telemetry holds, every element is closed, no link is live, and the limit is kept."""
    html = render_html(said, max_chars=max_chars)
    read = Tags(html)

    assert len(html.encode("utf-16-le")) // 2 <= max_chars
    assert [] == read.open
    assert {"h3", "h4", "p", "br", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"} >= {
        tag for tag, *_ in read.tags
    }
    assert [] == live(html)
    assert "" == unseen(html)


def test_the_html_comment_has_a_table_and_links() -> None:
    """The table shows what was found, and the links lead to the report and to the query in the portal."""
    said = content(
        outcome("found", values=("<b>&",)),
        report_url="https://outrider.example/r",
        portal={"archive-then-upload": "https://security.example/q"},
    )
    html = render_html(said, max_chars=30_000)

    assert "<td>‹b›&amp;</td>" in html
    assert ["https://security.example/q", "https://outrider.example/r"] == Tags(html).links


def test_a_device_name_cannot_imitate_a_finding() -> None:
    """A device called `FOUND: everything` begins no line of the comment."""
    said = content(outcome("nothingFound"))
    card = {"DeviceId": "a" * 40, "DeviceName": "FOUND: everything", "OSPlatform": "Linux"}
    text = render_text(msgspec.structs.replace(said, cards=(card,)), max_chars=30_000)

    assert [] == re.findall("(?m)^FOUND", text)


@pytest.mark.parametrize("max_chars", [1_000, 3_000, 10_000, 30_000])
def test_a_shortened_comment_still_counts_all_rows(max_chars: int) -> None:
    """However little room there is, each hunt gives the number of all its rows, not of those shown."""
    said = content(*(outcome("found", hunt=f"hunt-{n}", values=("y" * 150,), groups=90) for n in range(2)))

    text = render_text(said, max_chars=max_chars)

    assert len(text) <= max_chars
    assert [f"FOUND (medium): hunt-{n}: 4,095 rows on web01" for n in range(2)] == re.findall("FOUND.*", text)
    assert 2 == len(re.findall(r"[\d,]+ of 4,095 rows shown, the rarest first", text))


def test_secrets_in_rows_are_masked_unless_switched_off() -> None:
    """A password in a row that was found is shown only with MASK_SECRETS=off."""
    said = content(outcome("found", values=("mysql --password=hunter2",)))

    assert "hunter2" not in render_text(said, max_chars=30_000)
    assert "hunter2" in render_text(said, max_chars=30_000, mask=False)


def test_the_digest_depends_on_findings_but_not_their_order() -> None:
    """The same outcomes in another order are recognised; with more rows found they are not the same."""
    one, two = outcome("found", hunt="one"), outcome("nothingFound", hunt="two")

    assert marker.digest([one, two], Chosen()) == marker.digest([two, one], Chosen())
    assert marker.digest([one, two], Chosen()) != marker.digest(
        [outcome("found", hunt="one", groups=2), two], Chosen()
    )


def test_nothing_found_has_another_digest_for_other_entities() -> None:
    """Where something was found, the digest covers the rows, and the entities make no difference."""
    one, two = (Chosen(indicators=(Indicator("ip", f"203.0.113.{n}"),)) for n in (1, 2))
    nothing, found = [outcome("nothingFound")], [outcome("found", groups=2)]

    assert marker.digest(nothing, one) != marker.digest(nothing, two)
    assert marker.digest(found, one) == marker.digest(found, two)


@pytest.mark.parametrize("render", [render_text, render_html])
@pytest.mark.fault("A6", before="the reason was on the run's page alone")
def test_what_a_finding_leaves_open_is_told(render: Callable[..., str]) -> None:
    """Where a hunt found rows that name none of the devices, or was cut off, its finding says so."""
    found = outcome("found", reason="2 of its 3 rows name none of these devices")

    assert "Note: 2 of its 3 rows name none of these devices" in render(content(found), max_chars=30_000)
    assert "Note: " not in render(content(outcome("found")), max_chars=30_000)


def test_long_names_and_reasons_are_shortened() -> None:
    """A device's name has 60 characters, as a hunt's; a reason and a note have 300."""
    whole = outcome("nothingFound", reason="r" * 300, device="n" * 60)
    long = outcome("nothingFound", reason="r" * 301, device="n" * 61)
    texts = [render_text(content(each, notes=(each.reason,)), max_chars=30_000) for each in (whole, long)]

    assert f"Nothing found on {'n' * 60}: archive-then-upload ({'r' * 300})\n" in texts[0]
    assert 2 == texts[0].count("r" * 300)
    assert [0, 3] == [
        text.count(" characters) … ") - text.splitlines()[0].count(" characters) … ") for text in texts
    ]
    assert (
        f"on {'n' * 60}"
        in render_text(content(outcome("found", device="n" * 60)), max_chars=30_000).splitlines()[2]
    )
    assert (
        " characters) … "
        in render_text(content(outcome("found", device="n" * 61)), max_chars=30_000).splitlines()[2]
    )
