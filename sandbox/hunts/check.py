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

    They are loaded beside the hunts that come with the app, as in HUNTS_DIR; without *paths*, those are checked. Whether
    Microsoft's parser could not be asked is said on stderr: what it alone sees is then not looked for.
    """
    if reason := missing():
        print(f"Not asked: Microsoft's parser, for columns, types and calls. {reason}.", file=sys.stderr)
    said = sorted(problems(paths or [SHIPPED]), key=lambda one: one.place)
    for one in said:
        print(one)
    return int(any(strict or not one.warning for one in said))


def problems(paths: list[Path]) -> Iterator[Said]:
    """Yield what the app refuses of the hunt files in *paths*, then what is unusual about each."""
    # A shipped file is loaded by its whole path, and may be named by another.
    paths = [path.resolve() for path in paths]
    loaded = load_hunts(SHIPPED, *paths)

    def mine(file: Path) -> bool:
        return any(file.resolve().is_relative_to(path) for path in paths)

    refused: dict[Path, list[str]] = {}
    for error in loaded.broken:
        if mine(error.file):
            refused[error.file] = list(error.problems)
            yield from (Said(error.file, text, warning=False) for text in error.problems)
    yield from (Said(notice.file, notice.text) for notice in loaded.notices if mine(notice.file))
    with _judge() as parser:
        for file in hunt_files(*(path for path in paths if path.exists())):
            yield from _unusual(file, loaded, refused.get(file, []), parser)


def _unusual(file: Path, loaded: Catalog, refused: list[str], parser: Parser | None) -> Iterator[Said]:
    try:
        source, name = read_source(file), name_of(file)
    except HuntError:
        return  # of which the loader has said all there is to say
    lines = frozenset(int(found[1]) for text in refused if (found := _PLACE.search(text)))
    looked = keys.Looked(source, None if refused else loaded.by_name.get(name), lines)
    texts = [text for rule in _RULES for text in rule(looked)]
    yield from (Said(file, text) for text in dict.fromkeys(texts))
    if parser:
        yield from (Said(file, text, warning=False) for text in queries.judged(looked, parser))


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
