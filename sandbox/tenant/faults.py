"""Failures that the tenant is told to have."""

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
    What the next *times* calls of a kind, whose body or path contains *contains*, meet.

    With *until*, all of them meet it until then, by the tenant's clock: a CPU quota lasts up to 15 minutes.

    *delay* (seconds) comes first. Then the connection is *reset*; or the call is answered with *status*,
    *retry_after* (seconds; None sends no header) and Graph's usual body, that of the CPU quota (*cpu*) or
    *body*; or, with *accept_then*, the call does its work and is answered with that status all the same.
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
    """The faults still to come, first come first served."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []

    def add(self, **fault: Any) -> None:
        """Plan the `Fault` of these fields."""
        self.plan.append(Fault(**fault))

    def clear(self) -> None:
        """Forget all that is planned."""
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
