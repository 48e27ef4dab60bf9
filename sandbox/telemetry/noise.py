"""
What a hunt says where nothing happened, and whether it says something where an intrusion did.

Both are asked of generated telemetry, so they are no measure of any company's noise; they tell a hunt that cannot be lived
with from one that can, before an analyst does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.kql.write import device_query, fleet_query
from shared.model.entity import Device

from .engine import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.model.hunt import Hunt

    from .engine import Engine, Row

_MOST = 100_000  # rows that Graph returns
_SHOWN = 6  # columns that a comment shows where a hunt names none


class Noise(NamedTuple):
    """
    What a hunt returns in ordinary telemetry, on an average day of the whole fleet.

    `rows` is as it returns them, `events` with those counted once that a comment shows as one: alike in the columns that it
    shows, on one device and in one window. `devices` is how many devices have any. `failed` is why it could not run.
    """

    hunt: str
    rows: float = 0
    events: float = 0
    devices: float = 0
    failed: str = ""


def measure(hunt: Hunt, engine: Engine, *, end: datetime, days: int, windows: int | None = None) -> Noise:
    """
    Run a device hunt over the fleet, as if there were no incident, in all of its windows that fit into the *days* before *end*.

    *days* is how many days of telemetry there are; *windows*, from 1, is the most that are asked, the last ones. Rows beyond
    100,000 in a window are not counted.
    """
    back = min(hunt.lookback, timedelta(days=days))
    count = timedelta(days=days) // back
    if windows:
        count = min(windows, count)
    rows = events = devices = 0
    for number in range(count):
        until = end - number * back
        query = fleet_query(hunt.query, end=until, applies_to=hunt.applies_to)
        try:
            found = _rows(engine, query, until - back, until)
        except (QueryError, ValueError) as error:
            return Noise(hunt.name, failed=str(error))
        rows += len(found)
        events += len({_as_shown(hunt, row) for row in found})
        devices += len({_device(row) for row in found})
    span = count * back / timedelta(days=1)
    return Noise(hunt.name, rows / span, events / span, devices / span)


def finders(
    hunts: Iterable[Hunt],
    engine: Engine,
    planted: Mapping[str, Sequence[tuple[str, Row]]],
    *,
    end: datetime,
) -> dict[str, list[str]]:
    """
    Plant intrusions in *engine*, and return for each hunt those that it finds, by their names.

    They are the rows of *planted*; no two may be on one device. One is found if the hunt, run for its devices over the
    hunt's own time before *end*, returns a row of a device of its that it did not return before.
    """
    hunts = list(hunts)
    whose = {row["DeviceId"]: name for name, rows in planted.items() for _, row in rows}
    before = {hunt.name: _about(hunt, engine, list(whose), end) for hunt in hunts}
    tables: dict[str, list[Row]] = {}
    for rows in planted.values():
        for table, row in rows:
            tables.setdefault(table, []).append(row)
    for table, some in tables.items():
        engine.load(table, some)
    after = {hunt.name: _about(hunt, engine, list(whose), end) for hunt in hunts}
    return {
        hunt.name: sorted(
            {whose[device] for device, _ in after[hunt.name] - before[hunt.name] if device in whose}
        )
        for hunt in hunts
    }


def _about(hunt: Hunt, engine: Engine, ids: list[str], end: datetime) -> set[tuple[str, str]]:
    """Return the rows of a hunt for some devices, each with its device; none where the hunt cannot run."""
    try:
        query = device_query(
            hunt.query, [Device(each) for each in ids], take=_MOST, end=end, applies_to=hunt.applies_to
        )
        rows = _rows(engine, query, end - hunt.lookback, end)
    except (QueryError, ValueError):
        return set()
    return {(_device(row), repr(sorted(row.items(), key=lambda item: item[0]))) for row in rows}


def _rows(engine: Engine, query: str, start: datetime, end: datetime) -> list[Row]:
    return engine.hunt(query, start=start, end=end, now=end, limit=_MOST)[1]


def _as_shown(hunt: Hunt, row: Row) -> tuple[str, ...]:
    shown = hunt.columns or [name for name in row if not name.endswith(("Id", "Time", "Timestamp"))][:_SHOWN]
    return (_device(row), *(str(row.get(name)) for name in shown))


def _device(row: Row) -> str:
    return str(row.get("DeviceId") or row.get("DeviceName") or "")
