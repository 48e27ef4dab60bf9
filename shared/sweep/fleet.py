"""How many devices of which kind the fleet has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from shared.model.hunt import AppliesTo


class DeviceKind(Struct, frozen=True):
    """Devices of one kind, and how many there are."""

    os_platform: str
    device_type: str
    devices: int


class Fleet(Struct, frozen=True):
    """The devices that DeviceInfo knows; `failure` says why it could not be asked."""

    kinds: tuple[DeviceKind, ...] = ()
    failure: str = ""

    def size(self, applies_to: AppliesTo) -> int | None:
        """Count the devices that a hunt applies to; None where nobody knows."""
        if self.failure:
            return None
        return sum(
            kind.devices for kind in self.kinds if not applies_to.excludes(kind.os_platform, kind.device_type)
        )
