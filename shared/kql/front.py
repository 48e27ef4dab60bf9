"""What stands in front of a hunt's text: its clock, its window, and the part of each table that it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.hunt import UNKNOWN_PLATFORMS, AppliesTo
from shared.model.times import write_time

from .clock import called
from .literals import literal

if TYPE_CHECKING:
    from datetime import datetime

    from .read import Reading

#: A name, and the KQL of its value.
Binding = tuple[str, str]


def clock(end: datetime, text: str) -> list[Binding]:
    """Declare those of `_ago` and `_now` that stand for a call in *text*."""
    declared = {
        "ago": ("_ago", f"(t: timespan) {{datetime({write_time(end)}) - t}}"),
        "now": ("_now", f"(o: timespan = 0s) {{datetime({write_time(end)}) + o}}"),
    }
    return [binding for name, binding in declared.items() if name in called(text)]


def within(start: datetime | None, end: datetime, column: str = "Timestamp") -> str:
    """Return the condition that holds a table to a window; '' without its *start*."""
    if start is None:
        return ""
    return f" | where {column} between (datetime({write_time(start)}) .. datetime({write_time(end)}))"


def not_applicable(pipes: str, applies_to: AppliesTo) -> list[Binding]:
    """
    Declare the devices, within *pipes*, that a query does not apply to.

    Of many hunts in one query each reads the kinds, which are looked up once. They are left out in the query, not afterwards, so that their rows do not use up its row limit.
    """
    other = _other_kind(applies_to)
    if not other:
        return []
    latest = "summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId"
    return [
        ("_DeviceKinds", f"materialize(DeviceInfo{pipes} | {latest})"),
        ("_NotApplicable", f"_DeviceKinds | where {other} | project DeviceId"),
    ]


def shadows(reading: Reading, pipes: str, applies_to: AppliesTo) -> list[str]:
    """Redeclare each table that the query reads, as the part of it that the query may see."""
    if _other_kind(applies_to):
        pipes += " | where DeviceId !in (_NotApplicable)"
    if "TimeGenerated" in reading.names:
        pipes += " | extend TimeGenerated = Timestamp"  # Sentinel's name for it
    return [f"let {table} = {table}{pipes};" for table in reading.tables if pipes]


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
