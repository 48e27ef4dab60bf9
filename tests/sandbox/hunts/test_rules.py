"""What `hunts check` sees that is not in one file's text: git, the machine, and what a shipped hunt must have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.hunts import cases, keys, versions
from sandbox.hunts.attack import whole
from shared.catalog.load import SHIPPED, load_hunts
from shared.catalog.source import read_source
from tests.support.mistakes import DEVICE, INDICATOR


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """Return a hunt file as git has it in its last commit."""
    file = tmp_path / "my-hunt.yaml"
    file.write_text(DEVICE, encoding="utf-8")
    environment = os.environ | {
        f"GIT_{who}_{what}": "a@contoso.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A hunt"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, env=environment)
    return file


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("zip", "7z", "version: the query changed: raise the version over 1.0.0, for incidents are hunted once with each"),
        ("Something", "Anything", ""),
        ("| where FileName in~", "|  where FileName in~", "version: the query changed"),
        ("      | where FileName in~", "        | where FileName in~", ""),
    ],
)  # fmt: skip
def test_a_version_that_was_not_raised_is_warned_of(committed: Path, old: str, new: str, said: str) -> None:
    """Where the query is another than in the last commit; its indentation and the rest of the file need no new version."""
    committed.write_text(DEVICE.replace(old, new, 1), encoding="utf-8")
    found = [*versions.versions(keys.Looked(read_source(committed), None))]

    assert bool(said) is bool(found)
    assert all(text.startswith(f"my-hunt.yaml:3:10: {said}") for text in found)


@pytest.mark.parametrize(
    ("version", "enough"), [("1.0.1", True), ("1.10", True), ("2", True), ("0.9.9", False)]
)
def test_a_version_is_raised_number_by_number(committed: Path, version: str, enough: bool) -> None:
    """1.10 is higher than 1.0.0, and 0.9.9 is not."""
    text = DEVICE.replace("zip", "7z").replace("version: 1.0.0", f"version: {version}")
    committed.write_text(text, encoding="utf-8")

    assert enough is not bool([*versions.versions(keys.Looked(read_source(committed), None))])


def test_a_file_that_git_does_not_know_has_no_version_before(tmp_path: Path) -> None:
    """Outside of a repository nothing is said."""
    file = tmp_path / "my-hunt.yaml"
    file.write_text(DEVICE, encoding="utf-8")

    assert [] == [*versions.versions(keys.Looked(read_source(file), None))]


def test_a_shipped_hunt_needs_cases_and_the_schema(tmp_path: Path) -> None:
    """What lies among the app's own hunts must have both, what lies elsewhere need not."""
    file = tmp_path / "my-hunt.yaml"
    file.write_text(DEVICE, encoding="utf-8")
    source = read_source(file)
    mine, shipped = (
        keys.Looked(each, None)
        for each in (source, source._replace(file=SHIPPED / "device" / "linux" / "my-hunt.yaml"))
    )

    assert [] == [*keys.names(mine), *cases.beside(mine)]
    assert [
        "my-hunt.yaml:1:1: write as the first line, by which editors know its keys: # yaml-language-server: $schema=../../hunt.schema.json",
        "my-hunt.yaml:1:1: write my-hunt.cases beside it: rows to find, and rows not to (`hunts new` makes one)",
    ] == [*keys.names(shipped), *cases.beside(shipped)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases: [{why: x, rows: []}]", "my-hunt.cases:1:1: write a case with rows, too"),
        ("cases: [{why: x, rows: [{}]}]", "my-hunt.cases:1:1: write a case without rows, too"),
        ("case: []", "my-hunt.cases:1:1: Object contains unknown field `case`"),
    ],
)
def test_what_is_wrong_with_cases_is_said_by_the_check(
    tmp_path: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the path of their own file; a warning, for the app does not read them."""
    monkeypatch.setenv("PATH", "")  # Node.js takes a second to start
    (tmp_path / "my-hunt.yaml").write_text(INDICATOR, encoding="utf-8")
    (tmp_path / "my-hunt.cases").write_text(text, encoding="utf-8")

    assert [0, 1] == [main(["hunts", "check", *options, str(tmp_path)]) for options in ([], ["--strict"])]
    assert [f"{tmp_path}/{said} (warning)"] * 2 == capsys.readouterr().out.splitlines()


def test_a_machine_without_the_parser_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, so that nobody takes silence for its word; all else is checked, and git's word is missed by nobody."""
    (tmp_path / "my-hunt.yaml").write_text(INDICATOR.replace("T1071", "T1"), encoding="utf-8")
    monkeypatch.setenv("PATH", "")

    assert 0 == main(["hunts", "check", str(tmp_path)])
    out, err = capsys.readouterr()
    assert "1 file, 1 warning; columns, types and calls were not checked: Node.js is not installed\n" == err
    assert ["T1 is no id of a technique"] == [line.split("]: ")[1][:26] for line in out.splitlines()]


def test_techniques_are_those_of_attack() -> None:
    """Each is of known tactics, each that was withdrawn leads to one that is there, and all of the shipped hunts are known."""
    matrix = whole()

    assert (14, 691) == (len(matrix.tactics), len(matrix.techniques))
    assert {tactic for _, *tactics in matrix.techniques.values() for tactic in tactics} == {*matrix.tactics}
    assert {*matrix.withdrawn.values()} - {""} <= matrix.techniques.keys()
    assert matrix.withdrawn.keys().isdisjoint(matrix.techniques)
    assert {
        technique for hunt in load_hunts().hunts for technique in hunt.techniques
    } <= matrix.techniques.keys()
    assert "The MITRE Corporation" in matrix.licence
