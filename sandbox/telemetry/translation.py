"""
Translate KQL to DuckDB's SQL.

duckdb-kql takes tens of milliseconds for a hunt, whose text is the same for every incident but for the lists and the times
in front of it. So these are translated once with stand-ins, for which the real ones are put into the SQL.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb_kql
from duckdb_kql.translate.functions import BINARY_OPERATORS, SCALAR_FUNCTIONS, FunctionSpec

from .dialect import adapt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb

    #: The columns of a table, each with DuckDB's type.
    Columns = dict[str, str]
    #: SQL, and the values of its parameters.
    Translated = tuple[str, dict[str, Any]]

_KEPT = 1_000  # translations
#: The parameter by which duckdb-kql asks for the time.
_NOW = "kqlnow"
_TIME = re.compile(r"datetime\((\d{4}-\d{2}-\d{2}T[\d:.]{8,15}Z)\)")
_LIST = re.compile(r'(?m)^(let \w+ = )dynamic\((\["[^\n]*"\])\);$')
#: How duckdb-kql writes a datetime: in any of ten forms, each of which takes DuckDB longer than the one that it has.
_ANY_TIME = re.compile(
    r"COALESCE\(TRY_CAST\('(1900-01-01T00:00:00\.\d{6}Z)' AS TIMESTAMPTZ\) AT TIME ZONE 'UTC', "
    r"try_strptime\(CAST\('\1' AS VARCHAR\), \[[^\]]*\]\)\)"
)

# Each takes rows in the order that they have, and numbers them: all, or those with the same value in a column.
_NUMBERING = {
    "row_number": FunctionSpec("row_number", "template", "row_number() OVER ()"),
    "_number_of_same": FunctionSpec(
        "_number_of_same", "template", "row_number() OVER (PARTITION BY {0} ORDER BY {1})", (2,)
    ),
}
SCALAR_FUNCTIONS.update(_NUMBERING)

# `has` with a column, such as Indicator, is a pattern compiled for each row: only where the text stands at all.
_HAS = BINARY_OPERATORS["has"].template
_CHEAP = f"(CASE WHEN contains(lower({{0}}), lower({{1}})) THEN {_HAS} ELSE FALSE END)"
BINARY_OPERATORS["has"] = replace(BINARY_OPERATORS["has"], template=_CHEAP)
BINARY_OPERATORS["!has"] = replace(BINARY_OPERATORS["!has"], template=f"NOT {_CHEAP}")


class Translator:
    """Translates queries over tables with these *columns*, by their names."""

    def __init__(self, columns: Mapping[str, list[str]]) -> None:
        self._columns = dict(columns)
        self._known: dict[tuple[str, str], Translated] = {}

    def to_sql(
        self, cursor: duckdb.DuckDBPyConnection, query: str, now: datetime, made: Mapping[str, Columns]
    ) -> Translated:
        """
        Return *query* as SQL, with its parameters; it may also name the tables that were *made* on *cursor*.

        Raises duckdb_kql.KqlError.
        """
        shape, values = _shape(query)
        key = shape, str(made)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._translate(cursor, shape, now, made)
        sql, parameters = self._known[key]
        for stand_in, value in values.items():
            sql = sql.replace(stand_in, value)
        if "'_List" in sql or '"_List' in sql:
            return self._translate(cursor, query, now, made)  # it took a list apart
        return sql, parameters | ({_NOW: now} if _NOW in parameters else {})

    def _translate(
        self, cursor: duckdb.DuckDBPyConnection, query: str, now: datetime, made: Mapping[str, Columns]
    ) -> Translated:
        schema = self._columns | {name: list(columns) for name, columns in made.items()}

        def translated(text: str) -> Translated:
            sql = duckdb_kql.to_sql(text, schema=schema, query_now=now, allow_write=False)
            return _ANY_TIME.sub(r"TIMESTAMP '\1'", str(sql)), sql.parameters

        def columns_of(text: str) -> Columns:
            return made.get(text.strip()) or columns_in(cursor, *translated(adapt(text, columns_of)))

        return translated(adapt(query, columns_of))


def columns_in(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None
) -> dict[str, str]:
    """Return the columns of what *sql* selects, each with its type."""
    cursor.execute(f"SELECT * FROM ({sql}) LIMIT 0", parameters)
    return {column[0]: str(column[1]) for column in cursor.description or ()}


def _shape(query: str) -> tuple[str, dict[str, str]]:
    """Return *query* with stand-ins for its times and lists, and what these become, as text in SQL."""
    values: dict[str, str] = {}

    def time(found: re.Match[str]) -> str:
        stand_in = f"1900-01-01T00:00:00.{len(values):06d}Z"
        values[stand_in] = found[1]
        return f"datetime({stand_in})"

    def listed(found: re.Match[str]) -> str:
        stand_in = f"_List{len(values)}_"
        try:
            items = json.loads(found[2])
        except ValueError:
            return found[0]
        if not all(isinstance(item, str) for item in items):
            return found[0]
        text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
        values[f"""'["{stand_in}"]'"""] = "'" + text.replace("'", "''") + "'"
        return f'{found[1]}dynamic(["{stand_in}"]);'

    return _LIST.sub(listed, _TIME.sub(time, query)), values
