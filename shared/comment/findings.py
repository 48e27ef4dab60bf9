"""Write what hunts found: findings in full, and what is normal there in a few lines."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from . import neutral
from .cells import write_cell, write_name
from .content import Content, Finding, ShownRow, count_rows, in_words
from .places import joined, where_found
from .prevalence import RAREST, how_counted, not_counted, order_of, seen_on
from .verdict import hits_of, name
from .words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.finding import Found, Group
    from shared.model.outcome import Outcome

#: Lines of context, its heading included.
_CONTEXT = 5
_INDICATOR = 60
#: Characters for which a line of its own pays.
_LINE = 60
#: Between the indicators that found one event, as `summarizing` joins them.
_AND = ", "


def finding_of(outcome: Outcome, content: Content, *, most: int, mask: bool) -> Finding:
    """Return what a hunt found, with at most *most* rows; *mask* replaces what looks like a secret."""
    found, hunt = outcome.found, content.hunts.get(outcome.hunt)
    place = where_found([outcome], content.of_incident.devices)
    # A single device is named in the heading, and need not be repeated in every row.
    single = len(place.own) + len(place.spread) + place.more == 1
    groups = found.groups[:most]
    kept = kept_columns(outcome, groups, single=single)
    same = _same(groups, kept)
    kept = [n for n in kept if n not in same]
    common = [
        f"{write_name(found.shown[n], mask=mask)}: {_cell(found.shown[n], groups[0].values[n], mask=mask)}"
        for n in same
    ]
    return Finding(
        f"FOUND ({outcome.severity}{_hits(outcome, mask=mask)}): {name(outcome)}: "
        f"{count_rows(found.count, more=found.more)}{place.text}",
        one_line(hunt.means) if hunt else "",
        f"Note: {outcome.reason}" if outcome.reason else "",
        f"In each row: {' · '.join(common)}" if common else "",
        how_counted(found, groups, mask=mask),
        tuple(write_name(found.shown[n], mask=mask) for n in kept),
        tuple(_rows(found, groups, kept, mask=mask)),
        found.count,
        found.more,
        order_of(found, mask=mask),
        tuple(map(one_line, hunt.next_steps)) if hunt else (),
        tuple(map(one_line, hunt.false_positives)) if hunt else (),
        content.portal.get(outcome.hunt, ""),
    )


def context_of(content: Content, *, mask: bool) -> tuple[str, ...]:
    """Return a heading that counts what is normal there, and at most four lines: hits, then the rarest."""
    if not content.context:
        return ()
    counted = [
        f"{name(each)}: {count_rows(each.found.count, more=each.found.more)}"
        f"{where_found([each], content.of_incident.devices).text}"
        f"{_also(not_counted(each.found, mask=mask))}"
        for each in content.context
    ]
    rows = [
        (group, place, row)
        for each in content.context
        for place, (group, row) in enumerate(_lines(each, content, mask=mask))
    ]
    order = _order(content.context, mask=mask)
    fleet = order != RAREST
    rows.sort(key=lambda row: (not row[0].hits, (row[0].devices or inf) if fleet else 0, row[1]))
    del rows[_CONTEXT - 1 :]
    times = _times(group for group, *_ in rows)
    shown = [
        " · ".join(filter(None, (replace(row, times=when).seen, *row.values, row.seen_on)))
        for (*_, row), when in zip(rows, times, strict=True)
    ]
    hits = sum(each.found.hit_rows for each in content.context)
    kind = f"{hits:,} {'hit' if hits == 1 else 'hits'} in it" if hits else "no finding"
    told = f"; {in_words(order, hits=hits > 0)}" if len(rows) > 1 or fleet else ""
    return (f"Context, {kind}: {'; '.join(counted)}{told}", *shown)


def _also(text: str) -> str:
    return f", {text}" if text else ""


def _order(context: Iterable[Outcome], *, mask: bool) -> str:
    """Say in which order rows of several hunts are: by the fleet where each of them was counted there, by one column."""
    orders = {order_of(each.found, mask=mask) for each in context}
    return orders.pop() if len(orders) == 1 else RAREST


def _lines(outcome: Outcome, content: Content, *, mask: bool) -> Iterable[tuple[Group, ShownRow]]:
    found, place = outcome.found, where_found([outcome], content.of_incident.devices)
    groups = found.groups[: _CONTEXT - 1]
    kept = kept_columns(outcome, groups, single=len(place.own) + len(place.spread) + place.more == 1)
    yield from zip(groups, _rows(found, groups, kept, mask=mask), strict=True)


def kept_columns(outcome: Outcome, groups: tuple[Group, ...], *, single: bool) -> list[int]:
    """Return the numbers of the columns that say something: not where all is empty, nor the name of a *single* device."""
    return [
        n
        for n, column in enumerate(outcome.found.shown)
        if (column != "DeviceName" or not single) and any(group.values[n] for group in groups)
    ]


def _same(groups: tuple[Group, ...], kept: list[int]) -> list[int]:
    """Return the columns that have one value in all rows, if it takes less room to say that once."""
    same = [n for n in kept if len({group.values[n] for group in groups}) == 1]
    saved = sum(len(groups[0].values[n]) for n in same) * (len(groups) - 1)
    return same if saved > _LINE else []


def _rows(found: Found, groups: tuple[Group, ...], kept: list[int], *, mask: bool) -> Iterable[ShownRow]:
    for group, times in zip(groups, _times(groups), strict=True):
        cells = tuple(_cell(found.shown[n], group.values[n], mask=mask) for n in kept)
        yield ShownRow(group.count, times, cells, bool(group.hits), seen_on(group, found))


def _times(groups: Iterable[Group]) -> Iterable[str]:
    """Yield when each was seen: the day where it changes, with the zone, and else the hour alone."""
    day = ""
    for group in groups:
        first, last = neutral.time(group.first), neutral.time(group.last)
        yield _span(first, last, day)
        day = last[:10]


def _cell(column: str, value: str, *, mask: bool) -> str:
    # What an event was found by may be several indicators.
    parts = value.split(_AND) if column == "Indicator" else [value]
    return _AND.join(write_cell(column, part, mask=mask) for part in parts)


def _span(first: str, last: str, day: str) -> str:
    if not first:
        return ""
    begin = first[11:] if first[:10] == day and last[:10] == day else first
    end = "" if first == last else f" to {last[11:] if first[:10] == last[:10] else last}"
    return f"{begin}{end}" + ("" if begin == first[11:] else " UTC")


def _hits(outcome: Outcome, *, mask: bool) -> str:
    shown = [write_cell("Indicator", value, mask=mask, length=_INDICATOR) for value in hits_of(outcome)]
    return f", HIT {joined(shown, 'indicator')}" if shown else ""
