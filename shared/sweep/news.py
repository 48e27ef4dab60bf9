"""
Gather new rows for comments: first which devices have any, then those of the devices that an incident is about.

So the rows that are kept are those that a comment may need, and no device's rows crowd out another's.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.errors import OutriderError
from shared.model.entity import DEVICE_ID
from shared.outcomes.answer import Answer
from shared.outcomes.cells import Column, cell_text
from shared.outcomes.reading import decode_answer

from .rows import new_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from msgspec import Raw

    from shared.model.entity import Device
    from shared.model.hunt import Hunt
    from shared.tools import Tools

    from .record import SweepRecord
    from .summary import SweepSummary

#: A device as a row names it: its id in lower case, and its name.
Named = tuple[str, str]

#: Columns with counts, which do not tell one row from another.
_COUNT_COLUMNS = frozenset({"Connections", "Days"})
#: Rows of a hunt that are kept at the same time, for all comments together.
_HELD = 100_000


class Devices:
    """Devices as rows name them, to be found as `same_device` tells."""

    def __init__(self) -> None:
        self._known: set[Named] = set()
        self._by_id: dict[str, list[Named]] = {}
        self._by_name: dict[str, list[Named]] = {}

    def add(self, named: Named) -> None:
        """Add a device."""
        if named in self._known:
            return
        self._known.add(named)
        if named[0]:
            self._by_id.setdefault(named[0], []).append(named)
        labels = named[1].lower().split(".")
        for n in range(1, len(labels) + 1):
            self._by_name.setdefault(".".join(labels[:n]), []).append(named)

    def like(self, device: Device) -> list[Named]:
        """Return those that are *device*."""
        found = self._by_id.get(device.id, []) if device.id else []
        called = self._by_name.get(device.name.lower(), []) if device.name else []
        return found + [named for named in called if not (device.id and named[0])]


class News(Struct):
    """The new rows of one hunt: the devices that have any, and the columns of the rows."""

    hunt: Hunt
    summary: SweepSummary
    devices: Devices = msgspec.field(default_factory=Devices)
    schema: list[Column] = []

    @property
    def identity_columns(self) -> list[str]:
        """The columns that tell one row from another at any time: no times, and no counts."""
        return [c.name for c in self.schema if c.type != "DateTime" and c.name not in _COUNT_COLUMNS]


class Wanted:
    """
    The new rows about one device of an incident, unless *is_known*: at most *limit*, counting all.

    Which ones are kept depends on the rows alone and not on their order.
    """

    def __init__(self, limit: int, is_known: Callable[[dict[str, Any]], bool]) -> None:
        self.count = 0
        self._limit = limit
        self._is_known = is_known
        self._kept: list[tuple[bytes, bytes]] = []

    @property
    def rows(self) -> list[msgspec.Raw]:
        """The rows that are kept, as Graph sent them."""
        return [msgspec.Raw(raw) for _, raw in heapq.nsmallest(self._limit, self._kept)]

    def take(self, raw: Raw, row: dict[str, Any], columns: list[str]) -> None:
        """Take a row, whose identity is in *columns*."""
        if self._is_known(row):
            return
        self.count += 1
        self._kept.append((hashlib.sha256(msgspec.json.encode(identity(row, columns))).digest(), bytes(raw)))
        if len(self._kept) > 2 * self._limit:
            self._kept = heapq.nsmallest(self._limit, self._kept)


def share_of(max_rows: int, devices: int, wanted: int) -> int:
    """Return how many rows to keep of one of an incident's *devices*, if *wanted* are kept in all comments."""
    return max(1, min(max_rows // max(1, devices), _HELD // max(1, wanted)))


def identity(row: dict[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    """Return what tells a row from others, by these *columns*."""
    return tuple([cell_text(row.get(name)) for name in columns])


def row_device(row: dict[str, Any]) -> Named:
    """Return the device that a row names; '' for an id that is none."""
    device_id = cell_text(row.get("DeviceId")).lower()
    return device_id if DEVICE_ID.fullmatch(device_id) else "", cell_text(row.get("DeviceName"))


async def find_devices(tools: Tools, record: SweepRecord, news: News) -> list[str]:
    """Add to *news* the devices with new rows, and the columns; return why parts could not be read."""

    def add(answer: Answer) -> None:
        news.schema = news.schema or answer.schema
        for _, row in _new_rows(news, answer):
            news.devices.add(row_device(row))

    return await _each_part(tools, record, news, add)


async def gather(
    tools: Tools, record: SweepRecord, news: News, wanted: dict[Named, list[Wanted]]
) -> list[str]:
    """Give the new rows to those who want them, by device; return why parts could not be read."""
    columns = news.identity_columns

    def give(answer: Answer) -> None:
        for raw, row in _new_rows(news, answer):
            for each in wanted.get(row_device(row), ()):
                each.take(raw, row, columns)

    return await _each_part(tools, record, news, give) if wanted else []


def _new_rows(news: News, answer: Answer) -> Iterator[tuple[Raw, dict[str, Any]]]:
    return new_rows(answer, news.hunt.sweep.new if news.hunt.sweep else "", news.summary.new_since)


async def _each_part(
    tools: Tools, record: SweepRecord, news: News, use: Callable[[Answer], None]
) -> list[str]:
    def decode(raw: bytes) -> None:
        use(decode_answer(raw))

    trouble = []
    for part in await record.whole(news.hunt.name):
        try:
            async with tools.large_answers:
                raw = await record.rows(news.hunt.name, part)
                await asyncio.to_thread(decode, raw)
        except OutriderError as error:
            trouble.append(str(error))
    return trouble
