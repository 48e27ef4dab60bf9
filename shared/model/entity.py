"""What a run hunts for: devices and indicators."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

IndicatorKind = Literal["ip", "url", "domain", "fileHash"]

#: All kinds, in the order in which they are listed.
INDICATOR_KINDS: tuple[IndicatorKind, ...] = ("ip", "url", "domain", "fileHash")
#: A DeviceId of Defender's, in lower case.
DEVICE_ID = re.compile(r"[0-9a-f]{40}")


class Indicator(Struct, frozen=True, omit_defaults=True):
    """An address, URL, domain or file hash, in the form it is hunted in."""

    kind: IndicatorKind
    value: str


class Device(Struct, frozen=True, omit_defaults=True):
    """A machine known to Defender, by its id (40 hex digits, lower case), its name, or both."""

    id: str = ""
    name: str = ""
    os_platform: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or self.id


class Dropped(Struct, frozen=True):
    """An entity that is not hunted, and why."""

    kind: str
    value: str
    reason: str


class Chosen(Struct, frozen=True):
    """What a run hunts for."""

    devices: tuple[Device, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def kinds(self) -> frozenset[IndicatorKind]:
        """The kinds of indicator present."""
        return frozenset(indicator.kind for indicator in self.indicators)


def same_device(device: Device, device_id: str, name: str) -> bool:
    """Whether a row's device is this one: by id where both have one, else by name, short or full."""
    if device.id and DEVICE_ID.fullmatch(device_id.lower()):
        return device.id == device_id.lower()
    mine, theirs = device.name.lower(), name.lower()
    return bool(mine) and (mine == theirs or theirs.startswith(f"{mine}."))


DEVICE_ID = re.compile(r"[0-9a-f]{40}")
