"""Summarise a hunt's answer: its rows in groups, in the order in which they are worth reading."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.finding import Found, Group, Part, Place, indicators_digest

from .answer import Answer
from .cells import cell_text
from .hits import hits_in
from .order import in_order
from .prevalence import recorded, with_prevalence
from .reading import decode_answer, decode_rows
from .tallying import tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.entity import Indicator
    from shared.model.finding import Prevalence
    from shared.model.hunt import Hunt

    from .cells import Column

_KEPT_GROUPS = 200
_KEPT_ROWS = 10
#: Places of an indicator hunt's rows, and of hits, in the summary; the rest is counted.
_KEPT_PLACES = 200
#: The columns that say which entity a row is about; the first that is not empty counts.
_KEYS = {"device": ("DeviceId", "DeviceName"), "indicator": ("Indicator",)}
_PLACE = ("DeviceId", "DeviceName")
_HIDDEN_COLUMNS = frozenset({"timestamp", "timegenerated", "deviceid", "reportid"})


class _Tallied:
    """Rows with the same values: how many events they are, when, and which indicators they hold."""

    __slots__ = ("count", "events", "first", "hits", "indicators", "last")

    def __init__(self, first: str, last: str) -> None:
        self.events: set[bytes] = set()
        self.count = 0
        self.first, self.last = first, last
        self.hits: dict[str, None] = {}
        self.indicators: dict[str, None] = {}

    def beyond(self, hits: Iterable[str]) -> list[str]:
        """Return those of *hits* that its rows were not found by: the others are no surprise."""
        found_by = {value.lower() for value in self.indicators}
        return [value for value in hits if value.lower() not in found_by]


def summarize(
    hunt: Hunt,
    raw: bytes | Answer,
    *,
    max_rows: int,
    seconds: float,
    indicators: Iterable[Indicator] = (),
    prevalence: Prevalence | None = None,
) -> Found:
    """
    Group an answer's rows by the columns that the hunt shows, in the order of `order.in_order`.

    *raw* is Graph's answer to this hunt, or to several in one query, or what was decoded of either: the result is the
    same. Rows that hold one of *indicators*, those of the incident, are hits, unless it is one that they were found by.
    Rows beyond *max_rows* only set `more`. The result keeps at most 200 groups and 10 rows; its digest covers the names
    and values of every row that counts, in any order, and nothing of *prevalence*, of which each group has the count of
    its own value. *seconds* is stored as it is given. Raises GraphError if the answer cannot be decoded.
    """
    answer = raw if isinstance(raw, Answer) else decode_answer(raw, hunt.name)
    more = len(answer.results) + answer.unreadable > max_rows
    answer = Answer(answer.schema, answer.results[:max_rows], answer.unreadable)
    by_indicator = hunt.entity == "indicator"
    listed = tuple(indicators)
    hits = hits_in(answer, listed)
    shown = _shown(hunt, answer.schema)
    time_column = next((c.name for c in answer.schema if c.type == "DateTime"), "")
    names = {column.name for column in answer.schema}
    who = tuple(name for name in _KEYS[hunt.entity] if name in names)
    where = tuple(name for name in _PLACE if name in names)
    groups: dict[tuple[str, ...], _Tallied] = {}
    per_entity: dict[str, tuple[str, list[list[int]]]] = {}
    places: dict[tuple[str, str], set[Any]] = {}
    pieces: list[tuple[_Tallied, tuple[str, str], list[int]]] = []
    columns = tuple(dict.fromkeys((*shown, *who, *where)))
    alike, hashes, events = tally(answer, columns, time_column, by_indicator=by_indicator)
    found_by = shown.index("Indicator") if by_indicator and "Indicator" in shown else None
    for cells, (mine, first, last) in alike.items():
        texts = [*map(cell_text, cells)]
        values = dict(zip(columns, texts, strict=True))
        key = _key(texts[: len(shown)], found_by)
        group = groups.get(key) or groups.setdefault(key, _Tallied(first, last))
        group.count += len(mine)
        if events:
            group.events.update(map(events.__getitem__, mine))
        group.first, group.last = min(group.first, first), max(group.last, last)
        if by_indicator and values.get("Indicator"):
            group.indicators[values["Indicator"]] = None
        at = values.get("DeviceId", "").lower(), values.get("DeviceName", "")
        about = next((value for name in who if (value := values[name])), "").lower()
        per_entity.setdefault(about, (at[1].lower(), []))[1].append(mine)
        if hits and not hits.keys().isdisjoint(mine):
            pieces.append((group, at, mine))
        if where and by_indicator:
            places.setdefault(at, set()).update(map(events.__getitem__, mine))
    # Only now is known by which indicators each event was found.
    hits_at: list[int] = []
    hit_places: dict[tuple[str, str], set[Any]] = {}
    held: dict[tuple[str, str], set[str]] = {}
    for group, at, mine in pieces:
        for n in mine:
            if n in hits and (beyond := group.beyond(hits[n])):
                group.hits |= dict.fromkeys(beyond)
                hits_at.append(n)
                hit_places.setdefault(at, set()).add(events[n] if events else n)
                held.setdefault(at, set()).update(beyond)
    columns_of = tuple(column.name for column in answer.schema)
    # Hits first; both in the order in which the rows came.
    told = islice(dict.fromkeys((*sorted(hits_at), *range(len(answer.results)))), _KEPT_ROWS)
    # The same, whatever the order in which equal rows came: the incident's, which has the most suspicious first.
    rank = {indicator.value.lower(): place for place, indicator in enumerate(listed)}
    made = (_group(key, shown, group, rank) for key, group in groups.items())
    ordered = in_order(with_prevalence(made, shown, prevalence), shown)
    return Found(
        hunt=hunt.name,
        rows=len(answer.results),
        more=more,
        digest=(digest := _digest(hashes)),
        columns=columns_of,
        shown=shown,
        groups=tuple(ordered[:_KEPT_GROUPS]),
        group_count=len(ordered),
        prevalence=recorded(prevalence, ordered),
        first_rows=tuple(decode_rows(Answer(answer.schema, [answer.results[n] for n in told]))),
        per_entity=_parts(per_entity, hashes, digest),
        seconds=round(seconds, 3),
        unreadable=answer.unreadable,
        events=len(set(events)) if by_indicator else len(answer.results),
        hit_rows=sum(map(len, hit_places.values())),
        hit_places=_most(hit_places, held) if where else (),
        hit_place_count=len(hit_places) if where else 0,
        places=_most(places),
        place_count=len(places),
    )


def _key(shown: list[str], found_by: int | None) -> tuple[str, ...]:
    """Return what one group's rows have in common: an event is one, whatever it was *found_by*."""
    if found_by is not None:
        shown[found_by] = ""
    return tuple(shown)


