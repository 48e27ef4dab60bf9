"""Write the one line that sums up the outcomes of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .cells import write_cell
from .neutral import label, quoted
from .neutral import name as plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.outcome import Ending, Outcome

    from .content import Content

_LABEL = 60


def verdict(content: Content, *, mask: bool = True) -> str:
    """
    Sum up the outcomes in one line; it never says *nothing* where something was not looked at.

    *mask* replaces what looks like a secret in an indicator.
    """
    counted = Counter(outcome.outcome for outcome in content.outcomes)
    found, failed = counted["found"], counted["notRun"]
    nothing: Ending = "nothingSoFar" if counted["nothingSoFar"] else "nothingFound"
    quiet = counted["nothingSoFar"] + counted["nothingFound"]
    ran = found + quiet + failed
    where = _where(content, "found" if found else nothing, mask=mask)
    if not content.outcomes:
        return f"nothing to hunt for {where}".rstrip()
    if found:
        text = f"{found} of {_count(ran, 'hunt')} found something {where}"
    elif quiet:
        so_far = " so far" if counted["nothingSoFar"] else ""
        text = f"{_count(quiet, 'hunt')} found nothing{so_far} {where}"
    elif failed:
        text = f"FAILED: none of {_count(failed, 'hunt')} could be run {where}"
    elif counted["noTelemetry"]:
        return f"no telemetry {where}: nothing could be looked at"
    else:
        return f"no hunt applies {where}"
    if failed and (found or quiet):
        text += f"; {failed} could not be run"
    partly = [
        d.device
        for o in content.outcomes
        if o.outcome != "notRun"
        for d in o.devices
        if d.outcome == "notRun"
    ]
    silent = [d.device for o in content.outcomes for d in o.devices if d.outcome == "noTelemetry"]
    for devices, said in ((partly, "not run in full"), (silent, "no telemetry")):
        text += f"; {said}{on(_short(devices))}" if devices else ""
    return text


def on(devices: Iterable[str]) -> str:
    """Write ` on srv-7, srv-8 and 3 more devices`, with a leading blank; '' for no devices."""
    names = list(devices)
    return f" on {joined(names, 'device')}" if names else ""


def joined(names: list[str], noun: str, most: int = 3) -> str:
    """List *names*, or if there are more than *most*, one less than that and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more {noun}s"


def name(outcome: Outcome) -> str:
    """Return the name of an outcome's hunt, safe in plain text and at most 60 characters long."""
    return label(outcome.hunt, _LABEL)


def _where(content: Content, ending: str, *, mask: bool) -> str:
    ended = [outcome for outcome in content.outcomes if outcome.outcome == ending]
    hit = [d.device for o in ended for d in o.devices if d.outcome == ending]
    if not hit and ended and (values := _indicators(ended, mask=mask)):
        return f"for {joined(values, 'indicator')}"
    names = {card["DeviceId"].lower(): card["DeviceName"] for card in content.cards}
    devices = hit or [names.get(device.id) or device.label for device in content.chosen.devices]
    if devices:
        return on(_short(devices)).strip()
    values = [_indicator(indicator.value, mask=mask) for indicator in content.chosen.indicators]
    return f"for {joined(values, 'indicator')}" if values else ""


def _indicators(outcomes: Iterable[Outcome], *, mask: bool) -> list[str]:
    """Return the indicators that the rows of indicator hunts matched, defanged."""
    matched = (
        group.values[o.found.shown.index("Indicator")]
        for o in outcomes
        if not o.devices and "Indicator" in o.found.shown
        for group in o.found.groups
    )
    return [_indicator(value, mask=mask) for value in dict.fromkeys(matched)]


def _indicator(value: str, *, mask: bool) -> str:
    shown = write_cell("Indicator", value, mask=mask, length=_LABEL)
    return quoted(shown, _LABEL + 2) if set(' ;,"') & set(shown) else shown


def _short(devices: Iterable[str]) -> Iterable[str]:
    return (plain_name(name.split(".")[0], _LABEL) for name in dict.fromkeys(devices))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
