"""Hunt files that would break a loader, or be read as what their authors did not write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog.file import read_hunt
from shared.catalog.load import load_hunts
from shared.errors import HuntError
from shared.model.hunt import Hunt
from tests.support.hunt_files import SENTINEL, write

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    "{", "}", "[", "]", ":", ": ", "- ", "&a ", "*a", "!!binary ", "!!python/object:os.system ", "<<: ", "? ", "|", ">", "\n",
    "  ", "\t", "'", '"', "#", "---", "...", "%YAML 1.1", "2026-02-30", "9" * 5_000, "0x", "1e400", ".inf", "null", "~", "yes",
    "\u202e", "\ufeff", "\x00", "😀", "{" * 200, "id: x\n", "enrichment:\n", "  sweep: {new: Timestamp}\n", "P1D", "-P9999999D",
)  # fmt: skip


def said(folder: Path, content: str, name: str = "odd.yaml") -> str:
    """Return why a file is refused, one problem a line; '' where it is loaded."""
    try:
        read_hunt(write(folder, name, content))
    except HuntError as error:
        return "\n".join(error.problems)
    return ""


def loaded(folder: Path, content: str, name: str = "odd.yaml") -> Hunt:
    """Return the only hunt of a folder that holds this one file."""
    write(folder, name, content)
    found = load_hunts(folder)

    assert () == found.broken
    return found.hunts[0]


@pytest.mark.fault("B13", before="ValueError: day is out of range for month; and '1.10' == '1.1'")
@pytest.mark.parametrize(
    "version", ["2026-02-30", "1.10", "1.0", "1e3", "007", "2026-11-24", "1_0", "0x10", "1.0.0-beta+1"]
)
def test_a_version_is_the_text_that_is_written(tmp_path: Path, version: str) -> None:
    """It is no date and no number: 1.10 is not 1.1, and a day that does not exist harms nobody."""
    assert version == loaded(tmp_path, f"{SENTINEL}version: {version}\n").version


@pytest.mark.fault("B13", before="ValueError: Exceeds the limit (4300 digits) for integer string conversion")
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("version: " + "9" * 5_000, "version: write a version such as 1.0.0"),
        ("version: [1]", "version: write a text"),
        ("version: a b", "version: write a version such as 1.0.0"),
        ("name: " + "x" * 301, "write the key name once"),
    ],
)
def test_a_version_that_names_none_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    """At most 40 letters, digits and signs, in one text."""
    assert problem in said(tmp_path, f"{SENTINEL}{line}\n")


def test_a_title_is_one_line_of_bounded_length(tmp_path: Path) -> None:
    """Line breaks in it are blanks, and one of 301 characters is refused."""
    assert (
        "A b" == loaded(tmp_path, SENTINEL.replace("name: Renamed archiver", "name: |\n  A\n  b\n", 1)).title
    )
    for title in ("x" * 301, "' '"):
        problem = said(tmp_path, SENTINEL.replace("Renamed archiver", title, 1))

        assert problem.startswith("odd.yaml:3:7: name: write a title of at most 300 characters")


@pytest.mark.fault("B13", before="Fatal Python error: Segmentation fault")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{" * 50_000, "nest it at most 20 deep"),
        ("[" * 50_000, "nest it at most 20 deep"),
        ("- " * 50_000, "nest it at most 20 deep"),
        ("? " * 50_000, "nest it at most 20 deep"),
        ("{a: " * 30_000, "nest it at most 20 deep"),
        ("[" + "a," * 10_000 + "a]", "write at most 10,000 values"),
        ("x" * 131_000, "odd.yaml:1:1: write at most 128 KB"),
        ("&a [b]", "anchors and aliases are not read"),
        ("[*a, *a]", "anchors and aliases are not read"),
        (
            "!!python/object/apply:os.system [ls]",
            "write it without the tag tag:yaml.org,2002:python/object/apply",
        ),
        ("!!binary aGk=", "write it without the tag tag:yaml.org,2002:binary"),
        ("!!timestamp 2026-02-30", "write it without the tag"),
        ("{[a]: b}", "write the key as a text"),
        ("{a: b, a: c}", "odd.yaml:24:11: write the key a once"),
    ],
)
def test_a_file_that_would_exhaust_the_loader_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """By its size, depth or number of values, or since it repeats itself; with its place."""
    assert problem in said(
        tmp_path, f"{SENTINEL.strip()}\nx: {text}\n".replace("x: - ", "x:\n- ").replace("x: ? ", "x:\n  ? ")
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n---\na: b\n", "write one document a file"),
        ("tactics: [A]\n", "write the key tactics once"),
        ("enrichment: {sweep: {new: Timestamp, comment: perhaps}}\n", "sweep.comment: write true or false"),
        ("enrichment: {falsePositives: a}\n", "falsePositives: write a list, as in [a, b]"),
        ("enrichment: {means: [a]}\n", "means: write a text"),
        ("enrichment: {appliesTo: a}\n", "appliesTo: write keys and values, as in a: b"),
        (
            "enrichment: {role: villain}\n",
            "role: Invalid enum value 'villain'; write one of finding, context",
        ),
        ("enrichment: {lookback: 5}\n", "lookback: Invalid ISO8601 duration; write one such as P1D or PT6H"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(tmp_path: Path, text: str, problem: str) -> None:
    """Each with file, line and column."""
    for line in (found := said(tmp_path, SENTINEL + text)).splitlines():
        assert re.match(r"odd\.yaml:\d+:\d+: ", line)

    assert problem in found


@pytest.mark.parametrize(
    ("word", "value"), [("true", True), ("Yes", True), ("on", True), ("no", False), ("off", False)]
)
def test_true_and_false_have_yamls_words(tmp_path: Path, word: str, value: bool) -> None:
    """As in YAML 1.1, which Azure-Sentinel's files are written in."""
    hunt = loaded(tmp_path, f"{SENTINEL}enrichment: {{sweep: {{new: FileName, comment: {word}}}}}\n")

    assert hunt.sweep
    assert value is hunt.sweep.comment