def _parts(
    per_entity: dict[str, tuple[str, list[list[int]]]], hashes: list[bytes], digest: str
) -> dict[str, Part]:
    """Return what each entity's rows are, from their numbers and the hashes of all rows, whose digest is *digest*."""
    if len(per_entity) == 1:
        return {key: Part(len(hashes), digest, name) for key, (name, _) in per_entity.items()}
    parts = {}
    for key, (name, rows) in per_entity.items():
        mine = [hashes[n] for each in rows for n in each]
        parts[key] = Part(len(mine), _digest(mine), name)
    return parts


def _most(
    places: dict[tuple[str, str], set[Any]], held: dict[tuple[str, str], set[str]] | None = None
) -> tuple[Place, ...]:
    """Return the devices with the most events, each with the digest of the indicators that it *held*."""
    ordered = sorted(places.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Place(*at, len(found), indicators_digest(held[at]) if held else "")
        for at, found in ordered[:_KEPT_PLACES]
    )


def _group(key: tuple[str, ...], shown: tuple[str, ...], group: _Tallied, rank: dict[str, int]) -> Group:
    def place(value: str) -> tuple[int, str]:
        return rank.get(value.lower(), len(rank)), value

    hits = tuple(sorted(group.hits, key=place)) if group.hits else ()
    made = Group(key, len(group.events) or group.count, group.first, group.last, hits)
    if not group.indicators:
        return made
    joined = ", ".join(sorted(group.indicators, key=place))
    return replace(
        made,
        values=tuple(joined if name == "Indicator" else text for name, text in zip(shown, key, strict=True)),
    )


def _digest(hashes: list[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


def _shown(hunt: Hunt, schema: list[Column]) -> tuple[str, ...]:
    by_folded = {column.name.lower(): column.name for column in schema}
    named = tuple(by_folded[name.lower()] for name in hunt.columns if name.lower() in by_folded)
    if named:
        return named
    # A hunt that names no columns shows the first six that are neither a time nor an internal id, and what is counted.
    first = tuple(c.name for c in schema if c.name.lower() not in _HIDDEN_COLUMNS)[:6]
    counted = tuple(c.name for c in schema if c.name == hunt.prevalence)
    return tuple(dict.fromkeys((*first, *counted)))
