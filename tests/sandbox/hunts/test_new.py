"""`python -m sandbox hunts new` writes a hunt and its cases, which are whole as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from shared.catalog.load import SHIPPED, load_hunts

if TYPE_CHECKING:
    from pathlib import Path

MADE = {
    "on-any-device": ["--for", "device"],
    "on-linux": ["--for", "device", "--os", "Linux"],
    "on-windows": ["--for", "device", "--os", "Windows"],
    "on-a-mac": ["--for", "device", "--os", "macOS"],
    "of-an-address": ["--for", "indicator", "--kinds", "ip"],
    "of-a-hash": ["--for", "indicator", "--kinds", "fileHash"],
    "of-all-kinds": ["--for", "indicator", "--kinds", "ip, url,domain,fileHash"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of one's own with a new hunt of each sort."""
    folder = tmp_path_factory.mktemp("hunts") / "mine"
    for name, options in MADE.items():
        assert 0 == main(["hunts", "new", name, *options, "--folder", str(folder)])
    return folder


def test_a_new_hunt_passes_the_strict_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to warn of, with Microsoft's parser where it is there."""
    assert 0 == main(["hunts", "check", "--strict", str(folder)])
    assert "" == capsys.readouterr().out


def test_the_cases_of_a_new_hunt_are_as_they_should_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has rows to find, and rows not to."""
    assert 0 == main(["hunts", "test", str(folder)])
    out = capsys.readouterr().out
    assert all(f"\n{name}\n" in f"\n{out}" for name in MADE)
    assert "all as they should be" in out


def test_a_new_hunt_is_what_was_asked_for(folder: Path) -> None:
    """Its system and its kinds; each has an id of its own, and runs by itself."""
    hunts = load_hunts(folder).by_name

    assert MADE.keys() == hunts.keys()
    assert ("Linux",) == hunts["on-linux"].applies_to.os_platform
    assert () == hunts["on-any-device"].applies_to.os_platform
    assert ("ip", "url", "domain", "fileHash") == hunts["of-all-kinds"].kinds
    assert len(MADE) == len({hunt.id for hunt in hunts.values()})
    assert all(hunt.auto for hunt in hunts.values())


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a file that is there, nor its cases alone, nor the name of a shipped hunt is taken."""
    before = {file: file.read_bytes() for file in folder.iterdir()}
    (folder / "lonely.cases").write_text("cases: []\n")
    taken = ("on-linux", "lonely", "device-card")

    assert [2] * 3 == [
        main(["hunts", "new", name, "--for", "device", "--folder", str(folder)]) for name in taken
    ]
    assert 3 == capsys.readouterr().err.count("is there already: take another name")
    assert before == {file: file.read_bytes() for file in before}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine", "--for", "account"], "no hunt can be for an account yet: hunt for a device"),
        (["mine", "--for", "message"], "no hunt can be for a message yet: hunt for a device"),
        (["Mine.yaml", "--for", "device"], "'Mine.yaml' is no name for a hunt: use small letters"),
        (["../mine", "--for", "device"], "'../mine' is no name for a hunt"),
        (["mine", "--for", "indicator", "--os", "Linux"], "--os is for hunts for devices"),
    ],
)
def test_what_cannot_be_made_is_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sentence that says why, and without a file."""
    assert 2 == main(["hunts", "new", *arguments, "--folder", str(tmp_path)])
    assert said in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_a_kind_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has those that there are."""
    with pytest.raises(SystemExit):
        main(["hunts", "new", "mine", "--for", "indicator", "--kinds", "ip,mail"])

    assert "'mail' is no kind of indicator: there are ip, url, domain, fileHash" in capsys.readouterr().err
    assert not list(SHIPPED.rglob("mine.*"))
