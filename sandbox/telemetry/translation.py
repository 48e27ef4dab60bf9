"""
Translate KQL to DuckDB's SQL.

duckdb-kql takes tens of milliseconds for a hunt, whose text is the same for every incident but for the lists and the times
in front of it. So these are translated once with stand-ins, for which the real ones are put into the SQL.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb_kql

from . import translation_cache
from .dialect import adapt
from .folding import folded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb

    #: The columns of a table, each with DuckDB's type.
    Columns = dict[str, str]

_KEPT = 1_000  # translations
#: The parameter by which duckdb-kql asks for the time.
_NOW = "kqlnow"
_TIME = re.compile(r"datetime\((\d{4}-\d{2}-\d{2}T[\d:.]{8,15}Z)\)")
_LIST = re.compile(r'(?m)^(let _\w+ = )dynamic\((\["[^\n]*"\])\);$')
#: How duckdb-kql writes a datetime: in any of ten forms, each of which takes DuckDB longer than the one that it has.
_ANY_TIME = re.compile(
    r"COALESCE\(TRY_CAST\('(1900-01-01T00:00:00\.\d{6}Z)' AS TIMESTAMPTZ\) AT TIME ZONE 'UTC', "
    r"try_strptime\(CAST\('\1' AS VARCHAR\), \[[^\]]*\]\)\)"
)
#: A stand-in where the real value can be put, and what is left of one anywhere else.
_STAND_IN = re.compile(r"""TIMESTAMP '(1900-01-01T00:00:00\.\d{6}Z)'|'\["(_List\d+_)"\]'""")
_LEFT = re.compile(r"1900-01-01|_list\d+_", re.IGNORECASE)


class Translated(NamedTuple):
    """SQL, and the values of its parameters."""

    sql: str
    parameters: dict[str, Any]


class Translator:
    """Translates queries over *tables*, each with its columns' KQL types; any number of threads may use it."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._columns = {table: list(columns) for table, columns in tables.items()}
        kinds = [column for columns in tables.values() for column in columns.items()]
        self._texts = {name for name, kind in kinds if kind == "string"} - {
            name for name, kind in kinds if kind != "string"
        }
        self._known: dict[tuple[str, str], Translated] = {}

    def to_sql(
        self, cursor: duckdb.DuckDBPyConnection, query: str, now: datetime, made: Mapping[str, Columns]
    ) -> Translated:
        """
        Return *query* as SQL, with its parameters; it may also name the tables that were *made* on *cursor*.

        Raises duckdb_kql.KqlError.
        """
        shape, values = _shape(query)
        found = self._kept(cursor, shape, now, made)
        filled = _filled(found.sql, values)
        if filled is None:
            # The translation took a list or a time apart, so it depends on what stands in it.
            return self._translate(cursor, query, now, made)
        return Translated(filled, found.parameters | ({_NOW: now} if _NOW in found.parameters else {}))

    def _kept(
        self, cursor: duckdb.DuckDBPyConnection, shape: str, now: datetime, made: Mapping[str, Columns]
    ) -> Translated:
        key = shape, str(made)
        found = self._known.get(key)
        if found is None:
            # Its tables come with the code; what is made differs.
            name = json.dumps([shape, made])
            if before := translation_cache.read(name):
                found = Translated(*before)
            else:
                found = self._translate(cursor, shape, now, made)
                translation_cache.write(
                    name, found.sql, found.parameters | ({_NOW: ""} if _NOW in found.parameters else {})
                )
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = found
        return found

    def _translate(
        self, cursor: duckdb.DuckDBPyConnection, query: str, now: datetime, made: Mapping[str, Columns]
    ) -> Translated:
        others = [column for columns in made.values() for column in columns.items()]
        schema = self._columns | {name: list(columns) for name, columns in made.items()}

        def translated(text: str) -> Translated:
            sql = duckdb_kql.to_sql(text, schema=schema, query_now=now, allow_write=False)
            # A shorter text is planned sooner: most of what a hunt takes on few rows is its planning.
            texts = self._texts - {name for name, kind in others if kind != "VARCHAR"}
            return Translated(folded(_ANY_TIME.sub(r"TIMESTAMP '\1'", str(sql)), texts), sql.parameters)

        def columns_of(text: str) -> Columns:
            return made.get(text.strip()) or columns_in(cursor, *translated(adapt(text, columns_of)))

        return translated(adapt(query, columns_of))


def columns_in(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None
) -> dict[str, str]:
    """Return the columns of what *sql* selects, each with its type."""
    cursor.execute(f"SELECT * FROM ({sql}) LIMIT 0", parameters)
    return {column[0]: str(column[1]) for column in cursor.description or ()}


def _filled(sql: str, values: dict[str, str]) -> str | None:
    """Return *sql* with *values* for their stand-ins; None where one is missing, or stands where it cannot be put."""
    if not values:
        return sql
    parts = _STAND_IN.split(sql)
    texts, times, lists = parts[::3], parts[1::3], parts[2::3]
    stand_ins = [time or listed for time, listed in zip(times, lists, strict=True)]
    if {*stand_ins} != {*values} or any(_LEFT.search(text) for text in texts):
        return None
    filled = [
        part for text, stand_in in zip(texts, stand_ins, strict=False) for part in (text, values[stand_in])
    ]
    return "".join([*filled, texts[-1]])


def _shape(query: str) -> tuple[str, dict[str, str]]:
    """Return *query* with stand-ins for its times and lists, and the SQL of each of them."""
    values: dict[str, str] = {}
    if _LEFT.search(query):
        return query, values  # it has what could be taken for a stand-in

    def time(found: re.Match[str]) -> str:
        stand_in = f"1900-01-01T00:00:00.{len(values):06d}Z"
        values[stand_in] = f"TIMESTAMP '{found[1]}'"
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
        values[stand_in] = "'" + text.replace("'", "''") + "'"
        return f'{found[1]}dynamic(["{stand_in}"]);'

    return _LIST.sub(listed, _TIME.sub(time, query)), values
