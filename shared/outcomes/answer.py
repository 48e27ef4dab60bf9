"""The answer to one hunting query, whose rows are decoded one by one, into values of one form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.decoding import decode, decode_any, is_too_deep, mend
from shared.errors import GraphError

from .cells import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ROW = msgspec.json.Decoder(dict[str, Any])
_BRACE = ord("{")
#: The columns of an answer to several hunts.
_PACKED = frozenset({"_hunt", "_n", "_row"})
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


class Column(Struct, frozen=True):
    """One column of an answer, with Graph's .NET type name."""

    name: str
    type: str = ""


class Answer(Struct, omit_defaults=True):
    """
    Graph's `huntingQueryResults`; rows stay undecoded until they are needed.

    `unreadable` counts the rows that are not in `results`, since they cannot be read.
    """

    schema: list[Column]
    results: list[msgspec.Raw]
    unreadable: int = msgspec.field(default=0, name="@outrider.unreadable")

    @property
    def is_packed(self) -> bool:
        """Whether it is one to several hunts, by its columns: `unpacking` takes it apart."""
        return {column.name.lower() for column in self.schema} == _PACKED

    def add_columns(self) -> None:
        """Add the columns that only the rows have to the schema."""
        if self._unknown(self.results[:1]):
            self.schema += self._unknown(self.results)

    def _unknown(self, rows: Iterable[msgspec.Raw]) -> list[Column]:
        """Return the columns of *rows* that the schema lacks, except for the annotations that OData adds."""
        known = {column.name.lower() for column in self.schema}
        columns: dict[str, Column] = {}
        for raw in rows:
            for name, value in _decoded(raw).items():
                if name.lower() not in known and "@odata." not in name:
                    is_time = isinstance(value, str) and _TIME.match(value)
                    columns.setdefault(name.lower(), Column(name, "DateTime" if is_time else "String"))
        return list(columns.values())


class _AnySchema(Struct):
    """An answer whose schema is not as documented."""

    results: list[msgspec.Raw]
    schema: Any = None


def read_answer(raw: bytes) -> Answer:
    """
    Decode Graph's answer, but not its rows; every row that is left in it can be decoded.

    What is nested too deeply in a row is a text that says so. Raises GraphError if it is no `huntingQueryResults`, also
    without a list of rows: that is not no rows.
    """
    try:
        answer = _decode(raw)
        # Where the decoder gives up depends on its caller's depth, and a row's digest must not. Packed rows are texts.
        if not answer.is_packed and any(is_too_deep(bytes(row), above=2) for row in answer.results):
            answer = _decode(mend(raw))
    except msgspec.DecodeError as error:
        raise GraphError(f"Graph's answer is not understood: {error}") from error
    rows = [row for row in answer.results if memoryview(row)[0] == _BRACE]
    answer.unreadable += len(answer.results) - len(rows)
    answer.results = rows
    return answer


def _decode(raw: bytes) -> Answer:
    try:
        return decode(raw, Answer)
    except msgspec.ValidationError:
        loose = decode(raw, _AnySchema)
        columns = loose.schema if isinstance(loose.schema, list) else []
        return Answer([c for column in columns if (c := _column(column))], loose.results)


def _column(value: Any) -> Column | None:
    name, kind = (value.get("name"), value.get("type")) if isinstance(value, dict) else (None, None)
    return Column(name, kind if isinstance(kind, str) else "") if isinstance(name, str) else None


def row_reader(columns: Iterable[Column]) -> Callable[[msgspec.Raw], dict[str, Any]]:
    """
    Return what decodes a row, column -> value, under these *columns*' names whatever their casing in it.

    Each value has the form of its column's type (`cells.FORMS`), and a string is never None, as in Kusto. What else is
    in a row, such as OData's annotations, may be left in it.
    """
    columns = list(columns)
    names = {column.name: None for column in columns}
    forms = [(column.name, FORMS[column.type]) for column in columns if column.type in FORMS]
    strings = [column.name for column in columns if column.type == "String"]

    def read(raw: msgspec.Raw) -> dict[str, Any]:
        row = _decoded(raw)
        if not row.keys() >= names.keys():
            folded = {key.lower(): value for key, value in row.items()}
            row = {name: row.get(name, folded.get(name.lower())) for name in names}
        for name, form in forms:
            row[name] = form(row[name])
        if None in row.values():
            row |= {name: "" for name in strings if row[name] is None}
        return row

    return read


def _decoded(raw: msgspec.Raw) -> dict[str, Any]:
    try:
        return _ROW.decode(raw)
    except (ValueError, RecursionError):
        # Something that `decode` mends.
        row: dict[str, Any] = decode_any(bytes(raw))
        return row
