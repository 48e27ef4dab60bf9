"""Load all hunt files: those that come with the app, and those in HUNTS_DIR."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from shared.errors import HuntError
from shared.model.hunt import Hunt

from .document import LONGEST
from .file import name_of, read_hunt
from .source import place, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The hunts that come with the app.
SHIPPED = Path(__file__).parents[1] / "hunts"


class Notice(NamedTuple):
    """What the author of a hunt that can run should know; `text` begins with its place, `file:line:column: …`."""

    file: Path
    text: str

    def __str__(self) -> str:
        return self.text


class Catalog(Struct, frozen=True):
    """
    The hunts that can run, sorted by name, and the files that cannot be used, each with its problems.

    `notices` are what the authors of hunts that can run should know.
    """

    hunts: tuple[Hunt, ...]
    broken: tuple[HuntError, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def by_name(self) -> dict[str, Hunt]:
        """The hunts by their names."""
        return {hunt.name: hunt for hunt in self.hunts}


def load_hunts(*paths: Path) -> Catalog:
    """
    Load *paths*, by default the hunts that come with the app: hunt files, and folders of them.

    Below a folder, these are all `.yaml` and `.yml` files, in any case; a file that is named twice is loaded once.

    No HuntError is raised: a file that cannot be used is in `broken` with all its problems, as is a folder
    that does not exist. Of two files with the same name or id, the later one cannot be used.
    """
    hunts: dict[str, Hunt] = {}
    broken: list[HuntError] = []
    ids: dict[str, str] = {}
    noticed: list[Notice] = []
    paths = paths or (SHIPPED,)
    missing = [path for path in paths if not path.exists()]
    broken += [HuntError(path, (f"{path}: there is no such file or folder",)) for path in missing]
    for file in hunt_files(*(path for path in paths if path not in missing)):
        try:
            hunt, notices = _read(file, shipped=file.is_relative_to(SHIPPED))
        except HuntError as error:
            broken.append(HuntError(file, (*error.problems, *_taken_too(file, ids))))
            continue
        if problems := _taken(file, hunt.name, hunt.id, ids):
            broken.append(HuntError(file, problems))
            continue
        hunts[hunt.name] = hunt
        ids[hunt.id] = hunt.name
        noticed += [Notice(file, text) for text in notices]
    return Catalog(tuple(hunts[name] for name in sorted(hunts)), tuple(broken), tuple(noticed))


def _taken(file: Path, name: str, id_: str, ids: dict[str, str]) -> tuple[str, ...]:
    """Return a problem for a hunt's name and for its id where another hunt has it; *ids* has the others' names by their ids."""
    problems = [place(file, f"the name {name} is taken by another file")] if name in ids.values() else []
    if id_ in ids:
        problems.append(read_source(file).problem(("id",), f"{id_} is that of {ids[id_]}"))
    return tuple(problems)


def _taken_too(file: Path, ids: dict[str, str]) -> tuple[str, ...]:
    """Return the same of a file that has other problems, so that all are told at once; nothing where it is no YAML or has no name."""
    try:
        return _taken(file, name_of(file), str(read_source(file).content.get("id")).lower(), ids)
    except HuntError:
        return ()


def _read(file: Path, *, shipped: bool) -> tuple[Hunt, tuple[str, ...]]:
    """Read a hunt, unless the same file was read before: what is loaded again takes as long as what changed in it."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST + 1)
    except OSError:
        return read_hunt(file, shipped=shipped)
    return _known(file, content, shipped=shipped)


@lru_cache(maxsize=2_000)
def _known(file: Path, _content: bytes, *, shipped: bool) -> tuple[Hunt, tuple[str, ...]]:
    return read_hunt(file, shipped=shipped)


def hunt_files(*paths: Path) -> Iterator[Path]:
    """Yield the hunt files that *paths*, which exist, name, or that lie below these, each once."""
    seen: set[Path] = set()
    for path in paths:
        inside = sorted(f for f in path.rglob("*") if f.suffix.lower() in {".yaml", ".yml"} and f.is_file())
        for file in [path] if path.is_file() else inside:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file
