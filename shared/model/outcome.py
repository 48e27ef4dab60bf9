"""How a hunt ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from .finding import Found
from .times import write_time

#: The five outcomes of a hunt, and of a hunt on one device. None of them ever stands for another.
Ending = Literal["found", "nothingFound", "notApplicable", "noTelemetry", "notRun"]


class DeviceEnding(Struct, frozen=True):
    """How a hunt ended for one of its devices."""

    device: str
    outcome: Ending
    reason: str = ""


class Window(Struct, frozen=True):
    """The time a hunt looked at, UTC; `cut` says what was left out and why."""

    start: datetime
    end: datetime
    cut: str = ""
    #: The query limits time itself, with ago() or now().
    own: bool = False

    @property
    def timespan(self) -> str:
        """The window as Graph's Timespan, ISO 8601 `start/end`."""
        return f"{write_time(self.start)}/{write_time(self.end)}"


class Outcome(Struct, frozen=True, rename="camel"):
    """How one hunt ended."""

    hunt: str
    title: str
    outcome: Ending
    reason: str = ""
    window: Window | None = None
    devices: tuple[DeviceEnding, ...] = ()
    found: Found = field(default_factory=lambda: Found(""))
    id: str = ""
    version: str = ""
