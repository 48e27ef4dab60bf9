"""A release: one version, refused where anything disagrees, and files that are the same wherever they are made."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import arm, release
from shared.version import VERSION
from tests.support.compilers import OURS, PUBLISHED, STAND_IN, compiled, compiler

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 29, tzinfo=UTC)
CHANGELOG = """# Changelog

## [1.1.0] - 2026-11-29

### Added

- More.

## [1.0.0] - 2026-11-20

- All.
"""


def test_there_is_one_version() -> None:
    """The app tells it, CHANGELOG.md begins with it, and the template of azd has its first number."""
    newest = release.entry((ROOT / "CHANGELOG.md").read_text("utf-8"))

    assert VERSION == newest.version
    assert f"template: outrider@{VERSION.partition('.')[0]}\n" in (ROOT / "azure.yaml").read_text("utf-8")


def test_every_heading_of_the_changelog_names_a_version_and_its_day() -> None:
    """The newest comes first, and it alone may not be released yet."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    read = [release.entry(f"## {heading}\n") for heading in headings]
    numbers = [tuple(map(int, each.version.split("."))) for each in read]

    assert sorted(numbers, reverse=True) == numbers
    assert all(each.when for each in read[1:])


def test_the_notes_of_a_release_are_those_of_its_version() -> None:
    """They end where the version before begins; the first version's end with the file."""
    assert release.Entry("1.1.0", NOW, "### Added\n\n- More.\n") == release.entry(CHANGELOG)
    assert "- All.\n" == release.entry(CHANGELOG.partition("- More.\n")[2]).notes


@pytest.mark.parametrize(
    "heading", ["## [Unreleased]", "## 1.0.0 - 2026-11-29", "## [1.0.0]", "## [v1.0.0] - 2026-11-29"]
)
def test_a_heading_of_another_form_is_refused(heading: str) -> None:
    """Its version would be read as none, and the release be that of the version before."""
    with pytest.raises(release.ReleaseRefused, match="has no heading such as"):
        release.entry(f"{heading}\n")


@pytest.mark.parametrize("tag", ["", "v1.1.0"])
def test_a_release_whose_version_day_and_tag_agree_may_be(tag: str) -> None:
    """Without a tag, it is one to look at."""
    release.may_be_released(release.entry(CHANGELOG), tag, "1.1.0")


@pytest.mark.parametrize(
    ("version", "day", "tag", "message"),
    [
        ("1.2.0", "2026-11-29", "", "says 1.2.0, and CHANGELOG.md 1.1.0"),
        ("1.1.0", "unreleased", "v1.1.0", "says that 1.1.0 is unreleased"),
        ("1.1.0", "2026-11-29", "v1.0.0", "the tag v1.0.0 is not v1.1.0"),
        ("1.1.0", "2026-11-29", "1.1.0", "the tag 1.1.0 is not v1.1.0"),
    ],
)
def test_a_release_whose_version_day_and_tag_disagree_is_refused(
    version: str, day: str, tag: str, message: str
) -> None:
    """The message says what does not agree."""
    newest = release.entry(CHANGELOG.replace("2026-11-29", day))

    with pytest.raises(release.ReleaseRefused, match=re.escape(message)):
        release.may_be_released(newest, tag, version)


def bicep(monkeypatch: pytest.MonkeyPatch, folder: Path, module: dict[str, object]) -> None:
    """Make a compiler the one that is found, whose templates have one *module*."""
    written = json.dumps(compiled(OURS, compiled(module)))
    compiler(monkeypatch, folder, f"printf %s {shlex.quote(written)}")


def test_a_tagged_release_has_the_package_its_bill_the_templates_and_their_sums(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Files of an earlier release are gone; the sums are in the form that sha256sum reads; the notes lie beside."""
    bicep(monkeypatch, tmp_path, PUBLISHED)
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "outrider-0.9.0.zip").touch()
    release.make(folder, release.Entry(VERSION, NOW, "- All.\n"), tagged=True)
    monkeypatch.undo()
    names = {f"outrider-{VERSION}.zip", f"outrider-{VERSION}.cdx.json", f"outrider-{VERSION}-main.json"}
    compared = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert {*names, "SHA256SUMS"} == {each.name for each in folder.iterdir()}
    assert sorted(f"{name}: OK" for name in names) == compared.stdout.splitlines()
    assert "- All.\n" == (tmp_path / "notes.md").read_text("utf-8")


def test_a_release_to_look_at_has_no_sum_of_what_stand_ins_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is there, under its own name, as all files of a version that has no day yet."""
    bicep(monkeypatch, tmp_path, STAND_IN)
    release.make(tmp_path / "release", release.Entry(VERSION, None, ""), tagged=False)
    stem = f"outrider-{VERSION}-unreleased"
    sums = (tmp_path / "release" / "SHA256SUMS").read_text("utf-8")

    assert (tmp_path / "release" / f"{stem}-main-stand-in.json").is_file()
    assert [f"{stem}.cdx.json", f"{stem}.zip"] == re.findall(r"  (\S+)\n", sums)


def test_what_stand_ins_made_is_never_released(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor is a release without the templates."""
    newest = release.Entry(VERSION, NOW, "")
    bicep(monkeypatch, tmp_path, STAND_IN)
    with pytest.raises(release.ReleaseRefused, match=r"main-stand-in\.json was compiled with stand-ins"):
        release.make(tmp_path / "release", newest, tagged=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(arm.NotCompiled, match="bicep is not on the PATH"):
        release.make(tmp_path / "release", newest, tagged=True)

    assert [] == [*tmp_path.rglob("SHA256SUMS")]
