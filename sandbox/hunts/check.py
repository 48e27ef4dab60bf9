"""Say what is wrong with hunt files, and what is unusual about them."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox.kusto.judge import Judge, missing
from sandbox.telemetry.engine import tables
from shared.catalog.file import name_of
from shared.catalog.load import SHIPPED, hunt_files, load_hunts
from shared.catalog.source import read_source
from shared.errors import HuntError

from . import attack, cases, keys, queries, versions
from .doubles import doubles
from .queries import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.catalog.load import Catalog

#: How a problem of the file, or of its cases, begins.
_BESIDE = re.compile(r"[^/:]+:\d+:\d+: ")
_PLACE = re.compile(r":(\d+):(\d+): ")
#: What is looked at besides what the app itself refuses or has a notice of.
_RULES = (
    keys.names,
    keys.texts,
    attack.tactics_of,
    attack.techniques_of,
    queries.habits,
    versions.versions,
    cases.beside,
)


class Said(NamedTuple):
    """One problem of a file, which stands in its text's beginning: `NAME:line:column: …`, unless there is no such file."""

    file: Path
    text: str
    warning: bool = True

    def __str__(self) -> str:
        whole = f"{_shown(self.file.parent)}{self.text}" if _BESIDE.match(self.text) else self.text
        return f"{whole} (warning)" if self.warning else whole

    @property
    def place(self) -> tuple[str, int, int]:
        """The file, and the line and column in it, by which problems are sorted."""
        found = _PLACE.search(self.text)
        return str(self.file), int(found[1]) if found else 0, int(found[2]) if found else 0


def check(*, paths: list[Path], strict: bool) -> int:
    """
    Print every problem of hunt files, a line each; return 1 if any cannot be used, or, with *strict*, for warnings too.

    They are loaded beside the hunts that come with the app, as in HUNTS_DIR; without *paths*, those are checked. How many
    files there were is said on stderr, and so is whether Microsoft's parser could not be asked: what it alone sees is then not
    looked for. Of a hunt that is new, stderr names those that hunt for the same (`doubles`).
    """
    # A shipped file is loaded by its whole path, and may be named by another.
    paths = [path.resolve() for path in paths or [SHIPPED]]
    loaded = load_hunts(SHIPPED, *paths)
    said = sorted(problems(paths, loaded), key=lambda one: one.place)
    for one in said:
        print(one)
    files = _files(paths)
    for text in doubles(files, loaded):
        print(text, file=sys.stderr)
    warnings = sum(one.warning for one in said)
    print(_summary(len(files), len(said) - warnings, warnings), file=sys.stderr)
    return int(any(strict or not one.warning for one in said))


def _summary(files: int, problems: int, warnings: int) -> str:
    """Return in one line how many files were looked at, with what result, and what was not looked for."""
    counts = [_counted(problems, "problem"), _counted(warnings, "warning")]
    result = " and ".join(filter(None, counts)) or "nothing to mend"
    unasked = f"; columns, types and calls were not checked: {reason}" if (reason := missing()) else ""
    return f"{_counted(files, 'file') or 'no file'}, {result}{unasked}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else ""


def _files(paths: list[Path]) -> list[Path]:
    return list(hunt_files(*(path for path in paths if path.exists())))


def problems(paths: list[Path], loaded: Catalog) -> Iterator[Said]:
    """Yield what the app refuses of the hunt files in *paths*, which were *loaded*, then what is unusual about each."""

    def mine(file: Path) -> bool:
        return any(file.resolve().is_relative_to(path) for path in paths)

    refused = {error.file: list(error.problems) for error in loaded.broken if mine(error.file)}
    yield from (Said(notice.file, notice.text) for notice in loaded.notices if mine(notice.file))
    with _judge() as parser:
        for file in _files(paths):
            yield from _of_file(file, loaded, refused.pop(file, []), parser)
    for file, texts in refused.items():
        yield from (Said(file, text, warning=False) for text in texts)


def _of_file(file: Path, loaded: Catalog, refused: list[str], parser: Parser | None) -> Iterator[Said]:
    unusual, judged = [], []
    try:
        source, name = read_source(file), name_of(file)
    except HuntError:
        pass  # of which the loader has said all there is to say
    else:
        lines = frozenset(int(found[1]) for text in refused if (found := _PLACE.search(text)))
        looked = keys.Looked(source, None if refused else loaded.by_name.get(name), lines)
        unusual = [text for rule in _RULES for text in rule(looked)]
        judged = [*queries.judged(looked, parser)] if parser else []
    kept = [text for text in refused if not queries.only_follows(text, judged)]
    yield from (Said(file, text, warning=False) for text in (*kept, *judged))
    yield from (Said(file, text) for text in dict.fromkeys(unusual))


def _shown(folder: Path) -> str:
    """Return a folder as it is shown in front of a file's name: from here, where that is above it."""
    here = Path.cwd()
    return f"{folder.relative_to(here) if folder.is_relative_to(here) else folder}/".removeprefix("./")


@contextmanager
def _judge() -> Iterator[Parser | None]:
    """Yield Microsoft's parser, where it is there."""
    if missing():
        yield None
        return
    judge = Judge()
    try:
        yield Parser(judge, tables())
    finally:
        judge.close()
