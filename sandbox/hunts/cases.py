"""
The cases of a hunt: rows that it must find, and rows that it must not, in `NAME.cases` beside its file.

`telemetry` of the file is there in every case. Each case adds rows of its own, and lists those that the hunt must return, in their
order; a row may leave out columns, and the list may be empty. A `Timestamp` in telemetry is written as minutes before now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct, ValidationError, convert

from sandbox.telemetry.engine import QueryError, timestamp
from shared.catalog.source import Source, place
from shared.errors import HuntError
from shared.model.entity import Chosen, Device, Indicator
from shared.model.outcome import Window

from .asking import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt

    from .keys import Looked

Row = dict[str, Any]
Tables = dict[str, list[Row]]

#: The time of every case, so that the times in its rows can be told beforehand.
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_TAKE = 100
#: The one in C takes a tenth of the time; not every build of PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One case: `why` says what it tries, `rows` are those to be found."""

    why: str
    rows: list[Row]
    telemetry: Tables = {}


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    """The cases of a hunt, and what all of them have: what is hunted for, and `telemetry`."""

    cases: list[Case]
    devices: list[Device] = []
    indicators: list[Indicator] = []
    telemetry: Tables = {}


def cases_file(hunt_file: Path) -> Path:
    """Return the file in which the cases of the hunt in *hunt_file* stand."""
    return hunt_file.with_suffix(".cases")


def read_cases(file: Path) -> Cases:
    """Read a file of cases. Raises HuntError with what is wrong with it, and where."""
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.load(text, _LOADER)  # noqa: S506 - both are safe
    except OSError as error:
        raise HuntError(file, (place(file, f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise HuntError(file, (place(file, "write the file in UTF-8"),)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise HuntError(
            file, (place(file, getattr(error, "problem", None) or "is not YAML", *at),)
        ) from error
    try:
        return convert(content, Cases)
    except ValidationError as error:
        if (root := yaml.compose(text, Loader=_LOADER)) is None:
            raise HuntError(file, (place(file, "write at least `cases:`"),)) from error
        raise HuntError(file, (Source(file, text.splitlines(), {}, root).problem((), str(error)),)) from error


def beside(looked: Looked) -> Iterator[str]:
    """Yield what is wrong with the cases of a hunt file; one that is shipped must have some, others may."""
    file = cases_file(looked.source.file)
    if not file.exists():
        if looked.shipped:
            yield place(
                looked.source.file,
                f"write {file.name} beside it: rows to find, and rows not to (`hunts new` makes one)",
            )
        return
    try:
        kinds = {bool(case.rows) for case in read_cases(file).cases}
    except HuntError as error:
        yield from error.problems
        return
    if kinds != {True, False}:
        yield place(file, f"write a case {'without' if True in kinds else 'with'} rows, too")


def case_rows(engine: Engine, hunt: Hunt, cases: Cases, case: Case) -> list[Row]:
    """
    Return the rows that a hunt finds in a *case* of its *cases*; what *engine* was given before is taken out of it.

    Raises ValueError for telemetry that Defender's tables cannot hold, and QueryError for a query that cannot be run.
    """
    engine.unload()
    for telemetry in (cases.telemetry, case.telemetry):
        for table, rows in telemetry.items():
            engine.load(table, [timed(engine, table, row) for row in rows])
    return ask(engine, hunt, _chosen(hunt, cases), Window(NOW - hunt.lookback, NOW), _TAKE)[1]


def differences(engine: Engine, hunt: Hunt, cases: Cases, case: Case) -> list[str]:
    """Return in which ways the rows of a case are not those that it lists, a line each; [] where they are."""
    try:
        rows = case_rows(engine, hunt, cases, case)
    except (ValueError, QueryError) as error:
        return [f"it cannot be run: {error}"]
    lines = [
        f"row {n}, {name}: wanted {_plain(value)!r}, got {row.get(name, 'no such column')!r}"
        for n, (wanted, row) in enumerate(zip(case.rows, rows, strict=False), 1)
        for name, value in wanted.items()
        if name not in row or row[name] != _plain(value)
    ]
    lines += [
        f"row {n}: wanted {wanted}, got no row" for n, wanted in enumerate(case.rows, 1) if n > len(rows)
    ]
    return lines + [
        f"row {n}: wanted no row, got { {name: value for name, value in row.items() if value not in ('', None)} }"
        for n, row in enumerate(rows, 1)
        if n > len(case.rows)
    ]


def _chosen(hunt: Hunt, cases: Cases) -> Chosen:
    if hunt.entity == "device" and not cases.devices:
        raise ValueError("write devices, each with an id or a name: it hunts for devices")
    if hunt.entity == "indicator" and not cases.indicators:
        raise ValueError(f"write indicators, each with kind and value: it hunts for {', '.join(hunt.kinds)}")
    return Chosen(tuple(cases.devices), tuple(cases.indicators))


def timed(engine: Engine, table: str, row: Row) -> Row:
    """Return a row of a case with its Timestamp as a time before NOW. Raises ValueError where there is none."""
    minutes = row.get("Timestamp")
    if "Timestamp" not in row and "Timestamp" not in engine.tables.get(table, {"Timestamp": ""}):
        return row
    if not isinstance(minutes, (int, float)):
        raise ValueError(f"write Timestamp in each row of {table}, as minutes before now")  # noqa: TRY004  (a file's)
    return row | {"Timestamp": NOW - timedelta(minutes=minutes)}


def _plain(value: Any) -> Any:
    """Return a value that a case wants as an answer has it: a time that YAML read is a text there."""
    return timestamp(value) if isinstance(value, datetime) else value
