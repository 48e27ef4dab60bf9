"""Targets: whatever a value is, it stays one literal in a query, and text alone in a comment, a page, and a file."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import msgspec
from hypothesis import strategies as st

from shared.comment import marker
from shared.comment.content import Content
from shared.comment.html import render_html
from shared.comment.text import render_text
from shared.decoding import decode_any
from shared.kql import literals, write
from shared.kql.lexer import lex
from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.outcome import DeviceEnding, Outcome
from shared.model.record import Done, Plan, Run, Work
from shared.outcomes.summarizing import summarize
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.pages.summary import LARGEST, summary
from shared.settings import Settings
from tests.support.hostile import NASTY, live, unseen
from tests.support.said import HUNTS, NOW, RUN_ID, WINDOW, Tags

from .target import Target

#: "The string data type", KQL reference: what may follow a backslash.
_LITERAL = re.compile(r'"(?:[ !#-\[\]-~]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*"')
_FORMULAS = ("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
HUNT = HUNTS.by_name["archive-then-upload"]
#: Columns that are shown of a hunt that names none.
_SHOWN = 6
_ELEMENTS = {"h3", "h4", "p", "br", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "a"}
#: Every text, surrogates included, and texts pieced together to break out of a literal.
ODD = st.text(st.characters(exclude_categories=())) | st.lists(
    st.sampled_from(["\\", '"', "'", "\n", "\r", "\x00", "\u2028", "\ud83d", "\ude00", "\\u0022", "//", "|", ";", "```", "@", "a", " "])
).map("".join)  # fmt: skip


def literal_values(values: list[str]) -> str:
    """Each value is one literal in one line of ASCII, which means the value; a query's other tokens are always the same."""
    for value in values:
        text = literals.literal(value)
        assert _LITERAL.fullmatch(text), text
        assert _units(value) == _units(json.loads(text))
        assert ["string"] == [token.kind for token in lex(text)]
    named = [value for value in values if value.strip()]
    if not named:
        return "blank"
    plain = _bound([f"v{n}" for n in range(len(set(named)))])
    assert [_without(query) for query in plain] == [_without(query) for query in _bound(named)]
    return "bound"


def _bound(values: list[str]) -> tuple[str, str]:
    query = "DeviceInfo | where DeviceId in (_DeviceIds) | take 3"
    indicators = [Indicator("url", value) for value in values]
    return (
        write.device_query("DeviceInfo | take 3", [Device(name=value) for value in values], take=9, end=NOW),
        write.indicator_query(query.replace("_DeviceIds", "_Urls"), indicators, take=9, end=NOW),
    )


def _without(query: str) -> list[str]:
    """Return a query's tokens without the content of its strings."""
    return ['""' if token.kind == "string" else token.text for token in lex(query)]


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


@st.composite
def said(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what telemetry, an incident and a caller may have said: an answer's cells, names, reasons, facts, notes."""
    columns = ("DeviceId", "DeviceName", "ProcessCommandLine", "RemoteUrl", "RemoteIP", "Detail")
    cell = (
        NASTY
        | st.integers()
        | st.none()
        | st.lists(NASTY, max_size=2)
        | st.dictionaries(NASTY, NASTY, max_size=2)
    )
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, cell)), max_size=4))
    odd = draw(NASTY)
    rows = [{**row, odd: "x"} for row in rows]
    columns = tuple(dict.fromkeys((*columns, odd)))
    return {
        "answer": {"schema": [{"name": name, "type": "String"} for name in columns], "results": rows},
        "texts": draw(st.lists(NASTY, min_size=4, max_size=4)),
        "most": draw(st.integers(1_000, 30_000)),
    }


