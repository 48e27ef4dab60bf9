"""What a run is done with."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from shared.entities.choosing import Limits
from shared.state.ledger import Ledger

from . import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.catalog.load import Catalog
    from shared.graph.client import Graph
    from shared.sentinel.client import Arm
    from shared.state.runs import Runs

    from .settings import Settings


class Tools(Struct, frozen=True):
    """One set a process, shared by all its runs."""

    settings: Settings
    graph: Graph
    arm: Arm
    runs: Runs
    catalog: Catalog
    report_url: Callable[[str], str] = lambda _: ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    large: asyncio.Lock = field(default_factory=asyncio.Lock)
    telemetry: telemetry.Telemetry = field(default_factory=telemetry.off)

    @property
    def limits(self) -> Limits:
        """The caps on what one run hunts for."""
        return Limits(self.settings.max_devices, self.settings.max_indicators, self.settings.ignored)

    @property
    def ledger(self) -> Ledger:
        """What has been hunted on each incident."""
        return Ledger(self.runs.store)