@pytest.mark.fault("B13", before="'' == '調査.yaml:1:1: name the file …': it was loaded under the name ''")
@pytest.mark.parametrize(
    "name", ["調査.yaml", "Café.yaml", "--.yaml", "x" * 101 + ".yaml", "٣.yaml", "調査-a.yml"]
)
def test_a_file_whose_name_is_no_hunts_name_is_refused(tmp_path: Path, name: str) -> None:
    """A hunt is asked for by its file's name, so that must not be empty, or lack a letter."""
    problem = said(tmp_path, SENTINEL, name)

    assert problem == f"{name}:1:1: name the file with letters a to z, digits and hyphens, at most 100"


def test_a_problem_is_one_line_whatever_the_file_is_called(tmp_path: Path) -> None:
    """A line break in a name, or in a value that is quoted, forges no line in a log."""
    problem = said(tmp_path, "- \u202ea", "a\nb\u202e.yaml")

    assert (
        problem
        == "a?b?.yaml:1:1: is not a mapping of keys to values: write name: and query: |, with the query indented below"
    )
    assert len(said(tmp_path, f"{SENTINEL}enrichment: {{{'k' * 5_000}: 1}}\n")) <= 600


@pytest.mark.fault("B13", before="IndexError: tuple index out of range: no hunt, and nothing broken")
@pytest.mark.parametrize("suffix", ["YAML", "Yml", "yaml", "yml"])
def test_the_case_of_a_files_suffix_does_not_matter(tmp_path: Path, suffix: str) -> None:
    """Whoever shouts is heard, too."""
    assert "mine" == loaded(tmp_path, SENTINEL, f"mine.{suffix}").name


@pytest.mark.fault(
    "B13", before="assert () == (HuntError('… relevantTechniques[0]: Expected `str`, got `null`'),)"
)
@pytest.mark.parametrize("value", ["", " [~, T1560, null]", "\n-\n- T1560\n", " null"])
def test_an_empty_technique_is_none(tmp_path: Path, value: str) -> None:
    """Published files have them, left over from a template."""
    text = SENTINEL.replace("relevantTechniques:\n- T1560\n", f"relevantTechniques:{value}\n")

    assert loaded(tmp_path, text).techniques == (("T1560",) if "T1560" in value else ())


def test_the_place_of_a_mistake_counts_no_empty_item(tmp_path: Path) -> None:
    """It is that of the item itself."""
    text = SENTINEL.replace("relevantTechniques:\n- T1560\n", "relevantTechniques:\n-\n- [a]\n")

    assert "odd.yaml:15:3: relevantTechniques[0]: write a text" == said(tmp_path, text)


@pytest.mark.fault(
    "B13", before="IndexError: tuple index out of range: both files were refused, id: is missing"
)
def test_a_hunt_without_an_id_is_known_by_its_name(tmp_path: Path) -> None:
    """It has the same id in every process, another one than a hunt of another name, and its author is told."""
    text = re.sub("id: .*\n", "", SENTINEL, count=1)
    for name in ("a.yaml", "b.yaml"):
        write(tmp_path, name, text)
    found = load_hunts(tmp_path)

    assert ["42e9606c-dee9-5649-9b08-e3803a41a68e", "b"] == [found.hunts[0].id, found.hunts[1].name]
    assert found.hunts[0].id != found.hunts[1].id
    assert found.notices[0].text.startswith("a.yaml:2:1: id: write a GUID, so that it stays the same hunt")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, len(SENTINEL)), st.sampled_from(ODD) | st.text(max_size=5)), max_size=4
    ),
    st.data(),
)
def test_any_file_is_a_hunt_or_is_refused_with_its_places(
    tmp_path: Path, changes: list[tuple[int, str]], data: st.DataObject
) -> None:
    """Whatever is put into it, bytes that are no text included; no other error, and no problem without a place."""
    text = SENTINEL
    for at, piece in changes:
        text = text[:at] + piece + text[at:]
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(raw)))
        raw[at:at] = data.draw(st.binary(max_size=3))
    (tmp_path / "any.yaml").write_bytes(raw)
    found = load_hunts(tmp_path)

    assert 1 == len(found.hunts) + len(found.broken)
    for error in found.broken:
        assert error.problems
        assert [] == [each for each in error.problems if not re.match(r"any\.yaml:\d+:\d+: .", each)]
