"""Values from telemetry are made harmless before anyone reads them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.comment import neutral
from shared.entities.indicators import parse_indicator
from shared.pages.rows import csv_rows
from tests.support.hostile import NASTY, live, unseen


@given(NASTY)
def test_a_harmless_text_has_no_markup_link_or_line_break(text: str) -> None:
    """Whatever it was made from, it has no live link, no markup and no invisible character."""
    inert = neutral.inert(text)

    assert [] == live(inert)
    assert "" == unseen(inert)
    assert not set("<>`\n") & set(inert)
    assert "](" not in inert
    assert "![" not in inert


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://evil.example/a.b", "hxxps://evil[.]example/a.b"),
        ("curl http://198.51.100.7:8080/x", "curl hxxp://198[.]51[.]100[.]7:8080/x"),
        ("_http://evil.example", "_hxxp://evil[.]example"),
        ("ftp://evil.example", "ftp[:]//evil[.]example"),
        ("it went to 198.51.100.7.", "it went to 198.51.100[.]7."),
        ("version 1.2.3.4.5", "version 1.2.3.4.5"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("mail to user@contoso.com", "mail to user[@]contoso[.]com"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("tar -czf /tmp/a.tgz", "tar -czf /tmp/a.tgz"),
    ],
)
def test_links_are_broken_and_other_text_is_kept(value: str, expected: str) -> None:
    """Addresses are written so that no viewer makes them a link; versions and paths stay as they are."""
    assert expected == neutral.defang(value)


@pytest.mark.parametrize(
    "value",
    [
        "evil.example",
        "https://evil.example/a",
        "evil.example/a",
        "198.51.100.7",
        "2001:db8::1",
        "2001:db8:1:2:3:4:5:6",
    ],
)
def test_a_defanged_indicator_can_be_pasted_into_a_request(value: str) -> None:
    """What a comment shows of an indicator is read as the same indicator again."""
    shown = neutral.inert(neutral.defang_name(value))

    assert value != shown
    assert parse_indicator(value) == parse_indicator(shown)


@example([("", "\u0966198.51.100.7")])
@given(st.lists(st.tuples(NASTY, NASTY), max_size=5))
def test_csv_has_one_line_per_row_and_no_formula(rows: list[tuple[str, str]]) -> None:
    """Whatever the rows hold, no cell begins as a formula does, and nothing is a live link."""
    schema = [{"name": name, "type": "String"} for name in ("DeviceName", "ProcessCommandLine")]
    results = [{"DeviceName": name, "ProcessCommandLine": command} for name, command in rows]

    text = csv_rows(json.dumps({"schema": schema, "results": results}).encode(), 100, mask=True).decode(
        "utf-8-sig"
    )
    head, *read = csv.reader(io.StringIO(text, newline=""))

    assert ["DeviceName", "ProcessCommandLine"] == head
    assert len(rows) == len(read)
    assert 1 + len(rows) == len(text.splitlines())
    assert [] == [cell for row in read for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert [] == live(text)


@pytest.mark.fault("C", before="with `lstrip` removed from csv_cell, no test failed")
@pytest.mark.parametrize("blank", ["", " ", "   ", "\u00a0", "\u2003", "\u3000 "])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%0A"])
def test_a_formula_after_a_blank_is_none_either(blank: str, formula: str) -> None:
    """A spreadsheet may leave blanks out, so the cell is marked as text whatever blanks it begins with."""
    text = csv_rows(
        json.dumps(
            {"schema": [{"name": "C", "type": "String"}], "results": [{"C": blank + formula}]}
        ).encode(),
        1,
        mask=True,
    ).decode("utf-8-sig")

    assert [["C"], [f"'{blank}{formula}"]] == list(csv.reader(io.StringIO(text, newline="")))


@given(NASTY, st.integers(38, 400))
def test_a_clipped_value_is_never_longer_than_allowed(text: str, length: int) -> None:
    """A value that is short enough stays as it is; a longer one says how much of it is missing."""
    clipped = neutral.clip(text, length)

    assert len(clipped) <= length
    assert clipped == text if len(text) <= length else " characters) … " in clipped
