"""Move the rows of a hunt's case onto a device of the sandbox's fleet."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.model.entity import Device, same_device

from .cases import timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt

    from .cases import Case, Cases, Row, Tables
    from .stages import Stage

#: What the columns end in that hold an address.
_ADDRESSES = ("IP", "IPAddress", "IpAddress")


class _Mine(NamedTuple):
    """The case's device, and in lower case what it is called in its rows: names, their hosts, addresses of its own."""

    device: Device
    names: frozenset[str]
    hosts: frozenset[str]
    addresses: frozenset[str]

    def holds(self, row: Row) -> bool:
        """Tell whether a row is about it."""
        return same_device(self.device, _text(row, "DeviceId"), _text(row, "DeviceName"))


def moved(
    engine: Engine, hunt: Hunt, cases: Cases, case: Case, stage: Stage, by: timedelta
) -> tuple[Tables, int]:
    """
    Return the rows of a *case* as if its device were that of *stage*, all times moved *by*, and how many are the device's.

    The case's device is the first in its rows that the hunt is asked for; of an indicator hunt, the first in its rows. Its id,
    names and addresses are replaced wherever a column is for such. Rows about other devices are left out for a device
    hunt, which does not see them. Raises ValueError where no row is about a device.
    """
    every = [
        (table, timed(engine, table, row))
        for telemetry in (case.telemetry, cases.telemetry)
        for table, rows in telemetry.items()
        for row in rows
    ]
    mine = _mine(hunt, cases, [row for _, row in every])
    tables: Tables = {}
    count = 0
    for table, row in every:
        own = mine.holds(row)
        if hunt.entity == "device" and not own and (_text(row, "DeviceId") or _text(row, "DeviceName")):
            continue
        columns = engine.tables[table]
        put = {name: _moved(name, columns[name], value, mine, stage, by) for name, value in row.items()}
        if own:
            count += 1
            if "DeviceId" in columns:
                put["DeviceId"] = stage.device.id
            # A name that is empty on purpose stays so.
            if "DeviceName" in columns and row.get("DeviceName", stage):
                put["DeviceName"] = stage.device.name
        tables.setdefault(table, []).append(put)
    return tables, count


def lines(rows: list[Row]) -> Iterator[str]:
    """Yield each row in JSON, times in ISO 8601."""
    for row in rows:
        yield json.dumps(row, default=lambda value: value.isoformat())


def _mine(hunt: Hunt, cases: Cases, rows: list[Row]) -> _Mine:
    for row in rows:
        device_id, name = _text(row, "DeviceId"), _text(row, "DeviceName")
        if (device_id or name) and (
            hunt.entity == "indicator" or any(same_device(one, device_id, name) for one in cases.devices)
        ):
            device = Device(device_id.lower(), name)
            break
    else:
        if hunt.entity == "indicator":
            # Mails and sign-ins are about none.
            return _Mine(Device(), frozenset(), frozenset(), frozenset())
        raise ValueError("none of its rows is about a device: write DeviceId and DeviceName in them")
    own = [row for row in rows if same_device(device, _text(row, "DeviceId"), _text(row, "DeviceName"))]
    names = {_text(row, "DeviceName").lower() for row in own} - {""}
    hosts = {each.partition(".")[0] for each in names}
    addresses = {_text(row, "LocalIP") for row in own} - {"", "127.0.0.1", "::1"}
    return _Mine(device, frozenset(names), frozenset(hosts), frozenset(addresses))


def _moved(column: str, kind: str, value: Any, mine: _Mine, stage: Stage, by: timedelta) -> Any:
    """Return the value of a *column* of this *kind* with what is the case's device's replaced."""
    if kind == "datetime" and value:
        return (datetime.fromisoformat(value) if isinstance(value, str) else value) + by
    text = str(value).lower()
    if mine.device.id and text == mine.device.id:
        return stage.device.id
    if column.endswith("DeviceName") and text in mine.names:
        return stage.device.name
    # A local account's domain is its device.
    if column.endswith("Domain") and text in mine.hosts:
        return stage.short
    if column.endswith(_ADDRESSES) and text in mine.addresses:
        return stage.address
    return value


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "")
