"""What a hunt is put through, one that comes with the app or one that a test makes up: its queries, its cases, its sweep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.entities.indicators import parse_indicator
from shared.kql.write import device_leg, device_query, fleet_query, indicator_query, is_dated
from shared.model.entity import Device, Indicator
from shared.sweep.asking import COUNTS

if TYPE_CHECKING:
    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt
    from shared.sweep.parts import Part

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEVICES = {
    "one-device": [Device("a" * 40, "srv-1")],
    "three-devices": [Device("c" * 40), Device("A" * 40), Device("b" * 40)],
    "name-only": [Device(name="srv-1")],
}
INDICATORS = {
    "ip": [Indicator("ip", "203.0.113.9")],
    "url": [Indicator("url", "evil.example/a")],
    "domain": [Indicator("domain", "evil.example")],
    "several": [Indicator("ip", "203.0.113.9"), Indicator("ip", "2001:db8::1"), Indicator("url", "evil.example/a"),
                Indicator("url", "evil.example/b"), Indicator("domain", "evil.example"), Indicator("domain", "drop.example")],
    "hash": [Indicator("fileHash", "a" * 40)],
    "hashes": [Indicator("fileHash", "b" * 64), Indicator("fileHash", "a" * 40)],
}  # fmt: skip
#: Two values of each kind of indicator, as a person writes them.
EXAMPLES = {
    "ip": ("203.0.113.9", "203.0.113.10"),
    "url": ("https://evil.example/a", "https://evil.example/b"),
    "domain": ("evil.example", "drop.example"),
    "fileHash": ("a" * 40, "b" * 64),
}


def bound(hunt: Hunt) -> dict[str, str]:
    """Return every form in which a hunt is sent, by its name."""
    if hunt.entity == "device":
        return {
            name: device_query(hunt.query, devices, take=10_001, end=NOW, applies_to=hunt.applies_to)
            for name, devices in DEVICES.items()
        }
    return {
        name: indicator_query(hunt.query, given, take=10_001, end=NOW)
        for name, given in INDICATORS.items()
        if any(indicator.kind in hunt.kinds for indicator in given)
    }


def whole(hunt: Hunt) -> str:
    """Return the query of a hunt for one device, or for one indicator of each kind that it takes."""
    if hunt.entity == "device":
        return bound(hunt)["one-device"]
    given = [parse_indicator(EXAMPLES[kind][0]) for kind in hunt.kinds]
    return indicator_query(hunt.query, given, take=10_001, end=NOW)


def swept(hunt: Hunt, part: Part) -> list[str]:
    """Return the queries of a hunt's sweep over a part of the fleet: for its rows, and for their number."""
    assert hunt.sweep
    return [
        fleet_query(
            hunt.query,
            end=NOW,
            summarize=hunt.sweep.summarize + more,
            applies_to=hunt.applies_to,
            prefixes=part.prefixes,
        )
        for more in ("", COUNTS)
    ]


def lacking(hunt: Hunt, columns: set[str]) -> set[str]:
    """
    Return the columns that a sweep of a hunt needs, and its rows lack.

    They say whose a row is and when it was new. Rows with an address are ranked as connections, by all that is read.
    """
    assert hunt.sweep
    connections = {"Process", "RemotePort", "Connections", "LastSeen", "Days"}
    needed = {"DeviceId", "DeviceName", hunt.sweep.new}
    return (needed | connections if "RemoteIP" in columns else needed) - columns


def options(hunt: Hunt) -> list[str]:
    """Return the options of `hunts render` that give a hunt something to hunt for."""
    if hunt.entity == "device":
        return ["--device", "srv-7"]
    return [word for kind in hunt.kinds for value in EXAMPLES[kind] for word in ("--indicator", value)]


def case_rows(
    engine: Engine, hunt: Hunt, content: dict[str, Any], case: dict[str, Any]
) -> list[dict[str, Any]]:
    """
    Return the rows of a hunt for a *case* of its file, whose whole *content* has the entities and what is there in every case.

    All else is deleted from *engine*. A `Timestamp` is written as minutes before now; tables that show how things stand have none,
    or are read whatever the window, as `catalog/query` does it.
    """
    for table in engine.tables:
        engine.connection.execute(f'DELETE FROM "{table}"')  # noqa: S608  (the schema's own names)
    for telemetry in (content.get("telemetry", {}), case["telemetry"]):
        for table, rows in telemetry.items():
            engine.load(table, map(_dated, rows))
    start = NOW - hunt.lookback
    if hunt.entity == "device":
        devices = [Device(**device) for device in content["devices"]]
        bound = start if is_dated(hunt.query, scoped=True) else None
        start = NOW - timedelta(days=30) if bound else start
        query = device_leg(
            hunt.query, devices, take=100, end=NOW, start=bound, applies_to=hunt.applies_to
        ).query
    else:
        given = [Indicator(**indicator) for indicator in content["indicators"]]
        query = indicator_query(hunt.query, given, take=100, end=NOW)
    found: list[dict[str, Any]] = engine.hunt(query, start=start, end=NOW, now=NOW)[1]
    return found


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return row | ({"Timestamp": NOW - timedelta(minutes=row["Timestamp"])} if "Timestamp" in row else {})
