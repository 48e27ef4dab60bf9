"""Decide how a hunt ended, from what it found and on which devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.catalog.select import misfit
from shared.model.entity import Device, same_device
from shared.model.finding import Found
from shared.model.outcome import DeviceEnding, Ending, Outcome, Window
from shared.model.times import write_time

if TYPE_CHECKING:
    from shared.model.hunt import Hunt


def decide(
    hunt: Hunt,
    found: Found,
    window: Window,
    devices: tuple[Device, ...],
    cards: tuple[dict[str, str], ...] | None,
) -> Outcome:
    """
    Decide how a hunt ended, so that nothing that was not looked at reads as *nothing found*.

    *cards* are the rows of the device card, or None where it could not be read: a device hunt without rows is
    then *not run*, since nobody knows whether the device sent anything.
    """

    def ended(outcome: Ending, reason: str = "", each: tuple[DeviceEnding, ...] = ()) -> Outcome:
        return Outcome(hunt.name, hunt.title, outcome, reason, window, each, found, hunt.id, hunt.version)

    if found.failure:
        return ended("notRun", found.failure)
    if found.unreadable and not found.rows:
        return ended("notRun", f"none of the {found.unreadable:,} rows of its answer could be read")
    if hunt.entity == "indicator":
        return ended("found" if found.rows else "nothingFound")
    if cards is None and not found.rows:
        return ended(
            "notRun",
            "it returned no rows, but the device card could not be read, "
            "so nobody knows whether the device sent anything",
        )
    each = tuple(_device_ending(hunt, found, window, device, cards or ()) for device in devices)
    endings = [ending.outcome for ending in each]
    for outcome in ("found", "nothingFound", "notRun", "noTelemetry", "notApplicable"):
        if outcome in endings or (outcome == "found" and found.rows):
            reasons = {e.reason for e in each if e.outcome == outcome and e.reason}
            return ended(outcome, "; ".join(sorted(reasons)) if len(reasons) == 1 else "", each)
    raise AssertionError("a device hunt has at least one device")


def _device_ending(
    hunt: Hunt, found: Found, window: Window, device: Device, cards: tuple[dict[str, str], ...]
) -> DeviceEnding:
    mine = [card for card in cards if same_device(device, card["DeviceId"], card["DeviceName"])]
    name = next((card["DeviceName"] for card in mine), device.name) or device.name or device.id
    ids = {card["DeviceId"].lower() for card in mine} | {device.id}
    names = {card["DeviceName"].lower() for card in mine}
    if any(key in ids or key in names or same_device(device, key, key) for key in found.per_device):
        return DeviceEnding(name, "found")
    if not mine:
        return DeviceEnding(name, "noTelemetry", "Defender has no record of it in the 30 days before")
    if all(hunt.applies_to.excludes(card["OSPlatform"], card["DeviceType"]) for card in mine):
        return DeviceEnding(name, "notApplicable", misfit(hunt, mine[0]["OSPlatform"], mine[0]["DeviceType"]))
    last = max(card["LastSeen"] for card in mine)
    if last < write_time(window.start):
        return DeviceEnding(
            name, "noTelemetry", f"last seen {last[:16].replace('T', ' ')} UTC, before the window"
        )
    if found.unreadable:
        return DeviceEnding(
            name, "notRun", f"{found.unreadable:,} rows could not be read, and may be about it"
        )
    return DeviceEnding(name, "nothingFound")
