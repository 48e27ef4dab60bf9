"""Write what hunts found: findings in full, and what is normal there in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import neutral
from .cells import write_cell, write_name
from .content import Content, Finding, ShownRow, count_rows
from .places import joined, on, where_found
from .verdict import name
from .words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.finding import Group
    from shared.model.outcome import Outcome

#: Lines of context, its heading included.
_CONTEXT = 5
_INDICATOR = 60
#: Between the indicators that found one event, as `summarizing` joins them.
_AND = ", "


def finding_of(outcome: Outcome, content: Content, *, most: int, mask: bool) -> Finding:
    """Return what a hunt found, with at most *most* rows; *mask* replaces what looks like a secret."""
    found, hunt = outcome.found, content.hunts.get(outcome.hunt)
    place = where_found([outcome], content.of_incident.devices)
    # A single device is named in the heading, and need not be repeated in every row.
    single = len(place.own) + len(place.spread) + place.more == 1
    kept = _kept(outcome, single=single)
    return Finding(
        f"FOUND ({outcome.severity}{_hits(outcome, mask=mask)}): {name(outcome)}: "
        f"{count_rows(found.count, more=found.more)}{_where(outcome, content)}",
        one_line(hunt.means) if hunt else "",
        f"Note: {outcome.reason}" if outcome.reason else "",
        tuple(write_name(found.shown[n], mask=mask) for n in kept),
        tuple(_rows(found.groups[:most], found.shown, kept, mask=mask)),
        found.count,
        found.more,
        tuple(map(one_line, hunt.next_steps)) if hunt else (),
        tuple(map(one_line, hunt.false_positives)) if hunt else (),
        content.portal.get(outcome.hunt, ""),
    )


def context_of(content: Content, *, mask: bool) -> tuple[str, ...]:
    """Return a heading that counts what is normal there, and at most four lines: hits, then the rarest."""
    if not content.context:
        return ()
    counted = [
        f"{name(each)}: {count_rows(each.found.count, more=each.found.more)}{_where(each, content)}"
        for each in content.context
    ]
    rows = [
        (not group.hits, place, row)
        for each in content.context
        for place, (group, row) in enumerate(_lines(each, content, mask=mask))
    ]
    shown = [row for *_, row in sorted(rows, key=lambda row: row[:2])[: _CONTEXT - 1]]
    return (f"Context, no finding: {'; '.join(counted)}; hits and the rarest first", *shown)


def _lines(outcome: Outcome, content: Content, *, mask: bool) -> Iterable[tuple[Group, str]]:
    found, place = outcome.found, where_found([outcome], content.of_incident.devices)
    kept = _kept(outcome, single=len(place.own) + len(place.spread) + place.more == 1)
    groups = found.groups[: _CONTEXT - 1]
    for group, row in zip(groups, _rows(groups, found.shown, kept, mask=mask), strict=True):
        yield group, " · ".join(filter(None, (row.seen, *row.cells)))


def _kept(outcome: Outcome, *, single: bool) -> list[int]:
    return [n for n, column in enumerate(outcome.found.shown) if column != "DeviceName" or not single]


def _rows(
    groups: Iterable[Group], shown: tuple[str, ...], kept: list[int], *, mask: bool
) -> Iterable[ShownRow]:
    """Yield rows whose times name their day where it changes, with the zone, and else the hour alone."""
    day = ""
    for group in groups:
        first, last = neutral.time(group.first), neutral.time(group.last)
        yield ShownRow(
            group.count,
            _span(first, last, day),
            tuple(_cell(shown[n], group.values[n], mask=mask) for n in kept),
            bool(_beyond(group, shown)),
        )
        day = last[:10]


def _cell(column: str, value: str, *, mask: bool) -> str:
    # What an event was found by may be several indicators.
    parts = value.split(_AND) if column == "Indicator" else [value]
    return _AND.join(write_cell(column, part, mask=mask) for part in parts) or "(empty)"


def _beyond(group: Group, shown: tuple[str, ...]) -> list[str]:
    """Return the indicators that rows hold beyond those that they were found by: these are no surprise."""
    by = group.values[shown.index("Indicator")].split(_AND) if "Indicator" in shown else ()
    return [value for value in group.hits if value not in by]


def _span(first: str, last: str, day: str) -> str:
    if not first:
        return ""
    begin = first[11:] if first[:10] == day and last[:10] == day else first
    end = "" if first == last else f" to {last[11:] if first[:10] == last[:10] else last}"
    return f"{begin}{end}" + ("" if begin == first[11:] else " UTC")


def _where(outcome: Outcome, content: Content) -> str:
    place = where_found([outcome], content.of_incident.devices)
    spread = on(place.spread, place.more)
    if not spread:
        return on(place.own)
    return (
        f"{on(place.own)}; also{spread}, outside the incident"
        if place.own
        else f"{spread}, outside the incident"
    )


def _hits(outcome: Outcome, *, mask: bool) -> str:
    shown_columns = outcome.found.shown
    values = dict.fromkeys(value for group in outcome.found.groups for value in _beyond(group, shown_columns))
    shown = [write_cell("Indicator", value, mask=mask, length=_INDICATOR) for value in values]
    return f", HIT {joined(shown, 'indicator')}" if shown else ""
