"""What a sweep found: one summary per hunt, small enough to store and to show however many rows there are."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from shared.model.outcome import Window


class Lost(Struct, frozen=True):
    """A part of the fleet (`00-7f`) that was not searched, its share of the devices (0 to 1), and why."""

    part: str
    share: float
    reason: str


class Day(Struct, frozen=True):
    """
    One of the days before the sweep's end, each 24 hours, and how many destinations it has.

    `new` were first seen on this day; `known` were first seen earlier, and last seen on this day or later. On
    the first day all are new, since the sweep looks no further back.
    """

    start: datetime
    new: int
    known: int


class Process(Struct, frozen=True, rename="camel"):
    """A process over the whole fleet: its connections, the devices that run it, and its destinations."""

    name: str
    connections: int
    devices: int
    destinations: int


class Destination(Struct, frozen=True, rename="camel"):
    """
    A destination in the rows of one hunt, over the whole fleet.

    `devices` is how many devices talk to it in those rows (other hunts may see it on more of them; 0 where no
    row names one), and `days` is on how many days they do, at least. `first` and
    `last` are times as Graph writes them. Up to three devices and three processes are named. `new` says
    whether it was first seen on the newest day.
    """

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
    What a device did for the first time on the newest day; rows that differ only in their port are one.

    `devices` and `days` are those of the destination in the hunt's rows, `process_destinations` is how many
    destinations the process has; `rarity` is their product, and the smallest is the rarest. `ports` has at most ten. `first`
    and `last` are times as Graph writes them.
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
    """How one hunt's sweep ended; without the time, so that the same parts give the same summary."""

    hunt: str
    title: str
    id: str
    version: str
    window: Window
    #: Rows first seen at this time or later are new: 24 hours before the window's end.
    new_since: datetime
    #: How many devices in DeviceInfo the hunt applies to; None if that could not be read.
    fleet: int | None
    #: The share of the fleet that was searched, 0 to 1; what is missing is in `lost`.
    coverage: float
    #: Into how many parts the fleet was divided, those in `lost` included.
    parts: int
    lost: tuple[Lost, ...] = ()
    #: Rows in all, and the devices and the destinations in them.
    rows: int = 0
    devices: int = 0
    destinations: int = 0
    new_rows: int = 0
    new_devices: int = 0
    #: Destinations of new rows, and those of them that no row of the hunt has from before.
    new_destinations: int = 0
    first_destinations: int = 0
    days: tuple[Day, ...] = ()
    #: The 20 processes with the most connections, and the 50 rarest destinations, rarest first.
    processes: tuple[Process, ...] = ()
    rarest: tuple[Destination, ...] = ()
    #: The rarest of the new rows, at most 1,000, rarest first.
    ranked: tuple[NewRow, ...] = ()
    #: New rows that are as rare as the last in `ranked` and not in it: lots decided.
    ties: int = 0
    #: Rows without a time in the column that tells which are new: nobody knows whether they are.
    undated: int = 0
    #: New rows that name no device, neither by its id nor by its name.
    nameless: int = 0
    #: Rows that Graph returned, too, and that cannot be read.
    unreadable: int = 0
