"""Read an answer's rows once: what they have in common, and a hash of each that depends on its values alone."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from .cells import cell_text
from .rows import across, read_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .answer import Answer

    Values = tuple[Any, ...]

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
    names = sorted({column.name for column in answer.schema}, key=lambda name: (name.lower(), name))
    others = [name for name in names if name.lower() != "indicator"]
    hash_of = _hasher(names)
    event_of = _hasher(others) if by_indicator and others != names else None
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    hashes: list[bytes] = []
    events: list[bytes] = []
    times: list[str] = []
    for rows, values in read_columns(answer.results, answer.schema, names):
        numbers = range(len(hashes), len(hashes) + rows)
        hashes += hash_of(across(rows, [values[name] for name in names]))
        if event_of:
            events += event_of(across(rows, [values[name] for name in others]))
        times += map(cell_text, values[time_column]) if time_column else repeat("", rows)
        cells_of = across(rows, [_hashable(values[name]) for name in columns])
        for number, cells in zip(numbers, cells_of, strict=True):
            alike[cells].append(number)
    time_of = times.__getitem__
    found = {
        cells: Alike(mine, min(map(time_of, mine)), max(map(time_of, mine))) for cells, mine in alike.items()
    }
    return Tally(found, hashes, events if event_of else hashes if by_indicator else [])


def _hasher(names: Sequence[str]) -> Callable[[Iterable[Values]], list[bytes]]:
    """Return what hashes rows by their columns' *names*, whatever their case, and the values under them."""
    sha256, encode = hashlib.sha256, _CANONICAL
    front = encode([name.lower() for name in names])
    return lambda rows: [sha256(front + encode(values)).digest() for values in rows]


def _hashable(values: Sequence[Any]) -> Sequence[Any]:
    try:
        hash(tuple(values))
    except TypeError:
        return [*map(cell_text, values)]
    return values