def rendering(what: dict[str, Any]) -> str:
    """A comment, its HTML, a page, the summary and the files show any values as text: no markup, link, or formula."""
    raw = json.dumps(what["answer"]).encode()
    # All that comes from outside has been decoded, which leaves no half of a character.
    name, reason, fact, note = decode_any(json.dumps(what["texts"]))
    hunt = msgspec.structs.replace(HUNT, columns=())
    found = summarize(hunt, raw, max_rows=3, seconds=0)
    each = (DeviceEnding(name, "found"), DeviceEnding(note, "notRun", reason))
    ends = (
        Outcome(hunt.name, "A title", "found", "", WINDOW, each, found, "id", "1.0.0"),
        Outcome("other", "Another", "notRun", reason, WINDOW, each[1:], id="id", version="1.0.0"),
    )
    chosen = Chosen(
        (Device(name=name or "x"),), (Indicator("url", fact),), (Dropped("ip", note, "verdict clean"),)
    )
    card = {"DeviceId": "a" * 40, "DeviceName": name, "OSPlatform": fact, "LoggedOnUsers": note}
    content = Content(RUN_ID, chosen, ends, {hunt.name: hunt}, (card,), (note,))
    _check_text(render_text(content, max_chars=what["most"]), what["most"], marker.digest(ends, chosen))
    _check_html(render_html(content, max_chars=what["most"]), what["most"])
    done = Done("completed", reason, NOW, ends, cards=(card,), notes=(note,), reason=reason)
    plan = Plan("1", name, "https://security.microsoft.com/incident2/1", chosen)
    run = Run(Work(RUN_ID, NOW, "digest"), plan, done=done)
    page = run_page(run, HUNTS, Settings(), refresh=False)
    tags = Tags(page)
    assert {"findings", "https"} >= {link.split("?")[0].split(":")[0] for link in tags.links}
    assert not {"script", "img", "iframe", "form", "object"} & {tag for tag, *_ in tags.tags}
    assert not [names for _, *names in tags.tags if any(each.startswith("on") for each in names)]
    assert "" == unseen(page)
    assert len(msgspec.json.encode(summary(run, NOW, "https://app.example/x"))) < LARGEST
    _check_files(raw, what["answer"])
    return f"{found.rows} rows"


def _check_text(text: str, most: int, digest: str) -> None:
    assert len(text.encode("utf-16-le")) // 2 <= most
    assert not set("<>") & set(text)
    assert [] == live(text)
    assert "" == unseen(text)
    for block in text.split("\n\n"):
        # A table's row has a cell for each column; another has a fact for each that is not empty, long ones on their own line.
        heads = re.findall(r"^  when · .*$", block, re.MULTILINE)
        rows = re.findall(r"^• .*(?:\n    .*)*", block, re.MULTILINE)
        cells = {row.count(" · ") + row.count("\n    ") for row in rows}
        assert not heads or {head.count(" · ") for head in heads} == cells
        assert all(count <= _SHOWN for count in cells)
    assert marker.line(RUN_ID, digest) == text.rsplit("\n", 1)[-1]


def _check_html(html: str, most: int) -> None:
    tags = Tags(html)
    assert len(html.encode("utf-16-le")) // 2 <= most
    assert [] == tags.open
    assert {tag for tag, *_ in tags.tags} <= _ELEMENTS
    assert [] == tags.links
    assert [] == live(html)
    assert "" == unseen(html)


def _check_files(raw: bytes, answer: dict[str, Any]) -> None:
    """Check a CSV, which has every row and no formula, and the JSON, whose values are exact unless they are masked."""
    names = [column["name"] for column in answer["schema"]]
    text = csv_rows(raw, 9, mask=True).decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text, newline=""))
    assert (len(names), len(names)) == (len(head), len({*head}))
    assert len(answer["results"]) == len(lines)
    for cell in (cell for line in (head, *lines) for cell in line):
        for part in re.split("[;,\t\uff1b\uff0c]", cell):
            assert not part.lstrip().startswith(_FORMULAS) or re.fullmatch(r"-?[0-9]+", cell), cell
        assert "" == unseen(cell)
        assert "\n" not in cell
        assert [] == live(cell)
    shown = json_rows(raw, 9, mask=False)
    assert (len(names), len(names)) == (len(shown["columns"]), len({*shown["columns"]}))
    assert not [name for name in shown["columns"] if unseen(name) or live(name) or {*"<>"} & {*name}]
    assert msgspec.json.encode(shown)
    if not re.search(rb"\\ud[89a-f]", raw, re.IGNORECASE):
        # A string is never null, as in Kusto.
        assert [["" if row[name] is None else row[name] for name in names] for row in answer["results"]] == [
            list(row.values()) for row in shown["rows"]
        ]


TARGETS = {
    "literals": Target(st.lists(ODD, min_size=1, max_size=4), literal_values),
    "rendering": Target(said(), rendering),
}
