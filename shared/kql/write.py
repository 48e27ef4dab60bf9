"""
Write the query of one hunt as it is sent.

Values are put into `let` statements before a hunt's text, each as a literal (`literals`). The text
itself stays as it is, except that comments and semicolons at its end are removed, so that an operator can
follow, and that the times that `ago` and `now` stand for, counted from the end of the hunt's window, are in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model.hunt import EVERYWHERE, AppliesTo

from .binding import bound_values, for_each
from .clock import anchored
from .fair import divides, fair_limit, limit
from .front import named, not_applicable, of_devices, of_fleet, shadows, within
from .literals import dynamic
from .read import Reading, read_query
from .tables import DATED, LOOKUPS, OF_SENTINEL, OTHERWISE_TIMED, SCOPABLE, STANDING, UNSCOPABLE
from .vocabulary import BINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.entity import Device, Indicator

    from .front import Binding

_ODD = 'not(DeviceId matches regex "^[0-9a-fA-F]{2}")'


class Leg(NamedTuple):
    """
    A hunt's query in two parts, which `batch` puts at different places.

    `bindings` are names with the KQL of their values, each of which may use those before it; `lines` use them.
    """

    bindings: tuple[Binding, ...]
    lines: tuple[str, ...]

    @property
    def query(self) -> str:
        """The query as a whole."""
        return "\n".join([*map(declaration, self.bindings), *self.lines])


def declaration(binding: Binding) -> str:
    """Return the statement that declares a name."""
    return f"let {binding[0]} = {binding[1]};"


def device_leg(
    query: str,
    devices: Iterable[Device],
    *,
    take: int,
    end: datetime,
    start: datetime | None = None,
    applies_to: AppliesTo = EVERYWHERE,
) -> Leg:
    """
    Write *query* so that it sees only *devices* that it *applies_to*, and returns at most *take* rows.

    Its clock, ago() and now(), stands at *end*, the end of its window, which the call's timespan bounds; with *start*
    the query itself does. A device with an id is matched by the id alone. One with only a name is matched by that
    name, also where a domain follows it. The rows are limited fairly where `is_fair_for_devices` says so. Raises
    ValueError where there is no device, or the query cannot be restricted to devices.
    """
    devices = list(devices)
    ids, names = _ids_and_names(devices)
    if not ids and not names:
        raise ValueError("no device to hold the query to")
    reading = _readable(query, scoped=True)
    held = of_devices(ids, names, reading, start, end)
    fair = is_fair_for_devices(query, devices)
    return Leg(
        (*held.bindings, *not_applicable(held, applies_to), *named(reading, held, applies_to)),
        (
            *shadows(reading, held, applies_to),
            anchored(reading.text, end),
            *(fair_limit(reading, "DeviceId", take, end) if fair else limit(take)),
        ),
    )


def device_query(
    query: str, devices: Iterable[Device], *, take: int, end: datetime, applies_to: AppliesTo = EVERYWHERE
) -> str:
    """Return the whole query of `device_leg`; the call's timespan bounds its window."""
    return device_leg(query, devices, take=take, end=end, applies_to=applies_to).query


def is_fair_for_devices(query: str, devices: Iterable[Device]) -> bool:
    """
    Tell whether `device_query` limits *query*'s rows fairly: every device with rows is then in the answer.

    So it is where there may be several devices (a name can be that of more than one), as long as they are
    fewer than the rows, and the query's rows carry DeviceId for certain.
    """
    ids, names = _ids_and_names(devices)
    return (len(ids) > 1 or bool(names)) and divides(_readable(query, scoped=True), "DeviceId")


def fleet_leg(
    query: str,
    *,
    end: datetime,
    start: datetime | None = None,
    summarize: str = "",
    applies_to: AppliesTo = EVERYWHERE,
    prefixes: Iterable[str] = (),
) -> Leg:
    """
    Write *query* over all devices that it *applies_to*, followed by *summarize*; no limit on rows.

    The clock of both, ago() and now(), stands at *end*, the end of the window, which the call's timespan bounds; with
    *start* the query itself does. *prefixes* restrict it to devices whose ids begin with one of them: ids are evenly
    spread, so one hex digit is a 16th of the fleet. An empty one stands for all ids that do not begin with two hex
    digits. Raises ValueError where the query cannot be restricted to devices.
    """
    text = "\n".join([_readable(query, scoped=True).text, *summarize.strip().splitlines()])
    # Read as a whole, what follows is held as the query is.
    reading = _readable(text, scoped=True)
    held = of_fleet(prefixes, _ODD, reading, start, end)
    bindings = (*held.bindings, *not_applicable(held, applies_to), *named(reading, held, applies_to))
    return Leg(bindings, (*shadows(reading, held, applies_to), anchored(reading.text, end)))


