"""Failures that are planned for the tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Match = Literal["token", "hunt", "incident", "comment", "sentinel"]

CPU_QUOTA = (
    "You have exceeded processing resources allocated to this tenant. "
    "You can run queries again in 15 minutes."
)


class Fault(Struct, forbid_unknown_fields=True):
    """
    A failure of the next `times` calls of the kind `match` whose path or body contains `contains`.

    With `until`, all such calls fail up to that time by the tenant's clock: a CPU quota lasts up to 15
    minutes.

    The call first waits for `delay` seconds. Then its connection is reset (`reset`); or it is answered with
    `status`, `retry_after` (seconds; None sends no header) and a body: Graph's usual one, that of the CPU
    quota (`cpu`), or `body`. With `accept_then` instead, the call does its work and is answered with that
    status all the same.
    """

    match: Match
    contains: str = ""
    times: int = 1
    until: Annotated[datetime, Meta(tz=True)] | None = None
    status: int | None = None
    retry_after: float | None = None
    body: dict[str, Any] | None = None
    cpu: bool = False
    delay: float = 0
    reset: bool = False
    accept_then: int | None = None


class Faults:
    """The planned faults; a call meets the first that matches it."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []

    def add(self, **fault: Any) -> None:
        """Plan a `Fault` with these fields."""
        self.plan.append(Fault(**fault))

    def clear(self) -> None:
        """Remove every planned fault."""
        self.plan.clear()

    def take(self, kind: str, text: str, now: datetime) -> Fault | None:
        """Return the fault that a call of *kind* with *text* meets *now*, if any, and count it as used."""
        self.plan = [fault for fault in self.plan if fault.until is None or now < fault.until]
        for fault in self.plan:
            if fault.match == kind and fault.contains in text:
                fault.times -= fault.until is None
                if fault.times <= 0:
                    self.plan.remove(fault)
                return fault
        return None
