"""What the rows of a sweep are counted and ranked to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.catalog.load import load_hunts
from shared.errors import GraphError
from shared.model.outcome import Window
from shared.sweep.parts import Part
from shared.sweep.summary import SweepSummary
from shared.sweep.survey import Survey
from shared.sweep.tally import Tally

END = datetime(2026, 11, 24, 6, tzinfo=UTC)
HUNT = load_hunts().by_name["linux-server-egress-baseline"]
TYPES = {"FirstSeen": "DateTime", "LastSeen": "DateTime", "RemotePort": "Int32", "Connections": "Int64", "Days": "Int64"}  # fmt: skip


def row(device: str, process: str, address: str, ago: float = 3, **more: Any) -> dict[str, Any]:
    """A row of a device that talked to an address for the first time so many days *ago*, and since."""
    first = END - timedelta(days=ago)
    return {
        "DeviceId": device * 40,
        "DeviceName": f"srv-{device}",
        "Process": process,
        "RemoteIP": address,
        "RemotePort": 443,
        "Protocol": "Tcp",
        "Connections": 2,
        "FirstSeen": f"{first:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "LastSeen": f"{END - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "Days": 1,
        **more,
    }


def summary(*parts: list[dict[str, Any]], columns: list[str] | None = None) -> SweepSummary:
    """Summarise a sweep that came in these parts."""
    tally = Tally(HUNT, Window(END - timedelta(days=7), END))
    names = columns or list(row("a", "", ""))
    schema = [{"name": name, "type": TYPES.get(name, "String")} for name in names]
    answers = [json.dumps({"schema": schema, "results": rows}).encode() for rows in parts]
    for read in (tally.count, tally.rank):
        for raw in answers:
            read(raw)
    return tally.summary(Survey([(Part(), 1)], [], []), 10)


def test_rarity() -> None:
    """The fewer devices and days a destination has, and its process destinations, the earlier its row stands."""
    found = summary(
        [row("a", "browser", f"192.0.2.{n}", 0.5) for n in range(30)]
        + [row("a", "agent", "203.0.113.1", 0.1), row("a", "curl", "203.0.113.2", 0.5)],
        [row("b", "agent", "203.0.113.1", 5, Days=6)],
    )

    assert ("curl", 1) == (found.ranked[0].process, found.ranked[0].rarity)
    assert ("agent", 2 * 6 * 1) == (found.ranked[1].process, found.ranked[1].rarity)
    assert {("browser", 1 * 1 * 30)} == {(each.process, each.rarity) for each in found.ranked[2:]}
    assert ("203.0.113.2", True) == (found.rarest[0].value, found.rarest[0].new)


def test_newest_day() -> None:
    """New begins exactly 24 hours before the end."""
    found = summary([row("a", "curl", "192.0.2.1", 1), row("a", "curl", "192.0.2.2", 1.00001)])

    assert ["192.0.2.1"] == [each.destination for each in found.ranked]
    assert (1, 1, 1, END - timedelta(days=1)) == (
        found.new_rows, found.new_devices, found.new_destinations, found.new_since
    )  # fmt: skip


def test_new_here_known_elsewhere() -> None:
    """What is new on a device, but not in the fleet, is told apart from what nobody had talked to before."""
    found = summary([row("a", "curl", "192.0.2.1", 0.5), row("a", "curl", "192.0.2.2", 0.5)], [row("b", "curl", "192.0.2.1", 5)])  # fmt: skip

    assert (2, 1) == (found.new_destinations, found.first_destinations)


def test_days() -> None:
    """Each day counts the destinations first seen then, and those seen before that were seen then or later."""
    early = f"{END - timedelta(days=4.5):%Y-%m-%dT%H:%M:%S}Z"
    found = summary([row("a", "curl", "192.0.2.1", 6.5, LastSeen=early), row("a", "curl", "192.0.2.2", 2.5)])

    assert [(1, 0), (0, 1), (0, 1), (0, 0), (1, 0), (0, 1), (0, 1)] == [(d.new, d.known) for d in found.days]
    assert (END - timedelta(days=7), END - timedelta(days=1)) == (found.days[0].start, found.days[-1].start)


def test_ports() -> None:
    """Rows that differ in their port alone are one, however many there are."""
    scan = [row("a", "nmap", "192.0.2.1", 0.5, RemotePort=n, Connections=1) for n in range(1_000)]
    found = summary(scan)

    assert [(1_000, 10)] == [(each.connections, len(each.ports)) for each in found.ranked]
    assert 1_000 == found.new_rows


def test_most() -> None:
    """Of many new rows the rarest thousand are kept, whatever the order in which they come."""
    rows = [row("a", f"p{n % 70}", f"2001:db8::{n:x}", 0.5) for n in range(4_000)]
    once, again = summary(rows), summary(rows[::-1])

    assert 1_000 == len(once.ranked)
    assert once == again


def test_parts() -> None:
    """Rows that come in parts give the summary of those that come at once."""
    rows = [[row(d, f"p{n % 7}", f"192.0.2.{n % 50}", n % 6) for n in range(200)] for d in "abc"]

    assert summary([each for part in rows for each in part]) == summary(*rows)


def test_processes() -> None:
    """A process's connections, devices and destinations are those of the whole fleet."""
    found = summary([row("a", "curl", "192.0.2.1"), row("a", "curl", "192.0.2.2")], [row("b", "curl", "192.0.2.1")])  # fmt: skip
    (process,) = found.processes

    assert ("curl", 6, 2, 2) == (process.name, process.connections, process.devices, process.destinations)


def test_other_hunt() -> None:
    """Without an address, the texts of a row are what a device has in common with others, or not."""
    rows = [
        {"DeviceId": d * 40, "DeviceName": d, "Command": c, "FirstSeen": f"{END:%Y-%m-%dT%H:%M:%S}Z"}
        for d, c in (("a", "whoami"), ("b", "whoami"), ("a", "id"))
    ]
    found = summary(rows, columns=["DeviceId", "DeviceName", "Command", "FirstSeen"])

    assert [("id", 1), ("whoami", 2), ("whoami", 2)] == [(r.destination, r.devices) for r in found.ranked]


def test_nothing() -> None:
    """A sweep without a row has nothing to rank, and says so."""
    found = summary([])

    assert (0, (), (), 7) == (found.rows, found.ranked, found.rarest, len(found.days))


def test_no_answer() -> None:
    """What is no answer of Graph's is refused."""
    with pytest.raises(GraphError):
        Tally(HUNT, Window(END - timedelta(days=7), END)).count(b"[]")
