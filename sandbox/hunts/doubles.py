"""Which of the app's hunts look for what a new hunt looks for, so that one is extended where two would say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.catalog.attack import techniques_of
from shared.catalog.file import name_of
from shared.catalog.load import SHIPPED, hunt_files
from shared.errors import HuntError

from .git import ask_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shared.catalog.load import Catalog
    from shared.model.hunt import Hunt

#: What many hunts read beside what they are about.
_BESIDE = {"DeviceInfo"}
_NAMED = 4


def doubles(files: Iterable[Path], loaded: Catalog) -> Iterator[str]:
    """
    Yield a line for each technique of a hunt in *files* that hunts of the app have, too, on the same systems and a table in common.

    Nothing is said of hunts that are the app's own since the last commit, or, without git, of those that lie among them.
    """
    own = _committed()
    old = [hunt for hunt in loaded.hunts if hunt.shipped and hunt.name in own]
    for file in files:
        try:
            hunt = loaded.by_name.get(name_of(file))
        except HuntError:
            continue
        if hunt is None or (hunt.shipped and hunt.name in own):
            continue
        for technique in techniques_of(hunt):
            same = [other.name for other in old if technique in techniques_of(other) and _meet(hunt, other)]
            if same:
                more = f" and {len(same) - _NAMED} more" if len(same) > _NAMED else ""
                names = ", ".join(same[:_NAMED]) + more
                yield f"{file.name}: {technique} is hunted by {names}, too: extend it rather than double it"


def _meet(one: Hunt, other: Hunt) -> bool:
    """Tell whether two hunts are for the same entity and system, and read a table in common."""
    mine, theirs = ({name.lower() for name in each.applies_to.os_platform} or {""} for each in (one, other))
    systems = any(a.startswith(b) or b.startswith(a) for a in mine for b in theirs)
    return one.entity == other.entity and systems and not {*one.tables}.isdisjoint({*other.tables} - _BESIDE)


def _committed() -> set[str]:
    """Return the names of the app's hunts in git's last commit; without git, or a repository that has any, of all that lie there."""
    lines = (
        (ask_git(SHIPPED, "ls-tree", "-r", "--name-only", "HEAD", ".") or b"")
        .decode(errors="replace")
        .splitlines()
    )
    names = {line.rpartition("/")[2].removesuffix(".yaml") for line in lines if line.endswith(".yaml")}
    return names or {file.stem for file in hunt_files(SHIPPED)}
