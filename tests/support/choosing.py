"""Hunts to choose from, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta

from shared.catalog.choosing import About, Choice, Policy, choose_hunts
from shared.catalog.load import Catalog
from shared.model.entity import Chosen, Device, Indicator
from shared.model.hunt import DEVICE_CARD, AppliesTo, Hunt, Severity

ALL = Policy(("*",))
DEVICE = Chosen((Device(name="web01"),))
HASH = Chosen((), (Indicator("fileHash", "a" * 40),))


def hunt(
    name: str,
    severity: Severity = "medium",
    techniques: tuple[str, ...] = (),
    tactics: tuple[str, ...] = (),
    *,
    auto: bool = True,
    platform: str = "",
) -> Hunt:
    """Return a device hunt that runs by itself, unless *auto* is False."""
    return Hunt(
        name=name,
        title=name,
        id=name,
        version="1",
        query="DeviceInfo",
        severity=severity,
        techniques=techniques,
        tactics=tactics,
        applies_to=AppliesTo((platform,) if platform else ()),
        auto=auto,
        lookback=timedelta(days=1),
    )


def catalog(*hunts: Hunt) -> Catalog:
    """Return a catalogue of these hunts and the device card, sorted by name as a loaded one is."""
    return Catalog(tuple(sorted((*hunts, hunt(DEVICE_CARD)), key=lambda each: each.name)))


def order(*hunts: Hunt, about: About, policy: Policy = ALL) -> list[str]:
    """Return the names of the hunts that run, in their order, without the device card, which comes first."""
    runs = [choice for choice in choose_hunts(catalog(*hunts), about, policy) if choice.runs]

    assert DEVICE_CARD == runs[0].hunt.name
    assert list(range(len(runs))) == [choice.rank for choice in runs]
    return [choice.hunt.name for choice in runs[1:]]


def of(name: str, choices: tuple[Choice, ...]) -> Choice:
    """Return what became of one hunt."""
    return next(choice for choice in choices if choice.hunt.name == name)
