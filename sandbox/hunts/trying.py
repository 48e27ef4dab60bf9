"""Run the cases of hunts, and say which of them differ, and how."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.catalog.load import SHIPPED, hunt_files, load_hunts
from shared.errors import HuntError

from .cases import cases_file, differences, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt


def test(*, paths: list[Path]) -> int:
    """
    Run the cases of the hunts in *paths*, files and folders, by default those that come with the app, and print each.

    Returns 1 if a case differs, a hunt or its cases cannot be read, or there are none; else 0. Raises ValueError for a
    path that is not there.
    """
    from sandbox.telemetry.engine import Engine

    started = time.monotonic()
    engine, count, wrong = Engine(), 0, 0
    for file in _files(paths):
        hunts = load_hunts(file)
        for error in hunts.broken:
            print(*error.problems, sep="\n")
            wrong += 1
        for hunt in hunts.hunts:
            print(hunt.name)
            ran, differ = _try(engine, hunt, cases_file(file))
            count, wrong = count + ran, wrong + differ
    passed = time.monotonic() - started
    print(f"\n{count} cases, {f'{wrong} wrong' if wrong else 'all as they should be'} ({passed:.1f} s)")
    return int(bool(wrong) or not count)


def _files(paths: list[Path]) -> list[Path]:
    """Return the hunt files that are named, by themselves, by their cases, or by a folder."""
    if missing := [str(path) for path in paths if not path.exists()]:
        raise ValueError(f"there is no {', '.join(missing)}")
    named = [path.with_suffix(".yaml") if path.suffix == ".cases" else path for path in paths or [SHIPPED]]
    return list(hunt_files(*named))


def _try(engine: Engine, hunt: Hunt, file: Path) -> tuple[int, int]:
    """Run a hunt's cases; return how many there are, and how many are wrong."""
    if not file.exists():
        print(f"  has no cases: write {file.name} beside it")
        return 0, 1
    try:
        cases = read_cases(file)
    except HuntError as error:
        print(*(f"  {problem}" for problem in error.problems), sep="\n")
        return 0, 1
    wrong = 0
    for case in cases.cases:
        differ = differences(engine, hunt, cases, case)
        print(f"  {'DIFFERS' if differ else 'ok     '}  {case.why}")
        for line in differ:
            print(f"           {line}")
        wrong += bool(differ)
    return len(cases.cases), wrong
