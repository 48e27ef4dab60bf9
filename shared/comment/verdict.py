"""Write the one line that sums up the outcomes of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.model.entity import NOT_WANTED

from .cells import write_cell
from .neutral import label, quoted
from .places import joined, on, where_found
from .unlooked import without_hunt

if TYPE_CHECKING:
    from shared.model.outcome import Outcome

    from .content import Content

_LABEL = 60


def verdict(content: Content, *, mask: bool = True) -> str:
    """
    Sum up the outcomes in one line: what was found or hit, and where; it never says *nothing* where nobody looked.

    What is normal there, context, is counted and never *found*; a hit is. *mask* replaces what looks like a secret in
    an indicator.
    """
    if not content.outcomes and not content.chosen.entities:
        return f"nothing to hunt for{_unlooked(content)}"
    if telling := content.telling:
        return _found(content, telling, mask=mask) + _rest(content)
    counted = Counter(outcome.outcome for outcome in content.outcomes)
    quiet = counted["nothingSoFar"] + counted["nothingFound"] + len(content.context)
    failed, where = counted["notRun"], _where(content, mask=mask)
    if quiet:
        so_far = " so far" if counted["nothingSoFar"] else ""
        return f"nothing found{so_far}{where} ({_count(quiet, 'hunt')}){_rest(content)}"
    if failed:
        return f"FAILED: none of {_count(failed, 'hunt')} could be run{where}{_partly(content)}{_unlooked(content)}"
    if counted["noTelemetry"]:
        said = f"no telemetry{on(_silent(content)) or where}: nothing could be looked at"
        return f"{said}{_also('no hunt applies', without_hunt(content))}{_unlooked(content)}"
    return f"no hunt applies{where}{_unlooked(content)}"


def name(outcome: Outcome) -> str:
    """Return the name of an outcome's hunt, safe in plain text and at most 60 characters long."""
    return label(outcome.hunt, _LABEL)


def hits_of(outcome: Outcome) -> list[str]:
    """Return the incident's indicators that rows hold; where they hold a URL, not its host as well."""
    values = list(dict.fromkeys(value for group in outcome.found.groups for value in group.hits))
    hosts = {value.partition("/")[0] for value in values if "/" in value}
    return [value for value in values if value not in hosts]


def _found(content: Content, telling: list[Outcome], *, mask: bool) -> str:
    place = where_found(telling, content.of_incident.devices, telling=True)
    where = place.on_own or ("" if place.spread else _found_by(telling, mask=mask))
    said = joined([_item(each, mask=mask) for each in telling], "finding", most=4)
    if where or not place.spread:
        text = f"found{where}: {said}"
        return f"{text}; also{place.on_others}, outside the incident" if place.spread else text
    return f"found{place.on_others}, outside the incident: {said}"


def _found_by(telling: list[Outcome], *, mask: bool) -> str:
    """Return the indicators that rows were found by, for want of a device that they name."""
    values = dict.fromkeys(
        value
        for found in (each.found for each in telling)
        if "Indicator" in found.shown
        for group in found.groups
        for value in group.values[found.shown.index("Indicator")].split(", ")
    )
    shown = [_indicator(value, mask=mask) for value in values]
    return f" for {joined(shown, 'indicator')}" if shown else ""


def _item(outcome: Outcome, *, mask: bool) -> str:
    found = outcome.found
    if not outcome.is_context:
        return f"{name(outcome)} ({'over ' if found.more else ''}{found.count:,})"
    shown = [_indicator(value, mask=mask) for value in hits_of(outcome)] or ["an indicator"]
    return f"{joined(shown, 'indicator', most=2)} in {name(outcome)} ({found.hit_rows:,})"


def _rest(content: Content) -> str:
    """Return what else line one has to say: context, what failed or was silent, and what was not looked at."""
    text = ""
    if normal := sum(outcome.found.count for outcome in content.context):
        text += f"; {_count(normal, 'row')} of context"
    if failed := sum(outcome.outcome == "notRun" for outcome in content.outcomes):
        text += f"; {failed:,} could not be run"
    return text + _partly(content) + _unlooked(content)


def _partly(content: Content) -> str:
    """Return which devices were looked at in part, or not at all."""
    ended = [(d, o) for o in content.outcomes for d in o.devices]
    partly = [d.device for d, o in ended if d.outcome == "notRun" and o.outcome != "notRun"]
    return (
        _also("not run in full", partly)
        + _also("no telemetry", _silent(content))
        + _also("no hunt applies", without_hunt(content))
    )


def _silent(content: Content) -> list[str]:
    return [d.device for o in content.outcomes for d in o.devices if d.outcome == "noTelemetry"]


def _also(said: str, devices: list[str]) -> str:
    return f"; {said}{on(devices)}" if devices else ""


def _unlooked(content: Content) -> str:
    count = sum(drop.reason not in NOT_WANTED for drop in content.chosen.dropped)
    return f"; {count:,} not looked at" if count else ""


def _where(content: Content, *, mask: bool) -> str:
    """Return what was looked at, with a leading blank: the devices that were, else the indicators."""
    looked = [
        d.device
        for o in content.outcomes
        for d in o.devices
        if d.outcome in ("nothingFound", "nothingSoFar") or (d.outcome == "found" and o.is_context)
    ]
    if looked:
        return on(looked)
    values = [_indicator(indicator.value, mask=mask) for indicator in content.chosen.indicators]
    if values and any(o.outcome in ("nothingFound", "nothingSoFar") for o in content.outcomes):
        return f" for {joined(values, 'indicator')}"
    if content.chosen.devices:
        return on(map(content.called, content.chosen.devices))
    return f" for {joined(values, 'indicator')}" if values else ""


def _indicator(value: str, *, mask: bool) -> str:
    shown = write_cell("Indicator", value, mask=mask, length=_LABEL)
    return quoted(shown, _LABEL + 2) if set(' ;,"') & set(shown) else shown


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
