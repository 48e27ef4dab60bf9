"""Decide how a hunt ended, from what it found and on which devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.catalog.select import misfit
from shared.kql.tables import BY_NAME
from shared.model.entity import DEVICE_ID, Device, same_device
from shared.model.finding import Found
from shared.model.outcome import DeviceEnding, Ending, Outcome, Window
from shared.model.times import write_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.hunt import Hunt

    Cards = tuple[dict[str, str], ...]

_NO_CARD = "the device card could not be read, so nobody knows whether it sent anything"


def decide(
    hunt: Hunt, found: Found, window: Window, devices: tuple[Device, ...], cards: Cards | None, *, fair: bool
) -> Outcome:
    """
    Decide how a hunt ended, so that nothing that was not looked at reads as *nothing found*.

    *cards* are the rows of the device card, or None where it could not be read: a device without rows is then
    *not run*, since nobody knows whether it sent anything. *fair* says that an answer that is cut off has
    rows of every entity that has any; where it is not, a device without rows is *not run*, too. An open window
    makes *nothing found so far* of *nothing found*.
    """

    def ended(outcome: Ending, reason: str = "", each: tuple[DeviceEnding, ...] = ()) -> Outcome:
        return Outcome(
            hunt.name,
            hunt.title,
            outcome,
            reason,
            window,
            each,
            found,
            hunt.id,
            hunt.version,
            hunt.role,
            hunt.severity,
        )

    if found.lacks:
        return ended("noTelemetry", found.failure)
    if found.failure:
        return ended("notRun", found.failure)
    if found.unreadable and not found.rows:
        return ended("notRun", f"none of the {found.unreadable:,} rows of its answer could be read")
    cut = found.more and not fair
    if hunt.entity == "indicator":
        left_out = (
            "it was cut off, and all rows of some indicators may be among those left out" if cut else ""
        )
        return ended("found", left_out) if found.rows else ended(nothing_in(window))
    if cards is None and not found.rows:
        return ended("notRun", f"it returned no rows, but {_NO_CARD}")
    nameless = _nameless(hunt, found, devices, cards or ())
    each = tuple(_device_ending(hunt, found, window, device, cards, cut=cut) for device in devices)
    if nameless:
        # Which devices they are about cannot be told, so of none can be said that nothing was found on it.
        each = tuple(ending for ending in each if ending.outcome == "found")
        reason = f"{nameless:,} of its {found.rows:,} rows name none of these devices"
        return ended("found", reason, each)
    endings = [ending.outcome for ending in each]
    for outcome in ("found", nothing_in(window), "notRun", "noTelemetry", "notApplicable"):
        if outcome in endings:
            reasons = {e.reason for e in each if e.outcome == outcome and e.reason}
            return ended(outcome, "; ".join(sorted(reasons)) if len(reasons) == 1 else "", each)
    raise AssertionError("a device hunt has at least one device")


def nothing_in(window: Window) -> Ending:
    """Return *nothing found*, or *nothing found so far* where more may happen or arrive in the window."""
    return "nothingSoFar" if window.over else "nothingFound"


def parts_of(hunt: Hunt, device: Device, found: Found, cards: Cards) -> set[str]:
    """
    Return the keys in `found.per_entity` that are rows of *device*.

    A device that is known by its name alone has the rows under that name, and under the id that the rows
    themselves or its *cards* give for it. Where *hunt* reads tables that have names alone, its name with and without a
    domain are one, unless another of *cards* has the same without it.
    """
    mine = _cards_of(device, cards)
    ids = {card["DeviceId"].lower() for card in mine}
    names = {card["DeviceName"].lower() for card in mine}
    own: set[str] = set()
    if _is_by_name(hunt):
        own = set(map(_host, names)) - {_host(card["DeviceName"]) for card in cards if card not in mine}
    # What an incident calls a device that has an id may be another's short name, too.
    named = not (_is_by_name(hunt) and device.id and any(names))

    def is_mine(key: str, name: str) -> bool:
        if key in ids | names | own or _host(key) in names & own:
            return True
        return (named or bool(DEVICE_ID.fullmatch(key))) and same_device(device, key, name)

    return {key for key, part in found.per_entity.items() if key and is_mine(key, part.name or key)}


def _is_by_name(hunt: Hunt) -> bool:
    """Tell whether a hunt reads tables that know devices by their names alone."""
    return not BY_NAME.isdisjoint(hunt.tables)


def _host(name: str) -> str:
    return name.lower().partition(".")[0]


def _cards_of(device: Device, cards: Cards) -> list[dict[str, str]]:
    return [card for card in cards if same_device(device, card["DeviceId"], card["DeviceName"])]


def _nameless(hunt: Hunt, found: Found, devices: Iterable[Device], cards: Cards) -> int:
    """Return how many rows are about none of *devices*, as far as they say."""
    named = {key for device in devices for key in parts_of(hunt, device, found, cards)}
    return found.rows - sum(found.per_entity[key].rows for key in named)


def _device_ending(
    hunt: Hunt, found: Found, window: Window, device: Device, cards: Cards | None, *, cut: bool
) -> DeviceEnding:
    mine = _cards_of(device, cards or ())
    name = next((card["DeviceName"] for card in mine), device.name) or device.name or device.id
    if parts_of(hunt, device, found, cards or ()):
        return DeviceEnding(name, "found")
    if cards is None:
        return DeviceEnding(name, "notRun", _NO_CARD)
    if not mine:
        return DeviceEnding(name, "noTelemetry", "Defender has no record of it in the 30 days before")
    if all(hunt.applies_to.excludes(card["OSPlatform"], card["DeviceType"]) for card in mine):
        return DeviceEnding(name, "notApplicable", misfit(hunt, mine[0]["OSPlatform"], mine[0]["DeviceType"]))
    last = max(card["LastSeen"] for card in mine)
    if last < write_time(window.start):
        return DeviceEnding(
            name, "noTelemetry", f"last seen {last[:16].replace('T', ' ')} UTC, before the window"
        )
    if cut:
        reason = f"the answer was cut off after {found.rows:,} rows, and its own may be among those left out"
        return DeviceEnding(name, "notRun", reason)
    if found.unreadable:
        reason = f"{found.unreadable:,} rows could not be read, and may be about it"
        return DeviceEnding(name, "notRun", reason)
    if _is_by_name(hunt) and not any(card["DeviceName"] for card in mine):
        return DeviceEnding(name, "notRun", "it is looked for by its name, and Defender has none for it")
    return DeviceEnding(name, nothing_in(window))
