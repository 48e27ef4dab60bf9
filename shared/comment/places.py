"""Say on which devices a hunt's rows are: the incident's own, or others, to which it may have spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from shared.model.entity import same_device

from .neutral import name as plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.entity import Device
    from shared.model.outcome import Outcome

_LABEL = 60


class Where(Struct, frozen=True):
    """Names of devices, as their products give them: those of the incident, and others; and how many more of these."""

    own: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    more: int = 0

    @property
    def on_own(self) -> str:
        """Where rows of the incident's own devices are, as `on` writes it."""
        return on(self.own, 0 if self.spread else self.more)

    @property
    def text(self) -> str:
        """Where all rows are, the incident's own devices first, and which are not its own; '' where that is not known."""
        if not self.spread:
            return self.on_own
        return f"{self.on_own}{'; also' if self.own else ''}{self.on_others}, outside the incident"

    @property
    def on_others(self) -> str:
        """Where the other rows are."""
        return on(self.spread, self.more)


def where_found(outcomes: Iterable[Outcome], devices: tuple[Device, ...], *, telling: bool = False) -> Where:
    """
    Return the devices that rows of *outcomes* are on; *devices* are the incident's.

    Where it names none, none is spread: all of them are its own. With *telling*, of context only the rows that are hits
    count, since the others are no finding on any device.
    """
    own: dict[str, None] = {}
    spread: dict[str, None] = {}
    more = 0
    for outcome in outcomes:
        found, hits = outcome.found, telling and outcome.is_context
        if not hits:
            own |= dict.fromkeys(each.device for each in outcome.devices if each.outcome == "found")
        places = found.hit_places if hits else found.places
        for place in places:
            mine = not devices or any(same_device(device, place.id, place.name) for device in devices)
            (own if mine else spread)[place.name or place.id] = None
        more += (found.hit_place_count if hits else found.place_count) - len(places)
    # A device that was found by its full name by one hunt, and by its short one by another, is one.
    known = set(map(same, own))
    return Where(tuple(own), tuple(name for name in spread if same(name) not in known), more)


def on(devices: Iterable[str], more: int = 0) -> str:
    """Write ` on srv-7, srv-8 and 3 more devices`, with a leading blank; '' for no devices."""
    names: dict[str, str] = {}
    for device in devices:
        names.setdefault(same(device), short(device))
    return f" on {joined([*names.values()], 'device', more=more)}" if names else ""


def joined(names: list[str], noun: str, most: int = 3, more: int = 0) -> str:
    """List *names*, or if there are more than *most*, one less than that and how many *more* there are in all."""
    if len(names) + more <= most:
        return ", ".join(names)
    kept = names[: most - 1]
    left = len(names) - len(kept) + more
    return f"{', '.join(kept)} and {left:,} more {noun}{'' if left == 1 else 's'}"


def same(device: str) -> str:
    """Return what a device's names have in common, whatever their domain and case."""
    return short(device).lower()


def short(device: str) -> str:
    """Write a device's name without its domain, harmless as plain text."""
    return plain_name(device.partition(".")[0], _LABEL)
