"""What stands in front of a hunt's text: its window, and the part of each table that it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model.hunt import UNKNOWN_PLATFORMS, AppliesTo
from shared.model.times import write_time

from .literals import dynamic, literal
from .names import NAMED, names_of
from .tables import BY_ALERT, BY_NAME, LOOKUPS, NAMELESS, OF_SENTINEL, STANDING, UNTIMED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .read import Reading

#: A name, and the KQL of its value.
Binding = tuple[str, str]


def within(start: datetime | None, end: datetime, column: str = "Timestamp") -> str:
    """Return the condition that holds a table to a window; '' without its *start*."""
    if start is None:
        return ""
    return f" | where {column} between (datetime({write_time(start)}) .. datetime({write_time(end)}))"


class Held(NamedTuple):
    """
    What a query's tables are held to: a window, unless its *start* is None, and devices, unless there is no condition.

    `by_id` is that condition on DeviceId alone, for tables without DeviceName; `bindings` are what both use. `given` are
    names of devices that are known by these alone.
    """

    bindings: tuple[Binding, ...] = ()
    scope: str = ""
    by_id: str = ""
    start: datetime | None = None
    end: datetime | None = None
    given: tuple[str, ...] = ()

    def pipes(self, table: str) -> str:
        """Return the operators that hold *table*; what has no events has no window."""
        scope = self._scope(table)
        return self.when(table) + (f" | where {scope}" if scope else "")

    def when(self, table: str) -> str:
        """Return the operator that holds *table* to the window; '' where there is none, or it has no events."""
        column = "TimeGenerated" if table in OF_SENTINEL else "Timestamp"
        return within(self.start, self.end, column) if self.end and table not in STANDING else ""

    def _scope(self, table: str) -> str:
        if not self.scope or table in LOOKUPS:
            return ""
        if table in BY_ALERT:
            return "AlertId in (_AlertIds)"
        if table in BY_NAME:
            return NAMED
        if table == "AlertEvidence":
            # An account or a mail of the alert has no device; what has another device is not about these.
            return f"AlertId in (_AlertIds) and ({self.scope} or (isempty(DeviceId) and isempty(DeviceName)))"
        return self.by_id if table in NAMELESS else self.scope


def of_devices(
    ids: Iterable[str], names: Iterable[str], reading: Reading, start: datetime | None, end: datetime
) -> Held:
    """
    Hold what a query reads to devices: to those with these *ids*, and to those with one of these *names*.

    A name also matches where a domain follows it. A table without DeviceName is held to the ids that DeviceInfo has for it.
    """
    ids, names = list(ids), list(names)
    by_id = ["DeviceId in (_DeviceIds)"] if ids else []
    bindings = [("_DeviceIds", dynamic(ids))] if ids else []
    by_name: list[str] = []
    for name in names:
        by_name += [f"DeviceName =~ {literal(name)}", f"DeviceName startswith {literal(name + '.')}"]
    scope = " or ".join(by_id + by_name)
    if by_name and not NAMELESS.isdisjoint(reading.tables):
        named = f"DeviceInfo{within(start, end)} | where {' or '.join(by_name)} | distinct DeviceId"
        bindings.append(("_NamedIds", named))
        by_id.append("DeviceId in (_NamedIds)")
    held = Held((), scope, " or ".join(by_id), start, end, tuple(names))
    return held._replace(bindings=(*bindings, *_alerts(held, reading)))


def of_fleet(
    prefixes: Iterable[str], odd: str, reading: Reading, start: datetime | None, end: datetime
) -> Held:
    """Hold what a query reads to devices whose ids begin with one of *prefixes*; '' stands for those that are *odd*."""
    scope = " or ".join(f"DeviceId startswith {literal(prefix)}" if prefix else odd for prefix in prefixes)
    held = Held((), scope, scope, start, end)
    return held._replace(bindings=_alerts(held, reading))


def _alerts(held: Held, reading: Reading) -> tuple[Binding, ...]:
    """Declare the alerts that have evidence of the devices, where a query reads what has nothing but their ids."""
    if not held.scope or not {*BY_ALERT, "AlertEvidence"} & {*reading.tables}:
        return ()
    evidence = f"AlertEvidence{held.when('AlertEvidence')} | where {held.scope}"
    return (("_AlertIds", f"{evidence} | distinct AlertId"),)


def not_applicable(held: Held, applies_to: AppliesTo) -> list[Binding]:
    """
    Declare those of the devices that a query does not apply to.

    Of many hunts in one query each reads the kinds, which are looked up once. They are left out in the query, not afterwards,
    so that their rows do not use up its row limit.
    """
    other = _other_kind(applies_to)
    if not other:
        return []
    latest = "summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId"
    return [
        ("_DeviceKinds", f"materialize(DeviceInfo{held.pipes('DeviceInfo')} | {latest})"),
        ("_NotApplicable", f"_DeviceKinds | where {other} | project DeviceId"),
    ]


def named(reading: Reading, held: Held, applies_to: AppliesTo) -> tuple[Binding, ...]:
    """Declare the names of the devices that a query applies to, where it reads tables that have nothing else of them."""
    other_kind = _other_kind(applies_to)
    if BY_NAME.isdisjoint(reading.tables) or not (held.scope or other_kind):
        return ()
    fitting = " | where DeviceId !in (_NotApplicable)" if other_kind else ""
    others = [f"not({held.scope})"] if held.scope else []
    others += ["DeviceId in (_NotApplicable)"] if other_kind else []
    return names_of(
        f"DeviceInfo{held.pipes('DeviceInfo')}{fitting}",
        f"DeviceInfo{held.when('DeviceInfo')} | where {' or '.join(others)}",
        held.given,
    )


def shadows(reading: Reading, held: Held, applies_to: AppliesTo) -> list[str]:
    """Redeclare each table that the query reads, as the part of it that the query may see."""
    found = []
    other_kind = _other_kind(applies_to)
    for table in sorted({*reading.tables, *(LOOKUPS & (reading.reads or frozenset()))}):
        pipes = held.pipes(table)
        if other_kind and table in BY_NAME and not held.scope:
            pipes += f" | where {NAMED}"
        elif other_kind and table not in BY_ALERT | BY_NAME | LOOKUPS:
            pipes += " | where DeviceId !in (_NotApplicable)"
        if "TimeGenerated" in reading.names and table not in UNTIMED | OF_SENTINEL:
            pipes += " | extend TimeGenerated = Timestamp"  # Sentinel's name for it
        found += [f"let {table} = {table}{pipes};"] if pipes else []
    return found


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
