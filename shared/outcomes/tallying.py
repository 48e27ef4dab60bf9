"""Read an answer's rows once: what they have in common, and a hash of each that depends on its values alone."""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from .answer import row_reader
from .cells import cell_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .answer import Answer

    Row = dict[str, Any]

#: In a nested object, too, the order of names says nothing.
_CANONICAL = msgspec.json.Encoder(order="deterministic").encode


class Alike(NamedTuple):
    """The rows with one set of values, by their numbers from 0; their first and last time."""

    rows: list[int]
    first: str
    last: str


class Tally(NamedTuple):
    """
    What an answer's rows are.

    `alike` has them by their values in some columns. `hashes` and `events` have one hash (SHA-256) for each row, in
    order: of all its values, and of those other than the indicator it was found by.
    """

    alike: dict[tuple[Any, ...], Alike]
    hashes: list[bytes]
    events: list[bytes]


def tally(answer: Answer, columns: tuple[str, ...], time_column: str, *, by_indicator: bool) -> Tally:
    """
    Tally an answer's rows by their values in *columns*, with their times in *time_column*, if it is not ''.

    A list or an object in these columns is a text. `events` are counted for answers *by_indicator* alone.
    """
    names = [column.name for column in answer.schema]
    hash_of = _hasher(names)
    others = [name for name in names if name.lower() != "indicator"]
    event_of = _hasher(others) if by_indicator and others != names else None
    read, cells_of = row_reader(answer.schema), _getter(columns)
    found: dict[tuple[Any, ...], list[Any]] = {}
    hashes: list[bytes] = []
    events: list[bytes] = []
    for number, raw in enumerate(answer.results):
        row = read(raw)
        hashes.append(hash_of(row))
        if event_of:
            events.append(event_of(row))
        when = cell_text(row[time_column]) if time_column else ""
        cells = cells_of(row)
        try:
            known = found.get(cells)
        except TypeError:
            cells = tuple(map(cell_text, cells))
            known = found.get(cells)
        if known is None:
            found[cells] = [[number], when, when]
        else:
            known[0].append(number)
            if when < known[1]:
                known[1] = when
            elif when > known[2]:
                known[2] = when
    events = events if event_of else hashes if by_indicator else []
    return Tally({cells: Alike(*known) for cells, known in found.items()}, hashes, events)


def _hasher(names: Iterable[str]) -> Callable[[Row], bytes]:
    """Return what hashes a row by its columns' names and its values, in whatever order and casing the names came."""
    ordered = sorted(set(names), key=lambda name: (name.lower(), name))
    values_of, sha256 = _getter(tuple(ordered)), hashlib.sha256
    front = _CANONICAL([name.lower() for name in ordered])

    def hashed(row: Row) -> bytes:
        return sha256(front + _CANONICAL(values_of(row))).digest()

    return hashed


def _getter(names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])
