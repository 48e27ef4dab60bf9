"""The answer to one hunting query, whose rows stay undecoded until they are needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.decoding import decode, mend
from shared.errors import GraphError

from .cells import Column
from .rows import decode_row, in_lots

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Beside an answer's rows where it is stored: how many more there were.
UNREADABLE = "@outrider.unreadable"
_BRACE = ord("{")
#: The columns of an answer to several hunts.
_PACKED = frozenset({"_hunt", "_n", "_row"})
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


class Answer(Struct, omit_defaults=True):
    """
    Graph's `huntingQueryResults`; rows stay undecoded until they are needed.

    `unreadable` counts the rows that are not in `results`, since they cannot be read.
    """

    schema: list[Column]
    results: list[msgspec.Raw]
    unreadable: int = msgspec.field(default=0, name=UNREADABLE)

    @property
    def is_packed(self) -> bool:
        """Whether it is one to several hunts, by its columns: `unpacking` takes it apart."""
        return {column.name.lower() for column in self.schema} == _PACKED

    def add_columns(self) -> None:
        """Add the columns that only the rows have to the schema."""
        # One row tells whether they have any: the longest, which is the same in whatever order they came.
        lengths = [*map(len, self.results)]
        longest = max(lengths, default=0)
        alike = (bytes(row) for row, length in zip(self.results, lengths, strict=True) if length == longest)
        some = min(alike, default=b"{}")
        if self._unknown([msgspec.Raw(some)]):
            self.schema += self._unknown(self.results)

    def _unknown(self, rows: Iterable[msgspec.Raw]) -> list[Column]:
        """Return the columns of *rows* that the schema lacks, except for the annotations that OData adds."""
        known = {column.name.lower() for column in self.schema}
        columns: dict[str, Column] = {}
        for raw in rows:
            for name, value in decode_row(raw).items():
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
        if not answer.is_packed and any(lot.is_too_deep for lot in in_lots(answer.results)):
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
