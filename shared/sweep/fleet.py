"""How many devices of each kind the fleet has, and how many rows of each hunt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from shared.model.hunt import AppliesTo


class DeviceKind(Struct, frozen=True):
    """How many devices have this OS platform and device type, as DeviceInfo names them."""

    os_platform: str
    device_type: str
    devices: int


class Fleet(Struct, frozen=True):
    """
    The devices in DeviceInfo, by kind; `failure` says why it could not be read, and is empty if it was.

    `rows` is how many rows a hunt had when the sweep began, by its name; one that was not counted is missing.
    """

    kinds: tuple[DeviceKind, ...] = ()
    failure: str = ""
    rows: dict[str, int] = {}

    def size(self, applies_to: AppliesTo) -> int | None:
        """Return how many devices a hunt applies to; None if DeviceInfo could not be read."""
        if self.failure:
            return None
        return sum(
            kind.devices for kind in self.kinds if not applies_to.excludes(kind.os_platform, kind.device_type)
        )
