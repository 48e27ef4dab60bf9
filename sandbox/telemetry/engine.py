"""
Run Advanced Hunting KQL on one machine.

Tables and columns are those of `defender-schemas.json`: Microsoft's documentation of Advanced Hunting (CC BY
4.0), as extracted by FalconForceTeam/KQLAnalyzer. `LogonID` is left out, since names in DuckDB ignore case
and DeviceProcessEvents has `LogonId` as well.
"""

from __future__ import annotations

import json
import math
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import duckdb_kql

from .steps import steps
from .translation import Translator, columns_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Row = dict[str, Any]
Column = dict[str, str]

_AT_ONCE = 100  # rows per statement
_COLUMN_TYPES = {
    "string": "VARCHAR DEFAULT ''",  # a Kusto string is never null
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "real": "DOUBLE",
    "dynamic": "JSON",
    "guid": "UUID",
}
_GRAPH_TYPES = {
    "VARCHAR": "String",
    "TIMESTAMP": "DateTime",
    "BIGINT": "Int64",
    "HUGEINT": "Int64",
    "INTEGER": "Int32",
    "BOOLEAN": "SByte",
    "DOUBLE": "Double",
    "INTERVAL": "TimeSpan",
    "UUID": "Guid",
}


class QueryError(Exception):
    """The query cannot be run; the message is worded as Graph words it."""


def tables() -> dict[str, dict[str, str]]:
    """Return the columns of every table: table -> column -> KQL type."""
    schemas = json.loads(Path(__file__).with_name("defender-schemas.json").read_text(encoding="utf-8"))
    return {table: {c: t for c, t in columns.items() if c != "LogonID"} for table, columns in schemas.items()}


