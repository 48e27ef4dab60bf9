"""
Take an answer to several hunts, as `kql.batch` asks them in one query, apart.

Its rows are `_Hunt`, `_N` and `_Row`, in any order, and each `_Row` is JSON: a row of the hunt, a column of its
schema, or what was counted over the fleet.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct

from shared.decoding import decode, is_too_deep, mend
from shared.errors import GraphError

from .answer import UNREADABLE, Answer, read_answer
from .cells import Column, cell_text, short_type
from .rows import in_lots, row_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .rows import Lot

_SCHEMA, _FLEET = "schema", "/fleet"
_BRACE = ord("{")
_COUNTS = row_reader([Column("Value"), Column("Devices", "Int64"), Column("First", "DateTime")])
_OF_SCHEMA = row_reader([Column("name"), Column("type")])

#: Rows as they came: the number of each, and None instead of one that cannot be read.
_Rows = list[tuple[int, msgspec.Raw | None]]


class Prevalence(NamedTuple):
    """On how many devices of the fleet a value was in the window, and when first, as Graph writes times."""

    devices: int
    first: str


class Batch(NamedTuple):
    """
    An answer to several hunts.

    `answers` are those of the hunts whose columns are known, by name, each as if it had been asked alone. `counted` is, by
    hunt and column, how common values are; one that is not there, or cannot be read, is not known to be rare. `fleet` is
    how many devices there are; None where that is not known.
    """

    answers: dict[str, Answer]
    counted: dict[str, dict[str, dict[str, Prevalence]]]
    fleet: int | None = None

    def answer_of(self, hunt: str) -> Answer:
        """Return the answer of a hunt. Raises GraphError if it has none: that is not no rows."""
        try:
            return self.answers[hunt]
        except KeyError:
            raise GraphError(f"Graph's answer does not have the columns of {hunt or 'a hunt'}") from None


class _Packed(Struct, gc=False):
    hunt: str = msgspec.field(name="_Hunt")
    number: int = msgspec.field(name="_N")
    row: str = msgspec.field(name="_Row")


class _Whole(Struct):
    schema: list[Column]
    results: list[_Packed]
    unreadable: Any = msgspec.field(default=0, name=UNREADABLE)


_WHOLE = msgspec.json.Decoder(_Whole)
_PACKED = msgspec.json.Decoder(list[_Packed])
_JSON = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)
_LOOSELY = row_reader([Column("_Hunt"), Column("_N", "Int64"), Column("_Row")])


class _Results(Struct):
    results: list[msgspec.Raw]


def unpack(raw: bytes, hunts: Iterable[str]) -> Batch:
    """
    Take Graph's answer to *hunts*, by their names, apart.

    A row that cannot be read, and a number that is missing among those of a hunt, is counted as unreadable. Raises
    GraphError if the answer is not understood, or has a row of which nobody knows what it is.
    """
    known = set(hunts)
    batch = Batch({}, {})
    fleet: int | None = None
    packed = _all_packed(raw)
    if isinstance(packed, Answer):
        raise GraphError("Graph's answer is not one to several hunts")
    rows = _by_source(packed)
    for source, mine in rows.items():
        hunt, _, what = source.partition("/")
        if source == _FLEET:
            fleet = next((row.devices for row in _counts(mine).values()), None)
        elif hunt not in known:
            raise GraphError(f"Graph's answer has rows of {source[:100]!r}, which nobody asked for")
        elif what not in {"", _SCHEMA}:
            batch.counted.setdefault(hunt, {})[what] = _counts(mine)
    answers = {hunt: made for hunt in known if (made := _answer(rows, hunt))}
    return batch._replace(answers=answers, fleet=fleet)


def answer_to(raw: bytes, hunt: str) -> Answer:
    """
    Return Graph's answer to a *hunt* that was asked alone or with others.

    Raises GraphError if the answer is not understood, or is one to several hunts of which this is none.
    """
    packed = _all_packed(raw)
    if isinstance(packed, Answer):
        packed.add_columns()
        return packed
    mine = (row for row in packed if row.hunt in {hunt, f"{hunt}/{_SCHEMA}"})
    found = _answer(_by_source(mine), hunt)
    return Batch({hunt: found} if found else {}, {}).answer_of(hunt)


def _all_packed(raw: bytes) -> Iterable[_Packed] | Answer:
    """Return the rows of an answer to several hunts; the answer itself where it is one to a single hunt."""
    with suppress(ValueError, RecursionError):
        whole = _WHOLE.decode(raw)
        if Answer(whole.schema, []).is_packed and not whole.unreadable:
            return whole.results
    answer = read_answer(raw)
    return _each_packed(answer) if answer.is_packed else answer


def _each_packed(answer: Answer) -> Iterator[_Packed]:
    if answer.unreadable:
        raise GraphError(f"{answer.unreadable:,} rows of Graph's answer cannot be told to be of any hunt")
    for lot in in_lots(answer.results):
        yield from _packed(lot)


def _by_source(packed: Iterable[_Packed]) -> dict[str, _Rows]:
    """Return rows by what they are of, in order."""
    found: dict[str, list[_Packed]] = {}
    for each in packed:
        found.setdefault(each.hunt, []).append(each)
    rows: dict[str, _Rows] = {}
    while found:
        # Each text goes when it has been read: all of them take as much memory as the answer.
        source, mine = found.popitem()
        mine.sort(key=attrgetter("number"))
        lots = in_lots([msgspec.Raw(each.row) for each in mine])
        read = chain.from_iterable(map(_rows, lots))
        rows[source] = [*zip([each.number for each in mine], read, strict=True)]
    return rows


def _packed(lot: Lot) -> list[_Packed]:
    try:
        return _PACKED.decode(lot.json)
    except (ValueError, RecursionError):
        return [*map(_loosely_packed, lot.rows)]


def _loosely_packed(raw: msgspec.Raw | bytes) -> _Packed:
    row = _LOOSELY(raw)
    source, number, text = row["_Hunt"], row["_N"], row["_Row"]
    if not isinstance(source, str) or not isinstance(number, int):
        raise GraphError("a row of Graph's answer cannot be told to be of any hunt")
    return _Packed(source, number, text if isinstance(text, str) else "")


def _rows(lot: Lot) -> list[msgspec.Raw | None]:
    """Return rows as they would stand in an answer of their own hunt; None for one that cannot be read."""
    try:
        found = _JSON.decode(lot.json)
    except (ValueError, RecursionError):
        found = []
    # A text that is no row, but a part of one or several, makes others of all behind it.
    if [*map(len, found)] == [*map(len, lot.rows)] and not lot.is_too_deep:
        return [row if memoryview(row)[0] == _BRACE else None for row in found]
    return [*map(_row, lot.rows)]


def _row(raw: msgspec.Raw | bytes) -> msgspec.Raw | None:
    row = bytes(raw)
    try:
        if not is_too_deep(row, above=2):
            _ONE.decode(row)
            return msgspec.Raw(row) if row[0] == _BRACE else None
    except (ValueError, RecursionError):
        pass  # What can be mended is.
    try:
        mended = decode(mend(b'{"results":[%s]}' % row), _Results).results
    except msgspec.DecodeError:
        return None
    return mended[0].copy() if len(mended) == 1 and memoryview(mended[0])[0] == _BRACE else None


def _answer(rows: dict[str, _Rows], hunt: str) -> Answer | None:
    """Return the answer of a hunt; None where its schema is not whole."""
    schema = _schema(rows.get(f"{hunt}/{_SCHEMA}", []))
    if schema is None:
        return None
    mine = rows.get(hunt, [])
    readable = [row for _, row in mine if row is not None]
    # They are numbered from 1: a number that is missing is a row that is.
    count = max(len(mine), mine[-1][0] if mine else 0)
    answer = Answer(schema, readable, count - len(readable))
    answer.add_columns()
    return answer


def _schema(rows: _Rows) -> list[Column] | None:
    readable = [bytes(row) for _, row in rows if row is not None]
    whole = [number for number, _ in rows] == [*range(1, len(readable) + 1)] != []
    columns = _columns(tuple(readable)) if whole else None
    return [*columns] if columns else None


# Hunts have the same columns each time, and incidents the same hunts.
@lru_cache(maxsize=256)
def _columns(rows: tuple[bytes, ...]) -> tuple[Column, ...] | None:
    columns = [*map(_OF_SCHEMA, rows)]
    if not all(isinstance(each["name"], str) for each in columns):
        return None
    return tuple(Column(each["name"], short_type(cell_text(each["type"]))) for each in columns)


def _counts(rows: _Rows) -> dict[str, Prevalence]:
    found = {}
    for _, raw in rows:
        row = _COUNTS(raw) if raw is not None else {}
        if isinstance(devices := row.get("Devices"), int):
            found[cell_text(row["Value"])] = Prevalence(devices, cell_text(row["First"]))
    return found