def fleet_query(
    query: str,
    *,
    end: datetime,
    summarize: str = "",
    applies_to: AppliesTo = EVERYWHERE,
    prefixes: Iterable[str] = (),
) -> str:
    """Return the whole query of `fleet_leg`; the call's timespan bounds its window."""
    return fleet_leg(query, end=end, summarize=summarize, applies_to=applies_to, prefixes=prefixes).query


def indicator_leg(
    query: str,
    indicators: Iterable[Indicator],
    *,
    take: int,
    end: datetime,
    start: datetime | None = None,
    binds: str = "",
) -> Leg:
    """
    Write *query* with the *indicators* whose kinds it names; it returns at most *take* rows.

    With *binds*, the query is made for one value, the literal that it gives this name: it is written once for each of the
    first MOST_VALUES indicators, whatever their kinds, and each row says in Indicator for which.

    URLs must have neither scheme nor trailing slash. Its clock, ago() and now(), stands at *end*, the end of its
    window, which the call's timespan bounds; with *start* the query itself does, where `can_bound` says so. The rows
    are limited fairly where `is_fair_for_indicators` says so. Raises ValueError where no indicator is of a kind it
    names, or where it cannot be bounded.
    """
    indicators = list(indicators)
    reading = _readable(query, scoped=False)
    values = {} if binds else _values(reading, indicators)
    if not any(values.values()) and not (binds and indicators):
        raise ValueError("no indicator of a kind that the query names")
    if start and not can_bound(query, scoped=False):
        raise ValueError("which tables the query reads, or which time they have, is not certain")
    fair = is_fair_for_indicators(query, indicators, binds=binds)
    bounded = sorted((reading.reads or frozenset()) - STANDING) if start else ()
    return Leg(
        tuple((name, dynamic(bound)) for name, bound in values.items()),
        (
            *(
                f"let {table} = {table}{within(start, end, 'TimeGenerated' if table in OF_SENTINEL else 'Timestamp')};"
                for table in bounded
            ),
            *(
                for_each(reading.text, binds, bound_values(indicators), end)
                if binds
                else (anchored(reading.text, end),)
            ),
            *(fair_limit(reading, "Indicator", take, end) if fair else limit(take)),
        ),
    )


def indicator_query(query: str, indicators: Iterable[Indicator], *, take: int, end: datetime) -> str:
    """Return the whole query of `indicator_leg`; the call's timespan bounds its window."""
    return indicator_leg(query, indicators, take=take, end=end).query


def can_bound(query: str, *, scoped: bool) -> bool:
    """Tell whether the query itself can bound its window: whether it is certain which tables it reads, and how they have time."""
    reads = _readable(query, scoped=scoped).reads
    return scoped or (reads is not None and reads <= (SCOPABLE | LOOKUPS | UNSCOPABLE) - OTHERWISE_TIMED)


def is_dated(query: str, *, scoped: bool) -> bool:
    """Tell whether the query names a table in which Timestamp is no event's, so that a call's timespan would cut it wrongly."""
    return not DATED.isdisjoint(_readable(query, scoped=scoped).names)


def is_fair_for_indicators(query: str, indicators: Iterable[Indicator], *, binds: str = "") -> bool:
    """
    Tell whether `indicator_query` limits *query*'s rows fairly: every indicator with rows is then in the answer.

    So it is where there are several of its kinds, as long as they are fewer than the rows, and the query's rows
    carry Indicator for certain, as they do with *binds*.
    """
    reading = _readable(query, scoped=False)
    if binds:
        return len(bound_values(indicators)) > 1 and divides(reading, "")
    bound = {value for values in _values(reading, indicators).values() for value in values}
    return len(bound) > 1 and divides(reading, "Indicator")


def _ids_and_names(devices: Iterable[Device]) -> tuple[set[str], list[str]]:
    """Return the ids to match, and the names of those devices that have no id."""
    devices = list(devices)
    ids = {device.id.lower() for device in devices if device.id}
    return ids, sorted({device.name for device in devices if device.name and not device.id})


def _values(reading: Reading, indicators: Iterable[Indicator]) -> dict[str, list[str]]:
    """Return the values of each binding that the query names."""
    values: dict[str, list[str]] = {name: [] for name in BINDINGS.values() if name in reading.names}
    for indicator in indicators:
        # An empty value would match every row of a `contains`.
        if indicator.value.strip() and BINDINGS[indicator.kind] in values:
            values[BINDINGS[indicator.kind]].append(indicator.value)
    return values


def _readable(query: str, *, scoped: bool) -> Reading:
    reading = read_query(query, scoped=scoped)
    if reading.problems:
        raise ValueError("; ".join(map(str, reading.problems)))
    return reading
