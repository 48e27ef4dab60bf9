"""Say of the hunts that found nothing why not, in as few lines as can be: hunts that ended alike share one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .places import joined, on
from .verdict import name
from .words import because

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.outcome import Ending, Outcome

#: Hunts that a line names.
_NAMED = 6


def failures(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return lines for what could not be run: on all devices, or on some."""
    return tuple(_lines("NOT RUN", "notRun", outcomes))


def others(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return lines for silent devices, for hunts that found nothing, and one for all that do not apply."""
    outcomes = list(outcomes)
    unfit = [
        name(each)
        for each in outcomes
        if each.outcome == "notApplicable" or any(d.outcome == "notApplicable" for d in each.devices)
    ]
    return (
        *_silent(outcomes),
        *_lines("Nothing found so far", "nothingSoFar", outcomes),
        *_lines("Nothing found", "nothingFound", outcomes),
        *([f"Not applicable: {joined(unfit, 'hunt', _NAMED)}"] if unfit else []),
    )


def windows(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return a line for each window, and which hunts looked at it where there are several."""
    by_window: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.window is None or outcome.outcome in ("notRun", "notApplicable", "noTelemetry"):
            continue
        window = outcome.window
        text = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        if not window.events:
            text = "how things stand, no events"
        by_window.setdefault(f"{text}{because(window.cut)}", []).append(name(outcome))
    return tuple(
        f"Looked at: {text}" + (f" [{joined(names, 'hunt')}]" if len(by_window) > 1 else "")
        for text, names in by_window.items()
    )


def _silent(outcomes: list[Outcome]) -> Iterable[str]:
    """Yield a line for each reason, with the devices that sent nothing: that is no matter of one hunt."""
    by_reason: dict[str, dict[str, None]] = {}
    for device in (device for each in outcomes for device in each.devices if device.outcome == "noTelemetry"):
        by_reason.setdefault(device.reason, {})[device.device] = None
    for reason, devices in by_reason.items():
        yield f"No telemetry{on(devices)}{because(reason)}"
    alone = [name(each) for each in outcomes if each.outcome == "noTelemetry" and not each.devices]
    if alone:
        yield f"No telemetry: {joined(alone, 'hunt', _NAMED)}"


def _lines(heading: str, ending: Ending, outcomes: Iterable[Outcome]) -> Iterable[str]:
    """Yield a line for the hunts that ended so on the same devices for the same reason, even if each ended otherwise."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for outcome in outcomes:
        if not outcome.devices:
            if outcome.outcome == ending:
                alike.setdefault(((), outcome.reason), []).append(name(outcome))
            continue
        by_reason: dict[str, list[str]] = {}
        for device in outcome.devices:
            if device.outcome == ending:
                by_reason.setdefault(device.reason, []).append(device.device)
        for reason, devices in by_reason.items():
            alike.setdefault((tuple(devices), reason), []).append(name(outcome))
    for (names, reason), hunts in alike.items():
        yield f"{heading}{on(names)}: {joined(hunts, 'hunt', _NAMED)}{because(reason)}"
