"""What a sweep found, small enough to keep and to show: one summary a hunt, whatever the number of its rows."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from shared.model.outcome import Window


class Lost(Struct, frozen=True):
    """A part of the fleet that was not looked at, its share of the devices, and why."""

    part: str
    share: float
    reason: str


class Day(Struct, frozen=True):
    """
    One of the days before the sweep's end, each 24 hours.

    `new` destinations were first seen then; `known` ones before, and then or later again. On the first day all are
    new, since nobody looked further back.
    """

    start: datetime
    new: int
    known: int


class Process(Struct, frozen=True, rename="camel"):
    """A process over the whole fleet."""

    name: str
    connections: int
    devices: int
    destinations: int


class Destination(Struct, frozen=True, rename="camel"):
    """A destination over the whole fleet; up to three devices and processes are named."""

    value: str
    devices: int
    days: int
    first: str
    last: str
    device_names: tuple[str, ...]
    processes: tuple[str, ...]
    new: bool


class NewRow(Struct, frozen=True, rename="camel"):
    """
    What a device did for the first time on the newest day; rows that differ in their port alone are one.

    `devices` and `days` are those of the destination, `process_destinations` how many the process talks to; `rarity`
    is their product, and the least is the rarest. `ports` are at most ten.
    """

    device: str
    device_id: str
    process: str
    destination: str
    ports: tuple[str, ...]
    details: dict[str, str]
    connections: int
    first: str
    last: str
    devices: int
    days: int
    process_destinations: int
    rarity: int


class SweepSummary(Struct, frozen=True, rename="camel"):
    """How one hunt's sweep ended. It says nothing of when it was made: the same parts give the same summary."""

    hunt: str
    title: str
    id: str
    version: str
    window: Window
    new_since: datetime
    #: Devices that the hunt applies to, as DeviceInfo has them; None where that could not be read.
    fleet: int | None
    #: The share of the fleet that was looked at, 0 to 1, in so many parts; what is missing is in `lost`.
    coverage: float
    parts: int
    lost: tuple[Lost, ...] = ()
    rows: int = 0
    devices: int = 0
    destinations: int = 0
    new_rows: int = 0
    new_devices: int = 0
    #: Destinations of new rows; and those of them that nobody in the fleet had talked to before.
    new_destinations: int = 0
    first_destinations: int = 0
    days: tuple[Day, ...] = ()
    processes: tuple[Process, ...] = ()
    rarest: tuple[Destination, ...] = ()
    #: The rarest of the new rows, rarest first.
    ranked: tuple[NewRow, ...] = ()
