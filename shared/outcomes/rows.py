"""Decode an answer's rows, many in one call: a call for each takes longer than what it decodes."""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from shared.decoding import DEEPEST, decode_any, is_too_deep

from .cells import FORMS, IN_FORM, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Row = dict[str, Any]

#: So many flat rows have fewer brackets than levels are allowed, and more at once are no faster.
_AT_ONCE = 64
_ROW = msgspec.json.Decoder(dict[str, Any])


class Lot(NamedTuple):
    """Some rows of an answer: each as it came, and all of them as one list, in JSON."""

    rows: Sequence[msgspec.Raw | bytes]
    json: bytes

    @property
    def is_too_deep(self) -> bool:
        """Whether a row is nested more than 98 levels deep: two are around it in an answer."""
        # First all at once: most have few brackets.
        few = self.json.count(b"[") + self.json.count(b"{") <= DEEPEST - 2
        return not few and any(is_too_deep(bytes(row), above=2) for row in self.rows)


def in_lots(rows: Sequence[msgspec.Raw | bytes]) -> Iterator[Lot]:
    """Yield all *rows*, in order, at most 64 at once."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        yield Lot(some, b"[%b]" % b",".join(some))


def row_reader(columns: Iterable[Column]) -> Callable[[msgspec.Raw | bytes], Row]:
    """
    Return what decodes a row, column -> value, under these *columns*' names whatever their casing in it.

    Each value has the form of its column's type (`cells.FORMS`), and a string is never None, as in Kusto. What else is
    in a row, such as OData's annotations, may be left in it.
    """
    columns = list(columns)
    names = {column.name: None for column in columns}
    forms = [(column.name, FORMS[column.type]) for column in columns if column.type in FORMS]
    strings = [column.name for column in columns if column.type == "String"]

    def read(raw: msgspec.Raw | bytes) -> Row:
        row = decode_row(raw)
        if not row.keys() >= names.keys():
            folded = {key.lower(): value for key, value in row.items()}
            row = {name: row.get(name, folded.get(name.lower())) for name in names}
        for name, form in forms:
            row[name] = form(row[name])
        if None in row.values():
            row |= {name: "" for name in strings if row[name] is None}
        return row

    return read


def decode_row(raw: msgspec.Raw | bytes) -> Row:
    """Decode a row as it came."""
    try:
        return _ROW.decode(raw)
    except (ValueError, RecursionError):
        # Something that `decode` mends.
        row: Row = decode_any(bytes(raw))
        return row


def read_columns(
    rows: Sequence[msgspec.Raw], columns: Iterable[Column], names: Sequence[str]
) -> Iterator[tuple[int, dict[str, Sequence[Any]]]]:
    """
    Yield how many rows there are, at most 64 at once, and under each of *names* the values that `row_reader` reads.

    *names* are those of the *columns*, in any order, but each once.
    """
    columns = list(columns)
    read = row_reader(columns)
    at = {name: n for n, name in enumerate(names)}
    forms = [
        (at[column.name], FORMS[column.type], IN_FORM.get(column.type))
        for column in columns
        if column.type in FORMS
    ]
    strings = [at[column.name] for column in columns if column.type == "String"]
    decoder = _decoder(tuple(names))
    for lot in in_lots(rows):
        try:
            found = [*map(astuple, decoder.decode(lot.json))] if decoder else None
        except (ValueError, RecursionError):
            # A row lacks a column, or has its name in another case, or has something that must be mended.
            found = None
        if found is None:
            each = [read(row) for row in lot.rows]
            yield len(each), {name: [row[name] for row in each] for name in names}
            continue
        values: list[Sequence[Any]] = [*zip(*found, strict=True)]
        for n, form, in_form in forms:
            if in_form is None or {*map(type, values[n])} != {in_form}:
                values[n] = [*map(form, values[n])]
        if b"null" in lot.json:
            for n in strings:
                values[n] = ["" if value is None else value for value in values[n]]
        yield len(found), dict(zip(names, values, strict=True))


def across(rows: int, columns: Sequence[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    """Return what so many *rows* hold in *columns*, which may be none."""
    return zip(*columns, strict=True) if columns else repeat((), rows)


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...]) -> msgspec.json.Decoder[list[Struct]] | None:
    """Return what decodes rows that have all columns *names*; None if there can be none."""
    fields = {f"c{n}": name for n, name in enumerate(names)}
    try:
        row = msgspec.defstruct("_Values", [(field, Any) for field in fields], rename=fields, gc=False)
    except ValueError:  # A quote in a name.
        return None
    return msgspec.json.Decoder(list[row]) if names else None  # type: ignore[valid-type]
