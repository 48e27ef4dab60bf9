"""
Make all that a release consists of, but its provenance, which only the workflow that builds it can vouch for.

    python -m infra.release dist/release                 to look at
    python -m infra.release dist/release --tag v1.0.0    refused unless it is what CHANGELOG.md has under that version

These are the package that is deployed, its bill of materials, the compiled templates, and SHA256SUMS over them; beside the
folder, `notes.md` is what CHANGELOG.md says of the version. The same sources make the same bytes. Before a version has
its date, the files' names end in `unreleased`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from infra import arm, installed, package, sbom
from shared.version import VERSION

ROOT = Path(__file__).parent.parent
_HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d{2}-\d{2})$", re.MULTILINE)
_SUMS = "SHA256SUMS"


class ReleaseRefused(Exception):
    """There is no release; the message says what must change first."""


class Entry(NamedTuple):
    """What CHANGELOG.md has under its topmost heading: the version, its day, None before it is released, and the text."""

    version: str
    when: datetime | None
    notes: str


def entry(changelog: str) -> Entry:
    """Return the topmost entry of a change log. Raises ReleaseRefused where no heading names a version and a day."""
    _, *found = _HEADING.split(changelog, maxsplit=2)
    if not found:
        raise ReleaseRefused("CHANGELOG.md has no heading such as: ## [1.0.0] - 2026-11-29")
    version, day, notes = found[:3]
    when = None if day == "unreleased" else datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Entry(version, when, f"{notes.strip()}\n")


def may_be_released(newest: Entry, tag: str, version: str = VERSION) -> None:
    """Raise ReleaseRefused unless *newest* is the entry of *version*, and has its day and its *tag* if there is one."""
    if newest.version != version:
        raise ReleaseRefused(f"shared/version.py says {version}, and CHANGELOG.md {newest.version}")
    if tag and newest.when is None:
        raise ReleaseRefused(f"CHANGELOG.md says that {version} is unreleased: write the day")
    if tag not in {"", f"v{version}"}:
        raise ReleaseRefused(f"the tag {tag} is not v{version}")


def make(folder: Path, newest: Entry, *, tagged: bool) -> None:
    """
    Write the files of a release into *folder*, which is emptied first.

    A release that is *tagged* needs the templates, compiled with the published modules: without, it raises NotCompiled or
    ReleaseRefused. Another one goes without, and says so. What was compiled with stand-ins is in no list of sums. Raises
    what `package.check` raises if the package does not start.
    """
    shutil.rmtree(folder, ignore_errors=True)
    stem = f"outrider-{newest.version}{'' if newest.when else '-unreleased'}"
    templates = _templates(folder, f"{stem}-", tagged=tagged)
    zipped, bill = folder / f"{stem}.zip", folder / f"{stem}.cdx.json"
    package.build(zipped)
    package.check(zipped)
    sbom.write(bill, package=zipped, when=newest.when)
    files = sorted([zipped, bill, *templates])
    sums = "".join(f"{sbom.digest(each)}  {each.name}\n" for each in files)
    (folder / _SUMS).write_text(sums, encoding="utf-8")
    (folder.parent / "notes.md").write_text(newest.notes, encoding="utf-8")


def _templates(folder: Path, prefix: str, *, tagged: bool) -> list[Path]:
    """Compile the templates, and return those that may be released."""
    try:
        made = arm.build(folder, prefix)
    except arm.NotCompiled as error:
        if tagged:
            raise
        print(f"Left out: the templates. {error}", file=sys.stderr)
        return []
    stand_ins = [each for each in made if each.name.endswith(arm.STAND_IN)]
    if stand_ins and tagged:
        raise ReleaseRefused(f"{stand_ins[0].name} was compiled with stand-ins for the published modules")
    return [each for each in made if each not in stand_ins]


def main(arguments: list[str]) -> int:
    """Make a release as the command line says; return the process's exit code: 0, or 1 if there is none."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.release", description=__doc__.strip().splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tag", default="", help="the tag that is to be released")
    asked = parser.parse_args(arguments)
    try:
        newest = entry((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
        may_be_released(newest, asked.tag)
        make(asked.folder, newest, tagged=bool(asked.tag))
    except (ReleaseRefused, arm.NotCompiled, package.PackageFailed, installed.NotInstalled) as error:
        print(f"There is no release: {error}", file=sys.stderr)
        return 1
    for each in sorted(asked.folder.iterdir()):
        print(f"{each.stat().st_size / 1e3:9.1f} KB  {each}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
