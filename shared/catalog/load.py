"""Load all hunt files: those that come with the app, and those in HUNTS_DIR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.errors import HuntError
from shared.model.hunt import Hunt

from .file import notices, read_hunt
from .source import place, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The hunts that come with the app.
SHIPPED = Path(__file__).parents[1] / "hunts"


class Catalog(Struct, frozen=True):
    """
    The hunts that can run, sorted by name, and the files that cannot be used, each with its problems.

    `notices` are what the authors of hunts that can run should know, `file:line:column: …`.
    """

    hunts: tuple[Hunt, ...]
    broken: tuple[HuntError, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def by_name(self) -> dict[str, Hunt]:
        """The hunts by their names."""
        return {hunt.name: hunt for hunt in self.hunts}


def load_hunts(*folders: Path) -> Catalog:
    """
    Load every `.yaml` and `.yml` file, in any case, below *folders*, by default those that come with the app.

    No HuntError is raised: a file that cannot be used is in `broken` with all its problems, as is a folder
    that does not exist. Of two files with the same name or id, the later one cannot be used.
    """
    hunts: dict[str, Hunt] = {}
    broken: list[HuntError] = []
    ids: dict[str, str] = {}
    noticed: list[str] = []
    for file in _files(folders or (SHIPPED,), broken):
        try:
            hunt = read_hunt(file, shipped=file.is_relative_to(SHIPPED))
        except HuntError as error:
            broken.append(error)
            continue
        problems = []
        if hunt.name in hunts:
            problems.append(place(file, f"the name {hunt.name} is taken by another file"))
        if hunt.id in ids:
            problems.append(read_source(file).problem(("id",), f"{hunt.id} is that of {ids[hunt.id]}"))
        if problems:
            broken.append(HuntError(file, tuple(problems)))
            continue
        hunts[hunt.name] = hunt
        ids[hunt.id] = hunt.name
        noticed += notices(file, hunt)
    return Catalog(tuple(hunts[name] for name in sorted(hunts)), tuple(broken), tuple(noticed))


def _files(folders: tuple[Path, ...], broken: list[HuntError]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            broken.append(HuntError(folder, (f"{folder}: there is no such folder",)))
            continue
        yield from sorted(
            f for f in folder.rglob("*") if f.suffix.lower() in {".yaml", ".yml"} and f.is_file()
        )
