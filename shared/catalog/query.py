"""Write the query of a hunt, or of many in one call, for a run's entities, and the link that opens it in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.kql.batch import batch_query
from shared.kql.portal import portal_link
from shared.kql.prevalence import MOST_COUNTED
from shared.kql.write import (
    can_bound,
    device_leg,
    indicator_leg,
    is_dated,
    is_fair_for_devices,
    is_fair_for_indicators,
)
from shared.model.entity import Indicator
from shared.model.outcome import Window

from .prevalence import counted_of
from .select import asked_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shared.kql.write import Leg
    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt
    from shared.model.record import Plan
    from shared.settings import Settings

    from .load import Catalog

#: A query of our 40 hunts has 140,000 characters over three devices, and up to 190,000 over fifty, or twice that where these
#: are known by their names alone; nobody documents how many Graph takes. What is counted over the fleet comes on top.
MOST_CHARACTERS = 200_000
#: Hunts of one call: each is two legs of the union, its columns and its rows.
MOST_HUNTS = 60
#: The timespan of a call that also reads how things stand: as much as Graph keeps, until it is asked. Their Timestamp is when
#: that was found out, which may be before a window or after it.
KEPT = "P30D"
#: Rows that a call may return: Graph's limit is 100,000, of which columns and counts take some.
_MOST_ROWS = 90_000


class Asked(NamedTuple):
    """A hunt, what it hunts for, and its window."""

    hunt: Hunt
    chosen: Chosen
    window: Window


class Call(NamedTuple):
    """A query, its `timespan` (ISO 8601, `start/end` or KEPT), and the most rows that it returns of each hunt."""

    query: str
    timespan: str
    take: int


def one_call(asked: Asked, take: int) -> Call:
    """Write the call for one hunt alone; the timespan is its window, or KEPT. Raises as `hunt_query` does."""
    kept = _is_bounded(asked) and _is_dated(asked)
    query = _leg(asked, take, asked.window.start if kept else None).query
    return Call(query, KEPT if kept else asked.window.timespan, take)


def batch_call(
    asked: Sequence[Asked], take: int, span: Window | None = None, *, counting: bool = False
) -> Call:
    """
    Write one call for many hunts, at most *take* rows each, or fewer where Graph could not return them all.

    The timespan is *span*, which must hold all windows, or holds just them, or it is KEPT; a hunt whose window is shorter is
    held to it in the query. Where none can be (`calls_for`), *span* means nothing. With *counting*, values of the rows are counted
    over the fleet.
    """
    bounded = all(map(_is_bounded, asked))
    start = min(each.window.start for each in asked)
    end = max(each.window.end for each in asked)
    if span and bounded:
        start, end = span.start, span.end
    kept = bounded and any(map(_is_dated, asked))
    counted = {
        each.hunt.name: found
        for each in asked
        if counting and bounded and (found := counted_of(each.hunt, each.window))
    }
    # What is counted are rows, too.
    take = min(take, (_MOST_ROWS - MOST_COUNTED * len(counted)) // len(asked))
    legs = {
        each.hunt.name: _leg(
            each, take, None if not kept and _span(each) == (start, end) else each.window.start
        )
        for each in asked
    }
    return Call(batch_query(legs, counted), KEPT if kept else Window(start, end).timespan, take)


def calls_for(asked: Iterable[Asked], take: int) -> list[list[Asked]]:
    """
    Divide hunts into as few calls as possible, in their order.

    A hunt that cannot be held to its window by its query (`can_bound`) shares a call with those of the same window alone.
    """
    groups: list[list[Asked]] = []
    sizes: list[int] = []
    for each in asked:
        size = len(_leg(each, take, each.window.start if _is_bounded(each) else None).query)
        for n, group in enumerate(groups):
            fits = len(group) < MOST_HUNTS and sizes[n] + size <= MOST_CHARACTERS
            if (
                fits
                and (_is_bounded(each) == _is_bounded(group[0]))
                and (_is_bounded(each) or _span(each) == _span(group[0]))
            ):
                group.append(each)
                sizes[n] += size
                break
        else:
            groups.append([each])
            sizes.append(size)
    return groups


def portal_links(plan: Plan, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """
    Return the link that opens a hunt's query in the portal, for each hunt of *plan* by name.

    A hunt is missing where its query is too long for a link, or the catalogue does not have it.
    """
    hunts = catalog.by_name
    links = {
        planned.name: portal_link(
            hunt_query(
                hunts[planned.name],
                plan.entities(planned),
                settings.max_rows + 1,
                planned.window.end,
            ),
            settings.cloud.portal,
        )
        for planned in plan.hunts
        if planned.name in hunts
    }
    return {name: link for name, link in links.items() if link}


def hunt_query(hunt: Hunt, chosen: Chosen, take: int, end: datetime) -> str:
    """
    Write a hunt's query for a run's entities and a window that ends at *end*, limited to *take* rows.

    `is_fair` says how they are limited. Raises ValueError where none of the entities fits the hunt.
    """
    return _leg(Asked(hunt, chosen, Window(end, end)), take, None).query


def is_fair(hunt: Hunt, chosen: Chosen) -> bool:
    """
    Tell whether `hunt_query` limits the rows of each device, or of each indicator, and not just of all.

    Each that has rows is then in the answer, also in one that is cut, as long as they are fewer than its rows.
    Whose a row is says its column DeviceId, or Indicator, in any case. False where there is just one to hunt for.
    """
    if hunt.entity == "device":
        return is_fair_for_devices(hunt.query, chosen.devices)
    return is_fair_for_indicators(hunt.query, chosen.indicators, binds="".join(hunt.binds))


def _leg(asked: Asked, take: int, start: datetime | None) -> Leg:
    hunt, chosen, end = asked.hunt, asked.chosen, asked.window.end
    if hunt.entity == "device":
        return device_leg(
            hunt.query, chosen.devices, take=take, end=end, start=start, applies_to=hunt.applies_to
        )
    given = chosen.indicators
    if hunt.binds:
        given = tuple(each for each in asked_of(hunt, chosen) if isinstance(each, Indicator))
    return indicator_leg(hunt.query, given, take=take, end=end, start=start, binds="".join(hunt.binds))


def _span(asked: Asked) -> tuple[datetime, datetime]:
    return asked.window.start, asked.window.end


def _is_bounded(asked: Asked) -> bool:
    return can_bound(asked.hunt.query, scoped=asked.hunt.entity == "device")


def _is_dated(asked: Asked) -> bool:
    return is_dated(asked.hunt.query, scoped=asked.hunt.entity == "device")
