"""
Count a sweep's rows and rank the new ones, in memory that grows with the destinations and not with the rows.

It takes two passes over the stored parts: how rare a destination is shows only when all rows have been seen,
so the first pass counts and the second ranks. Counts are exact, not estimated: no device is in two parts, so
which device talks to what has to be remembered only within a part.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from datetime import timedelta
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from shared.outcomes.reading import decode_answer

from .ranking import Lots, Ranking, name_one
from .rows import read_rows
from .summary import Day, Destination, Lost, NewRow, Process, SweepSummary

if TYPE_CHECKING:
    from shared.model.hunt import Hunt
    from shared.model.outcome import Window

    from .survey import Survey

_DAY = timedelta(days=1)
_TOP_PROCESSES = 20
_RAREST = 50
_NAMED = 3
#: Bits. Two numbers, as of a destination and a device, are packed into one: the first is shifted by this.
_SHIFT = 32
#: The number of what a row names that names no device: it is none, and is not counted.
_NO_DEVICE = -1


class Tally:
    """Counts and ranks the rows of one hunt's sweep: give each part to `count`, then each part to `rank`."""

    def __init__(self, hunt: Hunt, window: Window) -> None:
        self._hunt, self._window = hunt, window
        self._new = hunt.sweep.new if hunt.sweep else ""
        span = max(1, ceil((window.end - window.start) / _DAY))
        self.starts = tuple(window.end - _DAY * n for n in range(span, 0, -1))
        self._bounds = [f"{start:%Y-%m-%dT%H:%M:%S.%f}" for start in self.starts[1:]]
        self.rows = self.devices = self.new_rows = self.new_devices = 0
        self.undated = self.nameless = self.unreadable = 0
        self._lots = Lots(window.end)
        self._destinations: dict[str, int] = {}
        self._processes: dict[str, int] = {}
        # Per destination: devices, most days on one of them, first and last day, one of its processes.
        self._of, self._days = array("I"), array("B")
        self._first, self._last, self._by = array("B"), array("B"), array("I")
        # Most destinations have one process, which is in `_by`; only further ones are stored here.
        self._others: set[int] = set()
        # Per process: connections, devices, destinations.
        self._connections, self._runs, self._talks = array("Q"), array("I"), array("I")
        self._is_new = bytearray()
        self._ranking = Ranking(self._lots)
        self._rarest: dict[int, tuple[list[str], list[str], list[str]]] = {}

    def count(self, raw: bytes) -> None:
        """Count a part's rows. Raises GraphError if the answer is not understood."""
        newest = len(self.starts) - 1
        devices: dict[str, int] = {}
        new, talks, runs = set[int](), set[int](), set[int]()
        answer = decode_answer(raw)
        self.unreadable += answer.unreadable
        for row in read_rows(answer, self._new):
            self.rows += 1
            if not row.first:
                self.undated += 1
                continue
            device = devices.setdefault(row.device, len(devices)) if row.device else _NO_DEVICE
            process = self._process(row.process)
            first, last = bisect_right(self._bounds, row.first), bisect_right(self._bounds, row.last)
            destination = self._destination(row.destination, process, first)
            self._first[destination] = min(self._first[destination], first)
            self._last[destination] = max(self._last[destination], last)
            self._days[destination] = max(self._days[destination], min(row.days, 255))
            if device != _NO_DEVICE and (pair := destination << _SHIFT | device) not in talks:
                talks.add(pair)
                self._of[destination] += 1
            if device != _NO_DEVICE and (pair := process << _SHIFT | device) not in runs:
                runs.add(pair)
                self._runs[process] += 1
            self._connections[process] += row.connections
            if first == newest:
                self.new_rows += 1
                new.add(device)
                self.nameless += device == _NO_DEVICE
                self._is_new[destination] = 1
        self.devices += len(devices)
        self.new_devices += len(new - {_NO_DEVICE})

    def rank(self, raw: bytes) -> None:
        """Keep a part's rarest new rows, and what it says of the fleet's rarest destinations."""
        if not self._rarest:
            self._rarest = {n: ([], [], []) for n in self._choose()}
        newest = len(self.starts) - 1
        for row in read_rows(decode_answer(raw), self._new):
            if not row.first:
                continue
            destination = self._destinations[row.destination]
            if destination in self._rarest:
                times, devices, processes = self._rarest[destination]
                times[:] = [min([row.first, *times]), max([row.last, *times])]
                name_one(devices, row.name or row.device, _NAMED)
                name_one(processes, row.process, _NAMED)
            if bisect_right(self._bounds, row.first) == newest:
                self._ranking.add(row, self._rarity(destination, self._processes[row.process]))

    def summary(self, found: Survey, fleet: int | None) -> SweepSummary:
        """
        Return the summary of the hunt's sweep.

        *found* is how far the sweep is, and *fleet* how many devices the hunt applies to (None if not known).
        """
        hunt = self._hunt
        return SweepSummary(
            hunt.name,
            hunt.title,
            hunt.id,
            hunt.version,
            self._window,
            self._window.end - _DAY,
            fleet,
            found.coverage,
            len(found.whole) + len(found.lost),
            tuple(Lost(part.name, part.share, reason) for part, reason in found.lost),
            rows=self.rows,
            devices=self.devices,
            destinations=len(self._destinations),
            new_rows=self.new_rows,
            new_devices=self.new_devices,
            new_destinations=sum(self._is_new),
            first_destinations=self._first.count(len(self.starts) - 1),
            days=self._days_seen(),
            processes=self._top_processes(),
            rarest=self._rarest_destinations(),
            ranked=self._ranked(),
            ties=self._ranking.ties(),
            undated=self.undated,
            nameless=self.nameless,
            unreadable=self.unreadable,
        )

    def _days_seen(self) -> tuple[Day, ...]:
        """Return how many destinations were new and known on each day."""
        new, known = [0] * len(self.starts), [0] * (len(self.starts) + 1)
        for first, last in zip(self._first, self._last, strict=True):
            new[first] += 1
            known[first + 1] += 1
            known[last + 1] -= 1
        # A destination is known from the day after its first to its last.
        return tuple(map(Day, self.starts, new, accumulate(known[:-1])))

    def _top_processes(self) -> tuple[Process, ...]:
        """Return the processes with the most connections."""
        top = heapq.nsmallest(
            _TOP_PROCESSES, self._processes.items(), lambda each: (-self._connections[each[1]], each[0])
        )
        return tuple(Process(p, self._connections[n], self._runs[n], self._talks[n]) for p, n in top)

    def _rarest_destinations(self) -> tuple[Destination, ...]:
        """Return the fleet's rarest destinations, rarest first."""
        values = {n: value for value, n in self._destinations.items() if n in self._rarest}
        newest = len(self.starts) - 1
        return tuple(
            Destination(
                values[n], self._of[n], self._seen(n), times[0], times[-1],
                tuple(sorted(devices)), tuple(sorted(processes)), self._first[n] == newest,
            )
            for n, (times, devices, processes) in self._rarest.items()
        )  # fmt: skip

    def _ranked(self) -> tuple[NewRow, ...]:
        """Return the rarest of the new rows, rarest first, and among equals the latest first."""
        rows = []
        for (rarity, _, device, process, destination, details), line in self._ranking.lines():
            n, talks = self._destinations[destination], self._talks[self._processes[process]]
            rows.append(
                NewRow(
                    line.name, device, process, destination, tuple(sorted(line.ports)), dict(details),
                    line.connections, line.first, line.last, self._of[n], self._seen(n), talks, rarity,
                )
            )  # fmt: skip
        return tuple(rows)

    def _process(self, name: str) -> int:
        n = self._processes.setdefault(name, len(self._connections))
        if n == len(self._connections):
            self._connections.append(0)
            self._runs.append(0)
            self._talks.append(0)
        return n

    def _destination(self, value: str, process: int, first: int) -> int:
        n = self._destinations.setdefault(value, len(self._of))
        if n == len(self._of):
            for each, start in ((self._of, 0), (self._days, 0), (self._last, 0), (self._by, process)):
                each.append(start)
            self._first.append(first)
            self._is_new.append(0)
            self._talks[process] += 1
        elif self._by[n] != process and (pair := n << _SHIFT | process) not in self._others:
            self._others.add(pair)
            self._talks[process] += 1
        return n

    def _seen(self, n: int) -> int:
        """Return a lower bound for the days on which a destination was seen."""
        # The most days on one device, or its first and last day on two.
        return max(self._days[n], 1 + (self._first[n] != self._last[n]))

    def _rarity(self, n: int, process: int) -> int:
        return max(1, self._of[n]) * self._seen(n) * self._talks[process]

    def _choose(self) -> list[int]:
        """Choose the rarest destinations, ranking each with its process that has the fewest destinations."""
        for pair in self._others:
            n, process = pair >> _SHIFT, pair & ((1 << _SHIFT) - 1)
            if self._talks[process] < self._talks[self._by[n]]:
                self._by[n] = process
        rarest = heapq.nsmallest(
            _RAREST,
            self._destinations.items(),
            lambda each: (
                self._rarity(each[1], self._by[each[1]]),
                -self._first[each[1]],
                self._lots.draw(each[0]),
            ),
        )
        return [n for _, n in rarest]
