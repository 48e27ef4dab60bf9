"""
The cases of a hunt: rows that it must find, and rows that it must not, in `NAME.cases` beside its file.

`telemetry` of the file is there in every case. Each case adds rows of its own, and lists those that the hunt must return, in their
order; a row may leave out columns, and the list may be empty. A `Timestamp` in telemetry is written as minutes before now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct, ValidationError, convert

from sandbox.telemetry.engine import QueryError, tables, timestamp
from shared.catalog.document import no_yaml
from shared.catalog.nearest import meant
from shared.catalog.slips import no_column
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
    """Read a file of cases. Raises HuntError with what is wrong with it, and where; names of tables and columns are looked at, too."""
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.load(text, _LOADER)  # noqa: S506 - both are safe
    except OSError as error:
        raise HuntError(file, (place(file, f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise HuntError(file, (place(file, "write the file in UTF-8"),)) from error
    except yaml.MarkedYAMLError as error:
        said = no_yaml(text, error)
        at = (said.mark.line + 1, said.mark.column + 1) if said.mark else (1, 1)
        raise HuntError(file, (place(file, str(said), *at),)) from error
    except yaml.YAMLError as error:
        raise HuntError(file, (place(file, "is not YAML"),)) from error
    try:
        cases = convert(content, Cases)
    except ValidationError as error:
        if content is None:
            raise HuntError(file, (place(file, "write at least `cases:`"),)) from error
        raise HuntError(file, (_source(file, text).problem((), str(error)),)) from error
    every: list[tuple[tuple[str | int, ...], Tables]] = [(("telemetry",), cases.telemetry)]
    every += [(("cases", n, "telemetry"), case.telemetry) for n, case in enumerate(cases.cases)]
    places: dict[str, list[tuple[str | int, ...]]] = {}
    for where, telemetry in every:
        for path, wrong in _unknown(telemetry, where):
            places.setdefault(wrong, []).append(path)
    if places:
        source = _source(file, text)
        raise HuntError(file, tuple(_problem(source, wrong, paths) for wrong, paths in places.items()))
    return cases


def _source(file: Path, text: str) -> Source:
    root: Any = yaml.compose(text, Loader=_LOADER)  # not None where there is content
    return Source(file, text.splitlines(), {}, root)


def _problem(source: Source, said: str, paths: list[tuple[str | int, ...]]) -> str:
    """Return what is wrong at the first of *paths*, with their number: a row that others take up (`<<: *row`) is wrong in each of them."""
    more = f" (in {len(paths)} rows)" if len(paths) > 1 else ""
    return source.problem(paths[0], said + more, at_key=True)


def _unknown(telemetry: Tables, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield where rows name a table or a column that Defender does not have, and what was probably meant."""
    known = _tables()
    for table, rows in telemetry.items():
        if table not in known:
            yield (*path, table), f"Defender has no table {table}{meant(table, known)}"
            continue
        for n, row in enumerate(rows):
            for name in sorted(row.keys() - known[table].keys()):
                said = f"{table} has no column {name}{meant(name, known[table])}"
                yield (*path, table, n, name), said


# Read from a file, which takes longer than most cases.
_tables = cache(tables)


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


def case_rows(engine: Engine, hunt: Hunt, cases: Cases, case: Case) -> tuple[list[str], list[Row]]:
    """
    Return the columns and the rows that a hunt has for a *case* of its *cases*; what *engine* was given before is taken out of it.

    Raises ValueError for telemetry that Defender's tables cannot hold, and QueryError for a query that cannot be run.
    """
    engine.unload()
    for telemetry in (cases.telemetry, case.telemetry):
        for table, rows in telemetry.items():
            engine.load(table, [timed(engine, table, row) for row in rows])
    schema, found = ask(engine, hunt, _chosen(hunt, cases), Window(NOW - hunt.lookback, NOW), _TAKE)
    return [column["name"] for column in schema], found


def differences(engine: Engine, hunt: Hunt, cases: Cases, case: Case) -> list[str]:
    """Return in which ways the rows of a case are not those that it lists, a line each; [] where they are."""
    try:
        columns, rows = case_rows(engine, hunt, cases, case)
    except (ValueError, QueryError) as error:
        return [f"it cannot be run: {error}"]
    lines = [
        f"row {n}: {no_column(name, columns)}"
        for n, wanted in enumerate(case.rows, 1)
        for name in wanted
        if name not in columns
    ]
    lines += [
        f"row {n}, {name}: wanted {_plain(value)!r}, got {row[name]!r}"
        for n, (wanted, row) in enumerate(zip(case.rows, rows, strict=False), 1)
        for name, value in wanted.items()
        if name in row and row[name] != _plain(value)
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
