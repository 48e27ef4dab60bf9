"""
Write the queries that are sent: the only module that puts a value next to KQL.

Values are put into `let` statements before a hunt's text, each as a literal written by `literal`. The text
itself stays as it is, except that comments and semicolons at its end are removed, so that an operator can
follow, and that `_ago` and `_now`, which count from the end of the hunt's window, are called for `ago` and `now`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.model.hunt import EVERYWHERE, UNKNOWN_PLATFORMS, AppliesTo
from shared.model.times import write_time

from .clock import anchored, calls
from .fair import divides, fair_limit, limit
from .lexer import lex
from .read import Reading, read_query
from .vocabulary import BINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.entity import Device, Indicator

_ODD = 'not(DeviceId matches regex "^[0-9a-fA-F]{2}")'


def literal(value: str) -> str:
    r"""
    Write *value* as a KQL string literal, whatever characters it has.

    KQL reads every escape that JSON's encoder writes, including `\ud800` ("The string data type", KQL
    reference).
    """
    return json.dumps(value)


def dynamic(values: Iterable[str]) -> str:
    """Write *values* as a KQL array, sorted and without duplicates."""
    return f"dynamic([{', '.join(literal(value) for value in sorted(set(values)))}])"


def device_query(
    query: str, devices: Iterable[Device], *, take: int, end: datetime, applies_to: AppliesTo = EVERYWHERE
) -> str:
    """
    Write *query* so that it sees only *devices* that it *applies_to*, and returns at most *take* rows.

    Its clock, ago() and now(), stands at *end*, the end of its window. A device with an id is matched by the id
    alone. One with only a name is matched by that name, also where a domain follows it. The rows are limited
    fairly where `is_fair_for_devices` says so. Raises ValueError where there is no device, or the query cannot
    be restricted to devices.
    """
    devices = list(devices)
    ids, names = _ids_and_names(devices)
    if not ids and not names:
        raise ValueError("no device to hold the query to")
    reading = _readable(query, scoped=True)
    scope = ["DeviceId in (_DeviceIds)"] if ids else []
    for name in names:
        scope += [f"DeviceName =~ {literal(name)}", f"DeviceName startswith {literal(name + '.')}"]
    fair = is_fair_for_devices(query, devices)
    return "\n".join(
        [
            *_clock(end, reading.text),
            *([f"let _DeviceIds = {dynamic(ids)};"] if ids else []),
            *_shadows(reading, " or ".join(scope), applies_to),
            anchored(reading.text),
            *(fair_limit(reading, "DeviceId", take) if fair else limit(take)),
        ]
    )


def is_fair_for_devices(query: str, devices: Iterable[Device]) -> bool:
    """
    Tell whether `device_query` limits *query*'s rows fairly: every device with rows is then in the answer.

    So it is where there may be several devices (a name can be that of more than one), as long as they are
    fewer than the rows, and the query's rows carry DeviceId for certain.
    """
    ids, names = _ids_and_names(devices)
    return (len(ids) > 1 or bool(names)) and divides(_readable(query, scoped=True), "DeviceId")


def fleet_query(
    query: str,
    *,
    end: datetime,
    summarize: str = "",
    applies_to: AppliesTo = EVERYWHERE,
    prefixes: Iterable[str] = (),
) -> str:
    """
    Write *query* over all devices that it *applies_to*, followed by *summarize*; no limit on rows.

    The clock of both, ago() and now(), stands at *end*, the end of the window. *prefixes* restrict it to devices
    whose ids begin with one of them: ids are evenly spread, so one hex digit is a 16th of the fleet. An empty one
    stands for all ids that do not begin with two hex digits. Raises ValueError where the query cannot be
    restricted to devices.
    """
    reading = _readable(query, scoped=True)
    scope = " or ".join(f"DeviceId startswith {literal(prefix)}" if prefix else _ODD for prefix in prefixes)
    whole = "\n".join([reading.text, *summarize.strip().splitlines()])
    return "\n".join([*_clock(end, whole), *_shadows(reading, scope, applies_to), anchored(whole)])


def indicator_query(query: str, indicators: Iterable[Indicator], *, take: int, end: datetime) -> str:
    """
    Write *query* with the *indicators* whose kinds it names; it returns at most *take* rows.

    URLs must have neither scheme nor trailing slash. Its clock, ago() and now(), stands at *end*, the end of its
    window. The rows are limited fairly where `is_fair_for_indicators` says so. Raises ValueError where no
    indicator is of a kind it names.
    """
    indicators = list(indicators)
    reading = _readable(query, scoped=False)
    values = _values(reading, indicators)
    if not any(values.values()):
        raise ValueError("no indicator of a kind that the query names")
    fair = is_fair_for_indicators(query, indicators)
    return "\n".join(
        [
            *_clock(end, reading.text),
            *(f"let {name} = {dynamic(bound)};" for name, bound in values.items()),
            anchored(reading.text),
            *(fair_limit(reading, "Indicator", take) if fair else limit(take)),
        ]
    )


def is_fair_for_indicators(query: str, indicators: Iterable[Indicator]) -> bool:
    """
    Tell whether `indicator_query` limits *query*'s rows fairly: every indicator with rows is then in the answer.

    So it is where there are several of its kinds, as long as they are fewer than the rows, and the query's rows
    carry Indicator for certain.
    """
    reading = _readable(query, scoped=False)
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


def _clock(end: datetime, text: str) -> list[str]:
    """Declare those of `_ago` and `_now` that stand for a call in *text*."""
    tokens = lex(text)
    called = {tokens[at].text for at in calls(tokens)}
    declared = {
        "ago": f"let _ago = (t: timespan) {{datetime({write_time(end)}) - t}};",
        "now": f"let _now = (o: timespan = 0s) {{datetime({write_time(end)}) + o}};",
    }
    return [declaration for name, declaration in declared.items() if name in called]


def _readable(query: str, *, scoped: bool) -> Reading:
    reading = read_query(query, scoped=scoped)
    if reading.problems:
        raise ValueError("; ".join(map(str, reading.problems)))
    return reading


def _shadows(reading: Reading, scope: str, applies_to: AppliesTo) -> list[str]:
    """Redeclare each table that the query reads, as the part of it that the query may see."""
    other = _other_kind(applies_to)
    lines = []
    pipes = f" | where {scope}" if scope else ""
    if other:
        # Declared before DeviceInfo itself is redeclared. Devices are left out in the query, not afterwards,
        # so that their rows do not use up its row limit.
        latest = "summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId"
        lines.append(f"let _NotApplicable = DeviceInfo{pipes} | {latest} | where {other} | project DeviceId;")
        pipes += " | where DeviceId !in (_NotApplicable)"
    if "TimeGenerated" in reading.names:
        pipes += " | extend TimeGenerated = Timestamp"  # Sentinel's name for it
    return lines + [f"let {table} = {table}{pipes};" for table in reading.tables if pipes]


def _other_kind(applies_to: AppliesTo) -> str:
    conditions = []
    if applies_to.os_platform:
        known = sorted({*applies_to.os_platform, *filter(None, UNKNOWN_PLATFORMS)})
        platforms = ", ".join(literal(platform) for platform in known)
        families = "".join(f" and OSPlatform !startswith {literal(family)}" for family in applies_to.families)
        conditions.append(f"(isnotempty(OSPlatform) and OSPlatform !in~ ({platforms}){families})")
    if applies_to.other_types:
        conditions.append(f"DeviceType in~ ({', '.join(literal(name) for name in applies_to.other_types)})")
    return " or ".join(conditions)
