"""A hunt as its file describes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from .entity import IndicatorKind

DEVICE_TYPES = frozenset({"Server", "Workstation"})
"""The device types that exclude each other; of any other type nothing is concluded."""


class AppliesTo(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The devices that a hunt is about. A fact that is not listed here, or not known of a device, matches."""

    os_platform: tuple[str, ...] = ()
    device_type: tuple[str, ...] = ()

    def excludes(self, os_platform: str, device_type: str) -> bool:
        """Tell whether a device with these facts ('' where unknown) is of another kind."""
        platforms = {platform.lower() for platform in self.os_platform}
        return bool(os_platform and platforms and os_platform.lower() not in platforms) or (
            device_type.lower() in {other.lower() for other in self.other_types}
        )

    @property
    def other_types(self) -> tuple[str, ...]:
        """The device types to which the hunt does not apply."""
        wanted = {name.lower() for name in self.device_type}
        return tuple(sorted(t for t in DEVICE_TYPES if t.lower() not in wanted)) if wanted else ()


EVERYWHERE = AppliesTo()

#: The hunt that tells what a device is, and whether it sent anything. It runs beside every hunt for devices.
DEVICE_CARD = "device-card"


class Sweep(Struct, frozen=True, rename="camel"):
    """How a hunt runs over the whole fleet; rows whose `new` lies in the newest day are new."""

    summarize: str = ""
    new: str = ""
    lookback: timedelta = timedelta(days=7)
    comment: bool = False


class Enrichment(Struct, frozen=True, rename="camel"):
    """The block of a hunt file that is ours. Durations are ISO 8601, at most 30 days."""

    entity: Literal["device", "indicator"] = "device"
    kinds: tuple[IndicatorKind, ...] = ()
    applies_to: AppliesTo = EVERYWHERE
    lookback: timedelta = timedelta(days=1)
    lookahead: timedelta = timedelta(days=1)
    max_window: timedelta = timedelta(days=7)
    columns: tuple[str, ...] = ()
    means: str = ""
    false_positives: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    sweep: Sweep | None = None


class Hunt(Enrichment, frozen=True, kw_only=True, rename="camel"):
    """
    One hunt. `name` is its file's in kebab-case, `title` the one people read.

    `tables` are those that a device hunt reads; `own_window` says that the query asks for the time itself.
    """

    name: str
    title: str
    id: str
    version: str
    query: str
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    own_window: bool = False
    shipped: bool = False
