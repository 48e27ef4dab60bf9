"""Make the demo show a hunt: put the rows of its first case that must match where an incident of the demo looks."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sandbox.telemetry.engine import Engine, QueryError
from shared.catalog.file import name_of
from shared.catalog.load import SHIPPED, load_hunts
from shared.comment.secrets import mask_secrets
from shared.enrichment.windows import window_of
from shared.errors import HuntError
from shared.model.entity import Chosen
from shared.outcomes.cells import cell_text

from .asking import ask
from .cases import NOW, cases_file, differences, read_cases
from .moving import lines, moved
from .rows import load_files
from .run import hunt_file
from .stages import stage_for

if TYPE_CHECKING:
    from shared.model.entity import Indicator
    from shared.model.hunt import Hunt

    from .cases import Case, Cases
    from .stages import Stage

_TAKE = 1_000


class Staged(Struct, frozen=True):
    """
    A hunt that is ready to be shown.

    `rows` is the folder of the rows for the tenant, `count` how many of them are the device's, and `others` how many are
    about none of the incident's; `wanted` is what the hunt returned for them alone, with the columns `times`. `indicators` are
    the case's, which an indicator hunt is asked for, and `settings` those with which the app has the hunt.
    """

    hunt: Hunt
    stage: Stage
    rows: Path
    count: int
    others: int
    wanted: list[dict[str, str]]
    times: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    settings: dict[str, str]


def stage(path: Path, folder: Path) -> Staged:
    """
    Write what the demo needs to show the hunt in *path*, a file or the name of a shipped hunt, to *folder*.

    The case's rows end up as long before the end of the incident's window as they are before now in the case. Raises
    HuntError for a hunt or cases that cannot be used, and ValueError, which says what to write, where the hunt has no case
    with rows, its case is not as it says, or its rows are not found once they are on the device.
    """
    file = hunt_file(path)
    hunt = _loaded(file)
    cases, case = _first_case(file, hunt)
    engine = Engine()
    if wrong := differences(engine, hunt, cases, case):
        raise ValueError(
            f"{hunt.name}: its case {case.why!r} is not as it says, which `hunts test {file}` shows, too: {wrong[0]}"
        )
    now = datetime.now(UTC)
    place = stage_for(hunt, now)
    window = window_of(hunt, None, *place.active, now)
    try:
        tables, count = moved(engine, hunt, cases, case, place, window.end - NOW)
    except ValueError as error:
        raise ValueError(f"{cases_file(file)}: the case {case.why!r}: {error}") from None
    rows = folder / "rows"
    rows.mkdir()
    for table, some in tables.items():
        (rows / f"{table}.jsonl").write_text("\n".join([*lines(some), ""]), encoding="utf-8")
    engine.unload()
    load_files(engine, rows)
    asked = (
        Chosen(indicators=tuple(cases.indicators)) if hunt.entity == "indicator" else Chosen(place.devices)
    )
    try:
        schema, found = ask(engine, hunt, asked, window, _TAKE)
    except QueryError as error:
        raise ValueError(f"{hunt.name}: {error}") from error
    if not found:
        raise ValueError(
            f"{hunt.name}: the rows of its case {case.why!r} are not found once they are on {place.short}, "
            f"a {place.device.os_platform} device at another time: see what in them ties the query to the case's device"
        )
    times = tuple(column["name"] for column in schema if column["type"] == "DateTime")
    wanted = [{name: cell_text(value) for name, value in row.items()} for row in found]
    others = sum(map(len, tables.values())) - count
    return Staged(hunt, place, rows, count, others, wanted, times, asked.indicators, _settings(file, folder))


def plain(value: Any) -> str:
    """Return a cell's value as text, without secrets, as the app gives rows out."""
    return mask_secrets(cell_text(value))


def _loaded(file: Path) -> Hunt:
    """Read a hunt beside those that come with the app. Raises HuntError where the app could not use it."""
    catalog = load_hunts(SHIPPED, file)
    for error in catalog.broken:
        if error.file.resolve() == file.resolve():
            raise HuntError(file, error.problems)
    return catalog.by_name[name_of(file)]


def _first_case(file: Path, hunt: Hunt) -> tuple[Cases, Case]:
    beside = cases_file(file)
    if not beside.exists():
        raise ValueError(
            f"{hunt.name} has no cases, whose rows the demo would show: write {beside} (`hunts new` makes one to begin with)"
        )
    cases = read_cases(beside)
    for case in cases.cases:
        if case.rows:
            return cases, case
    raise ValueError(f"{beside}: no case has rows that must be found, which the demo would show: write one")


def _settings(file: Path, folder: Path) -> dict[str, str]:
    """Return the settings with which the app loads the hunt in *file*, alone beside those that come with it."""
    mine = file.resolve()
    if mine.is_relative_to(SHIPPED):
        return {}
    if own := os.environ.get("HUNTS_DIR"):
        if mine.is_relative_to(Path(own).resolve()):
            return {}
        raise ValueError(f"HUNTS_DIR is {own}, where {file} does not lie: unset it, or name a hunt in it")
    # Alone, since another file beside it may be half written.
    alone = folder / "hunts"
    alone.mkdir()
    shutil.copy(mine, alone / mine.name)
    return {"HUNTS_DIR": str(alone)}