class Engine:
    """
    Advanced Hunting tables in DuckDB.

    *path* is a database file, which is created or reopened; by default everything stays in memory. Any number
    of threads may hunt at once.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self.tables = tables()
        self.connection = duckdb_kql.connect(path)
        for table, columns in self.tables.items():
            body = ", ".join(f'"{name}" {_COLUMN_TYPES[kind]}' for name, kind in columns.items())
            self.connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" ({body})')
        # Without this, ['/any/file.csv'] as a table name reads that file.
        self.connection.execute("SET enable_external_access=false")
        found = self.connection.execute("SELECT current_database()").fetchone()
        self._catalog = found[0] if found else "memory"
        self._loaded: set[str] = set()
        self._lock = threading.Lock()
        self._translator = Translator(self.tables)

    def close(self) -> None:
        """Close the database, writing it to its file if it has one."""
        self.connection.close()

    def load(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """
        Append *rows* to *table*; columns that a row leaves out are '' (strings) or null.

        Times may be datetimes (UTC if naive) or ISO 8601 text. Raises ValueError for a table or column that
        Advanced Hunting does not have.
        """
        columns = self.tables.get(table)
        if columns is None:
            raise ValueError(f"no table {table}")
        values = []
        for row in rows:
            if unknown := sorted(row.keys() - columns):
                raise ValueError(f"{table} has no columns {', '.join(unknown)}")
            values.append([_stored(row.get(name), kind) for name, kind in columns.items()])
        slots = f"({', '.join('?' * len(columns))})"
        with self._lock:
            # A hundred rows per statement are more than three times as fast as one.
            self._loaded.add(table)
            for start in range(0, len(values), _AT_ONCE):
                some = values[start : start + _AT_ONCE]
                text = f'INSERT INTO "{table}" VALUES {", ".join([slots] * len(some))}'
                self.connection.execute(text, [value for row in some for value in row])

    def unload(self) -> None:
        """Take all rows out of the tables that `load` filled: one or two take a millisecond, all 62 at least five."""
        with self._lock:
            for table in self._loaded:
                self.connection.execute(f'DELETE FROM "{table}"')
            self._loaded.clear()

    def hunt(
        self, query: str, *, start: datetime, end: datetime, now: datetime, limit: int | None = None
    ) -> tuple[list[Column], list[Row]]:
        """
        Run *query* on the events in `[start, end]`, and return its schema and rows as Graph sends them.

        *now* is the time of `now()` and `ago()`; *limit* is the largest number of rows that is read. Raises
        QueryError if the query cannot be run.
        """
        with self._lock:
            cursor = self.connection.cursor()
        try:
            cursor.execute("SET TimeZone='UTC'")
            bounds = f"WHERE \"Timestamp\" BETWEEN TIMESTAMP '{_naive(start)}' AND TIMESTAMP '{_naive(end)}'"
            folded = query.lower()
            for table in (name for name in self.tables if name.lower() in folded):
                # A view with the table's name, for this cursor alone, also narrows it in joins and unions.
                when = (
                    bounds if "Timestamp" in self.tables[table] else ""
                )  # Graph's Timespan has none to go by
                cursor.execute(f'CREATE TEMP VIEW "{table}" AS FROM "{self._catalog}".main."{table}" {when}')
            made: dict[str, dict[str, str]] = {}
            *before, last = steps(query, self.tables)
            for step in before:
                sql, parameters = self._translator.to_sql(cursor, step.text, _naive(now), made)
                cursor.execute(f'CREATE TEMP TABLE "{step.name}" AS {sql}', parameters)
                made[step.name] = columns_in(cursor, f'FROM "{step.name}"')
            cursor.execute(*self._translator.to_sql(cursor, last.text, _naive(now), made))
            description = [(column[0], str(column[1])) for column in cursor.description or ()]
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        except (duckdb_kql.KqlError, duckdb.Error) as error:
            raise QueryError(_explain(error)) from error
        finally:
            cursor.close()
        schema = [{"name": name, "type": _GRAPH_TYPES.get(kind, "Object")} for name, kind in description]
        convert = [_CONVERTERS.get(kind) for _, kind in description]
        return schema, [
            {
                n: c(v) if c and v is not None else v
                for (n, _), c, v in zip(description, convert, row, strict=True)
            }
            for row in rows
        ]


def timestamp(moment: datetime) -> str:
    """Write *moment* as Graph does: UTC, with seven fractional digits, `2024-03-26T09:39:50.7688641Z`."""
    return _naive(moment).isoformat(timespec="microseconds") + "0Z"


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _stored(value: Any, kind: str) -> Any:
    if kind == "string":
        return "" if value is None else str(value)
    if kind == "datetime" and value is not None:
        return _naive(datetime.fromisoformat(value) if isinstance(value, str) else value)
    if kind == "dynamic" and value is not None:
        return json.dumps(value)
    return value


def _span(value: timedelta) -> str:
    """Write a duration as .NET does: `[-][d.]hh:mm:ss[.fffffff]`."""
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    days, rest = (f"{value.days}." if value.days else ""), value.seconds
    fraction = f".{value.microseconds:06d}0" if value.microseconds else ""
    return f"{sign}{days}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{fraction}"


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "TIMESTAMP": timestamp,
    "BOOLEAN": int,
    "DOUBLE": _double,
    "INTERVAL": _span,
    "UUID": str,
    "JSON": json.loads,
}


def _explain(error: Exception) -> str:
    """Return what is wrong with a query, in Graph's words if they can be told from the engine's."""
    text = str(error)
    if isinstance(error, duckdb_kql.KqlSyntaxError):
        return f"{text.splitlines()[0][:300]}. Fix syntax errors in your query."
    if isinstance(error, duckdb_kql.KqlUnsupportedError):
        return f"The sandbox cannot run this: {text[:300]}. Fix semantic errors in your query."
    if found := re.search(r'Referenced column "([^"]+)" not found', text):
        text = f"Failed to resolve scalar expression named '{found[1]}'"
    elif found := re.search(r"Table with name (.+?) does not exist", text):
        text = f"Failed to resolve table or column expression named '{found[1]}'"
    return f"{text.splitlines()[0][:300]}. Fix semantic errors in your query."
