"""`python -m sandbox hunts docs` writes HUNTS.md, and what is deployed of ATT&CK, from the hunt files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.__main__ import main
from sandbox.hunts.docs import PAGE, ROOT, attack_table, page, shipped
from shared.catalog.attack import FILE, attack
from tests.support.made_hunts import hostile_catalog, made_hunt

if TYPE_CHECKING:
    import pytest

STALE = "the hunt files have changed: run .venv/bin/python -m sandbox hunts docs"


def test_the_names_of_techniques_are_as_the_hunts_need_them() -> None:
    """What is deployed has each technique that a hunt names, and no other."""
    assert FILE.read_text("utf-8") == attack_table(shipped()), STALE


def test_the_page_of_hunts_is_as_the_hunt_files_are() -> None:
    """HUNTS.md is never edited: whoever adds or changes a hunt writes it anew."""
    assert PAGE.read_text("utf-8") == page(shipped()), STALE


def test_writing_what_is_up_to_date_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No file is named."""
    before = PAGE.stat().st_mtime_ns

    assert (0, "") == (main(["hunts", "docs"]), capsys.readouterr().out)
    assert before == PAGE.stat().st_mtime_ns


def test_the_page_has_every_hunt_with_its_file() -> None:
    """Each stands in its own table and under its tactics, linked to a file that is there; the counts are right."""
    text, hunts = PAGE.read_text("utf-8"), shipped()
    links = re.findall(r"\[([a-z0-9-]+)\]\((shared/hunts/[^)]+)\)", text)

    assert {hunt.name for hunt in hunts} == {name for name, _ in links}
    assert [] == [path for _, path in links if not (ROOT / path).is_file()]
    assert all(text.count(f"| [{hunt.name}](") >= 1 for hunt in hunts)
    assert f"{len(hunts)} hunts come with Outrider: " in text
    assert attack().licence in text


def test_a_technique_that_attack_lacks_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """It is left out of the names, and the hunt is shown with its id alone."""
    hunts = [made_hunt("a", techniques=("T1048", "T9999"), tactics=("Execution",))]

    assert ["T1048"] == re.findall(r'"(T\d+)":', attack_table(hunts))
    assert "has no technique T9999" in capsys.readouterr().err
    assert "| T9999 | a |" in page(hunts)


def test_no_text_of_a_hunt_is_markdown_or_html() -> None:
    """A hunt's text adds no cell, link or element."""
    rows = [line for line in page(hostile_catalog().hunts).splitlines() if line.startswith("|")]
    heads = [n for n, row in enumerate(rows) if row.startswith("| ---")]
    cells = [len(re.split(r"(?<!\\)\|", row)) for row in rows]

    assert all(cells[n] == cells[n - 1] for n in range(1, len(rows)) if n + 1 not in heads)
    assert [] == [row for row in rows if re.search(r"(?<!\\)[<>`]|(?<!\\)\](?=\()", row)]
