"""What a run hunts for: devices and indicators."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from msgspec import Struct

IndicatorKind = Literal["ip", "url", "domain", "fileHash"]

#: All kinds, in the order in which entities are chosen and listed.
INDICATOR_KINDS: tuple[IndicatorKind, ...] = ("ip", "url", "domain", "fileHash")
#: A Defender DeviceId, in lower case.
DEVICE_ID = re.compile(r"[0-9a-f]{40}")


def hidden(key: str) -> str:
    """
    Return an entity's name for the ledger: `#` and 32 hex digits, of the SHA-256 of *key*.

    The ledger is kept for 400 days, and a URL may hold a password.
    """
    return f"#{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


class Indicator(Struct, frozen=True, omit_defaults=True):
    """An IP address, URL, domain or file hash; `value` has the form in which it is hunted."""

    kind: IndicatorKind
    value: str

    @property
    def key(self) -> str:
        """Its name in a plan, as in `ip:203.0.113.9`."""
        return f"{self.kind}:{self.value}"


class Device(Struct, frozen=True, omit_defaults=True):
    """A machine known to Defender, by its id (40 hex digits, lower case), its name, or both."""

    id: str = ""
    name: str = ""
    #: Defender's name for the operating system, such as `Linux`; '' where unknown.
    os_platform: str = ""

    @property
    def label(self) -> str:
        """The device's name, or its id if it has none."""
        return self.name or self.id

    @property
    def key(self) -> str:
        """Its name in a plan: by its id, or by its name in lower case, as in `device:srv-7`."""
        return f"device:{self.id or self.name.lower()}"


#: Reasons for which an entity is not hunted although it could be: nobody misses it. Any other is a gap.
CLEAN, IGNORED = "verdict clean", "on IGNORE_INDICATORS"
PRIVATE, NOT_SUSPICIOUS = "private or reserved address", "not suspicious in itself"
PUBLIC_SENDER, OWN_SENDER = "a mail service that anyone can use", "the recipient's own domain"
NOT_WANTED = frozenset({CLEAN, IGNORED, PRIVATE, NOT_SUSPICIOUS, PUBLIC_SENDER, OWN_SENDER})


class Dropped(Struct, frozen=True):
    """
    An entity that is not hunted, and the reason; `value` is its name, '' where it has none.

    `kind` is an indicator's, `device`, or what people call what no hunt takes, such as `account` or `mail message`.
    """

    kind: str
    value: str
    reason: str


class Chosen(Struct, frozen=True):
    """The devices and indicators that a run hunts for, and the entities that were left out."""

    devices: tuple[Device, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def entities(self) -> tuple[Device | Indicator, ...]:
        """All that is hunted for: the devices, then the indicators."""
        return (*self.devices, *self.indicators)

    @property
    def kinds(self) -> frozenset[IndicatorKind]:
        """The kinds of indicator among `indicators`."""
        return frozenset(indicator.kind for indicator in self.indicators)


def same_device(device: Device, device_id: str, name: str) -> bool:
    """
    Tell whether a row with this *device_id* and *name* is about *device*.

    Ids are compared where both sides have one, else names, ignoring case: a device called `srv-7` is also
    `srv-7.contoso.com`, but not the reverse.
    """
    if device.id and DEVICE_ID.fullmatch(device_id.lower()):
        return device.id == device_id.lower()
    mine, theirs = device.name.lower(), name.lower()
    return bool(mine) and (mine == theirs or theirs.startswith(f"{mine}."))
