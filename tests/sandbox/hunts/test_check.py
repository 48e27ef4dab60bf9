"""`python -m sandbox hunts check` says what is wrong with hunt files, and what they may cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from shared.catalog.load import SHIPPED, load_hunts
from tests.support.hunt_files import SENTINEL, write
from tests.support.mistakes import DEVICE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do without Node.js, which takes a second to start, and without git."""
    monkeypatch.setenv("PATH", "")


COSTLY = SENTINEL.replace("entityMappings", "  | join kind=inner (DeviceInfo) on 1\nentityMappings")


@pytest.mark.fault("B4", before="argument COMMAND: invalid choice: 'check' (choose from 'render')")
@pytest.mark.usefixtures("quick")
def test_a_costly_hunt_is_warned_of_and_can_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 0, and the warning has the file's path, line and column."""
    file = write(tmp_path, "costly.yaml", COSTLY)
    code = main(["hunts", "check", str(tmp_path)])
    out = capsys.readouterr().out

    assert 0 == code
    assert re.fullmatch(
        f"{re.escape(str(file))}:19:5: query: this join is on a constant.*\\(warning\\)\n", out
    )


@pytest.mark.fault("B4", before="assert ['costly.yaml:19:5: …', 'swept.yaml:30:9: …'] == []")
def test_what_may_be_costly_is_a_notice(tmp_path: Path) -> None:
    """So health and the log tell it, too; a sweep's own lines have places of their own."""
    sweep = "enrichment:\n  sweep:\n    new: FileName\n    summarize: |\n      | where 1 == 1\n      | lookup (DeviceInfo) on 1\n"
    write(tmp_path, "costly.yaml", COSTLY)
    write(
        tmp_path,
        "swept.yaml",
        re.sub("id: .*", "id: 6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b13", SENTINEL, count=1) + sweep,
    )
    loaded = load_hunts(tmp_path)

    assert [
        "costly.yaml:19:5: query: this join is",
        "swept.yaml:30:9: enrichment.sweep.summarize: this lookup is",
    ] == [str(notice).partition(" on a constant")[0] for notice in loaded.notices]
    assert () == loaded.broken


@pytest.mark.usefixtures("quick")
def test_every_problem_of_every_file_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By file; the exit code is 1, and files that are not named are not spoken of."""
    write(tmp_path, "a.yaml", "id: 1\n")
    write(tmp_path / "b", "b.YAML", SENTINEL.replace("DeviceProcessEvents\n  |", "Foo\n  |"))
    write(tmp_path / "c", "c.yaml", "id: 1\n")
    code = main(["hunts", "check", str(tmp_path / "a.yaml"), str(tmp_path / "b")])
    out = capsys.readouterr().out.splitlines()

    assert 1 == code
    assert [f"{tmp_path}/a.yaml:1:1: name: is missing", f"{tmp_path}/a.yaml:1:1: query: is missing"] == out[
        :2
    ]
    assert [f"{tmp_path}/a.yaml:1:5: id: write a GUID"] == out[2:3]
    assert f"{tmp_path}/b/b.YAML:1:1: call the file b.yaml, as the others are (warning)" == out[3]
    assert out[4].startswith(f"{tmp_path}/b/b.YAML:16:3: query: Foo is neither declared")
    assert 5 == len(out)


def test_the_shipped_hunts_are_checked_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong with them, so nothing is printed; nor with one that is named."""
    named = str(SHIPPED / "device" / "device-card.yaml")

    assert [0, 0] == [main(["hunts", "check", "--strict"]), main(["hunts", "check", named])]
    out, err = capsys.readouterr()
    assert "" == out
    assert re.fullmatch(r"\d{3} files, nothing to mend(; .*)?\n1 file, nothing to mend(; .*)?\n", err)


@pytest.mark.usefixtures("quick")
def test_how_many_files_were_checked_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, with how much is wrong, so that silence is never taken for a check."""
    write(tmp_path, "a.yaml", "id: 1\n")
    write(tmp_path, "b.YAML", SENTINEL)
    (tmp_path / "none").mkdir()

    assert [1, 0] == [main(["hunts", "check", str(each)]) for each in (tmp_path, tmp_path / "none")]
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("2 files, 3 problems and 1 warning; columns, types and calls were not checked: ")
    assert second.startswith("no file, nothing to mend; ")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", True),
        ("osPlatform: [Linux]", "osPlatform: [Windows]", False),
        ("T1560.001", "T1074.001", False),
        ("DeviceNetworkEvents", "DeviceEvents", True),
    ],
)
def test_a_new_hunt_is_told_which_hunts_look_for_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, *, told: bool
) -> None:
    """One of the same technique and systems with a table in common, on stderr, with the same exit code as without."""
    write(tmp_path, "mine.yaml", DEVICE.replace(old, new, 1) if old else DEVICE)

    assert 0 == main(["hunts", "check", "--strict", str(tmp_path)])
    said = "mine.yaml: T1560.001 is hunted by archive-then-upload, too: extend it rather than double it\n"
    assert told is (said in capsys.readouterr().err)


@pytest.mark.usefixtures("quick")
def test_a_hunt_that_takes_the_name_of_another_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names and ids of the shipped hunts are taken, as in HUNTS_DIR; a path that is not there is one, too."""
    write(tmp_path, "device-card.yaml", SENTINEL)

    assert 1 == main(["hunts", "check", str(tmp_path), str(tmp_path / "none")])
    assert [
        f"{tmp_path}/device-card.yaml:1:1: the name device-card is taken by another file",
        f"{tmp_path / 'none'}: there is no such file or folder",
    ] == capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("quick")
def test_a_file_is_named_as_it_is_found_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However its path is written; what the app says of it and what the check says have one name."""
    write(tmp_path / "mine", "A.yaml", SENTINEL.replace("query:", "querry:"))
    monkeypatch.chdir(tmp_path)

    assert 1 == main(["hunts", "check", "mine/../mine/A.yaml"])
    assert {"mine/A.yaml"} == {line.partition(":")[0] for line in capsys.readouterr().out.splitlines()}
