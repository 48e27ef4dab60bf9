"""How a hunt ended: as a whole, and for each device."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from .finding import Found
from .hunt import Role, Severity
from .times import write_time

#: The outcomes of a hunt, and of a hunt on one device. None of them is ever shown as another.
Ending = Literal["found", "nothingFound", "nothingSoFar", "notApplicable", "noTelemetry", "notRun"]


class DeviceEnding(Struct, frozen=True):
    """How a hunt ended for one of its devices; `reason` is '' where the outcome says enough."""

    #: The device's name, or its id if it has none.
    device: str
    outcome: Ending
    reason: str = ""


class Window(Struct, frozen=True):
    """The period that a hunt covers, in UTC."""

    start: datetime
    end: datetime
    #: Which part of the wanted period is left out, and why; '' for none.
    cut: str = ""
    #: From when nothing more can happen or arrive in the wanted period; None where that was so from the start.
    over: datetime | None = None
    #: Whether what the hunt reads are events of this period; else it is how things stand when it runs.
    events: bool = True

    @property
    def timespan(self) -> str:
        """The window as the `timespan` of Graph's hunting query: ISO 8601, `start/end`."""
        return f"{write_time(self.start)}/{write_time(self.end)}"


class Outcome(Struct, frozen=True, rename="camel"):
    """How one hunt of a run ended."""

    #: The hunt's name; `title` is the one people read.
    hunt: str
    title: str
    outcome: Ending
    #: Why it ended so; '' where the outcome says enough, or the devices have different reasons.
    reason: str = ""
    #: None for a hunt that was not sent.
    window: Window | None = None
    #: Empty for an indicator hunt, and for a hunt that was not sent or failed.
    devices: tuple[DeviceEnding, ...] = ()
    found: Found = field(default_factory=lambda: Found(""))
    #: The hunt's id and version; '' where the app does not have the hunt.
    id: str = ""
    version: str = ""
    #: What its rows are: worth an analyst's time, or what is normal there; and how much they matter.
    role: Role = "finding"
    severity: Severity = "medium"

    @property
    def is_context(self) -> bool:
        """Whether it found what is normal there, which in itself is no reason to worry."""
        return self.outcome == "found" and self.role == "context"
