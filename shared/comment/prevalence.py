"""Say on how many devices of the fleet a row's value is, and from when; nothing but numbers comes from the count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.times import read_time

from .cells import write_name
from .words import because, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.finding import Found, Group

#: The order of rows that were not counted: what is rare in the answer.
RAREST = "the rarest first"


def seen_on(group: Group, found: Found) -> str:
    """
    Write `on 1 of 2,000 devices, first 2026-11-24`; '' where it was not counted.

    The day is that of the first time in the hunt's window, in UTC. Both numbers are estimates where they are large, so the
    fleet's is left out where it is the smaller one.
    """
    if not group.devices:
        return ""
    fleet = found.prevalence.fleet if found.prevalence else 0
    of = f" of {fleet:,}" if fleet >= group.devices else ""
    noun = "device" if (fleet if of else group.devices) == 1 else "devices"
    since = read_time(group.since)
    return f"on {group.devices:,}{of} {noun}" + (f", first {since:%Y-%m-%d}" if since else "")


def order_of(found: Found, *, mask: bool) -> str:
    """Say in which order rows without a hit are."""
    if not counts(found.groups) or not found.prevalence:
        return RAREST
    return f"the {write_name(found.prevalence.column, mask=mask)} on the fewest devices in the window first"


def how_counted(found: Found, groups: Iterable[Group], *, mask: bool) -> str:
    """Say, as a sentence, what the numbers of *groups* count, or why there are none; '' where none are wanted."""
    if found.prevalence is None:
        return ""
    if why := not_counted(found, mask=mask):
        return f"The {why}."
    told = tuple(groups)
    if not counts(told):
        return ""
    column = write_name(found.prevalence.column, mask=mask)
    rest = "" if all(group.devices for group in told) else "; rows without a number were not counted"
    return f"Devices of the fleet with that {column}, and since when, are counted in the hunt's window{rest}."


def not_counted(found: Found, *, mask: bool) -> str:
    """Write `prevalence of RemoteIP was not counted (why)`; '' where it was, or was not wanted."""
    if found.prevalence is None or not found.prevalence.uncounted:
        return ""
    column = write_name(found.prevalence.column, mask=mask)
    why = because(sentence(found.prevalence.uncounted, mask=mask))
    return f"prevalence of {column} was not counted{why}"


def counts(groups: Iterable[Group]) -> bool:
    """Tell whether any of *groups* was counted over the fleet."""
    return any(group.devices for group in groups)
