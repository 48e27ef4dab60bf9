"""Each mistake in a hunt file is said, with its place and what to write; `tests/support/mistakes.py` has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from sandbox.hunts.check import Said, problems
from sandbox.hunts.schema import hunt_schema
from shared.catalog.load import SHIPPED, load_hunts
from shared.catalog.source import read_source
from shared.errors import HuntError
from tests.support.mistakes import DEVICE, INDICATOR, MISTAKES, PARSERS, Mistake

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.kusto.judge import Judge

EVERY = {**MISTAKES, **PARSERS}
GOOD = {"good-device.yaml": DEVICE, "good-indicator.yaml": INDICATOR}


def name_of(title: str) -> str:
    """Return the file name of a mistake."""
    return EVERY[title].name or f"{re.sub('[^a-z]+', '-', title.lower()).strip('-')}.yaml"


def content_of(title: str, number: int) -> str:
    """Return a good file with one mistake, and an id of its own."""
    mistake = EVERY[title]
    assert mistake.old in mistake.text

    changed = mistake.text.replace(mistake.old, mistake.new, 1) if mistake.old else mistake.text
    return changed.replace("0b54e7b2-0000", f"0b54e7b2-{number:04x}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two good files, and one of each mistake."""
    folder = tmp_path_factory.mktemp("mistakes")
    for number, title in enumerate(EVERY, 1):
        (folder / name_of(title)).write_text(content_of(title, number), encoding="utf-8")
    for number, (name, text) in enumerate(GOOD.items()):
        (folder / name).write_text(text.replace("0b54e7b2-0000", f"0b54e7b2-f00{number}"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, list[Said]]:
    """Return what `hunts check` says of each file; all of them are checked at once."""
    found: dict[str, list[Said]] = {}
    for one in problems([folder], load_hunts(SHIPPED, folder)):
        found.setdefault(one.file.name, []).append(one)
    return found


def place(title: str, number: int) -> str:
    """Return the line and column at which a mistake's text stands, '' where no text is named."""
    at, content = EVERY[title].at, content_of(title, number)
    if not at:
        return ""
    assert at in content, at

    start = content.index(at) + len(at) - len(at.lstrip(" "))
    return f"{content.count(chr(10), 0, start) + 1}:{start - content.rfind(chr(10), 0, start)}"


def is_said(mistake: Mistake, where: str, found: list[Said]) -> bool:
    """Tell whether one of *found* is the mistake, in its place."""
    return any(
        mistake.refused is not one.warning
        and one.text.partition(": ")[2].startswith(mistake.said)
        and one.text.partition(": ")[0].endswith(f":{where}" if where else "")
        for one in found
    )


@pytest.mark.parametrize("title", MISTAKES)
def test_a_mistake_is_said_with_its_place_and_what_to_write(said: dict[str, list[Said]], title: str) -> None:
    """As a problem where the app refuses the file, and else as a warning."""
    found = said.get(name_of(title), [])

    assert is_said(MISTAKES[title], place(title, list(EVERY).index(title) + 1), found), "\n".join(
        map(str, found)
    )


@pytest.mark.node
@pytest.mark.parametrize("title", PARSERS)
def test_what_the_parser_alone_sees_is_said(said: dict[str, list[Said]], title: str, judge: Judge) -> None:
    """Microsoft's parser knows columns, types and functions."""
    found = said.get(name_of(title), [])

    assert judge
    assert is_said(PARSERS[title], place(title, list(EVERY).index(title) + 1), found), "\n".join(
        map(str, found)
    )


@pytest.mark.node
def test_a_column_that_the_query_misspells_is_said_once(said: dict[str, list[Said]], judge: Judge) -> None:
    """In the query, where it is to be changed: that the block's columns have it right is no mistake of theirs."""
    assert judge
    assert 1 == len(said[name_of("a misspelt column of the query and the block")])


def test_nothing_is_said_of_good_files(said: dict[str, list[Said]]) -> None:
    """Neither of the device hunt nor of the indicator hunt."""
    assert [] == [str(one) for name in GOOD for one in said.get(name, [])]


def test_there_are_at_least_as_many_mistakes_as_are_known() -> None:
    """The table holds what authors of published hunts got wrong, each in its own words."""
    assert len(MISTAKES) >= 49
    assert len(EVERY) == len({name_of(title) for title in EVERY})


@pytest.mark.parametrize("title", MISTAKES)
def test_an_editor_marks_what_a_schema_can_see(folder: Path, title: str) -> None:
    """The schema takes and refuses what `hunts check` does, but for what queries hold and what is compared."""
    try:
        content = read_source(folder / name_of(title)).content
    except HuntError:
        return  # no YAML: an editor says that without a schema
    valid = jsonschema_rs.validator_for(hunt_schema()).is_valid(content)

    assert MISTAKES[title].schema is not valid
