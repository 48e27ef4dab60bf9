"""Keep the rarest of a sweep's new rows, and draw lots among those that are as rare as each other."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .rows import FleetRow

_KEPT = 1_000
_PORTS = 10

#: What makes ranked rows one: rarity, lot, device, process, destination and details.
_Key = tuple[int, bytes, str, str, str, tuple[tuple[str, str], ...]]


class Lots:
    """
    Draw lots that nobody can choose: who names a device or picks an address would else decide what is hidden.

    They depend on the moment at which the sweep was planned, in microseconds, so that a sweep that is worked
    on again draws the same.
    """

    def __init__(self, planned: datetime) -> None:
        self._key = hashlib.sha256(f"{planned:%Y-%m-%dT%H:%M:%S.%f}".encode()).digest()

    def draw(self, *what: Any) -> bytes:
        """Return the lot of *what*, which may hold texts and tuples."""
        return hashlib.blake2b(msgspec.json.encode(what), digest_size=8, key=self._key).digest()


class Line(Struct):
    """Rows that differ only in their port: their device's name, ports and times, and how many they are."""

    name: str
    ports: list[str]
    connections: int
    first: str
    last: str
    rows: int = 1


class Ranking:
    """The rarest new rows, at most 1,000 lines; the same ones in whatever order the rows are added."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots
        self._kept: dict[_Key, Line] = {}
        # Rows, by rarity, as far as rows of that rarity are kept at all.
        self._rows: Counter[int] = Counter()
        self._last: _Key | None = None

    def add(self, row: FleetRow, rarity: int) -> None:
        """Add a new row of this *rarity*."""
        if self._last and rarity > self._last[0]:
            return
        self._rows[rarity] += 1
        # The key has no time: a row that was left out must never come back with a part of its counts.
        identity = row.device, row.process, row.destination, row.details
        key = rarity, self._lots.draw(*identity), *identity
        line = self._kept.get(key)
        if line:
            name_one(line.ports, row.port, _PORTS)
            line.connections += row.connections
            line.first, line.last = min(line.first, row.first), max(line.last, row.last)
            line.rows += 1
        elif not self._last or key < self._last:
            self._kept[key] = Line(row.name, [row.port], row.connections, row.first, row.last)
            if len(self._kept) > 2 * _KEPT:
                self._prune()

    def lines(self) -> Iterator[tuple[_Key, Line]]:
        """Return what is kept: the rarest first, among equals the latest first."""
        self._prune()
        ordered = sorted(self._kept.items(), key=lambda item: item[0][2:])
        ordered.sort(key=lambda item: item[1].first, reverse=True)
        return iter(sorted(ordered, key=lambda item: item[0][0]))

    def ties(self) -> int:
        """Return how many rows are as rare as the last line that is kept, and are in none."""
        self._prune()
        if not self._last:
            return 0
        rarity = self._last[0]
        return self._rows[rarity] - sum(line.rows for key, line in self._kept.items() if key[0] == rarity)

    def _prune(self) -> None:
        self._kept = {key: self._kept[key] for key in heapq.nsmallest(_KEPT, self._kept)}
        if len(self._kept) == _KEPT:
            self._last = max(self._kept)
            self._rows = Counter({n: rows for n, rows in self._rows.items() if n <= self._last[0]})


def name_one(names: list[str], name: str, most: int) -> None:
    """Add *name* to *names*, and keep the first *most* in alphabetical order, in whatever order they come."""
    if name and name not in names:
        names.append(name)
        names.sort()
        del names[most:]
