"""Read rows of Defender's tables from files: what somebody exported, or made up."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.catalog.nearest import meant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.telemetry.engine import Engine

_KINDS = (".jsonl", ".json", ".csv")
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


def load_rows(engine: Engine, folder: Path) -> tuple[dict[str, int], datetime, datetime]:
    """
    Load the files `TABLE.jsonl`, `TABLE.json` (a list) and `TABLE.csv` in *folder* into *engine*.

    Times are ISO 8601. Returns how many rows each table has, and the first and the last Timestamp in them. Raises
    ValueError, with file and line, for what no table of Defender's can hold, and where no file is a table.
    """
    counts, times = load_files(engine, folder)
    if not times:
        wanted = ", ".join(f"TABLE{kind}" for kind in _KINDS)
        raise ValueError(
            f"{folder} holds no rows with a Timestamp: write files such as DeviceProcessEvents.jsonl ({wanted})"
        )
    return counts, min(times), max(times)


def load_files(engine: Engine, folder: Path) -> tuple[dict[str, int], list[datetime]]:
    """Load the files as `load_rows` does, also where none has a Timestamp; return each table's number of rows, and all times."""
    counts: dict[str, int] = {}
    times: list[datetime] = []
    for file in sorted(file for file in folder.iterdir() if file.suffix.lower() in _KINDS):
        columns = engine.tables.get(file.stem)
        if columns is None:
            raise ValueError(f"{file}: Defender has no table {file.stem}{meant(file.stem, engine.tables)}")
        rows = [_row(file, n, row, columns) for n, row in _read(file)]
        engine.load(file.stem, rows)
        counts[file.stem] = counts.get(file.stem, 0) + len(rows)
        times += [row["Timestamp"] for row in rows if row.get("Timestamp")]
    return counts, times


def _read(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the rows of a file, each with its line, in JSON with its number."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        if file.suffix.lower() == ".csv":
            reader = csv.DictReader(opened)
            for row in reader:
                yield reader.line_num, {name: value for name, value in row.items() if value}
            return
        try:
            if file.suffix.lower() == ".json":
                whole = json.load(opened)
                yield from enumerate(whole if isinstance(whole, list) else [whole], 1)
                return
            n = 0
            for n, line in enumerate(opened, 1):
                if line.strip():
                    yield n, json.loads(line)
        except json.JSONDecodeError as error:
            at = error.lineno if file.suffix.lower() == ".json" else n
            raise ValueError(f"{file}:{at}: is not JSON: {error.msg}") from error


def _row(file: Path, n: int, row: Any, columns: dict[str, str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValueError(f"{file}:{n}: is no row: write an object of columns and values")  # noqa: TRY004  (a file's)
    row = {str(name): value for name, value in row.items() if name not in {"table", "TimeGenerated"}}
    for name in row:
        if name not in columns:
            raise ValueError(f"{file}:{n}: {file.stem} has no column {name}{meant(name, columns)}")
    try:
        return {name: _value(value, columns[name]) for name, value in row.items()}
    except ValueError as error:
        raise ValueError(f"{file}:{n}: {error}") from error


def _value(value: Any, kind: str) -> Any:
    """Return a value of a file as a column of this type holds it; a CSV file has texts alone."""
    if not isinstance(value, str):
        return value
    if kind == "datetime":
        # Defender writes seven digits of a second, and Python reads six.
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if kind in {"int", "long"}:
        return int(value)
    if kind == "real":
        return float(value)
    if kind == "bool":
        if value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        raise ValueError(f"{value!r} is neither true nor false")
    if kind == "dynamic":
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value
