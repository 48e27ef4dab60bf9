"""The clients, the stores and the settings that all runs of one process share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from shared import telemetry
from shared.entities.choosing import Limits
from shared.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.catalog.load import Catalog
    from shared.graph.client import Graph
    from shared.sentinel.client import Arm
    from shared.settings import Settings
    from shared.state.objects import Store
    from shared.state.runs import Runs


class Tools(Struct, frozen=True):
    """
    Everything a run depends on, made once per process.

    `report_url` returns the link to a run's page, '' where comments cannot have one. `now` is the clock, in
    UTC. `large_answers` is held while an answer of many megabytes is decoded, so that memory holds one at a time.
    """

    settings: Settings
    graph: Graph
    arm: Arm
    store: Store
    runs: Runs
    catalog: Catalog
    report_url: Callable[[str], str] = lambda _: ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    large_answers: asyncio.Lock = field(default_factory=asyncio.Lock)
    telemetry: telemetry.Telemetry = field(default_factory=telemetry.disabled)

    @property
    def limits(self) -> Limits:
        """The most that one run hunts for, and what it never hunts for."""
        return Limits(self.settings.max_devices, self.settings.max_indicators, self.settings.ignored)

    @property
    def ledger(self) -> Ledger:
        """The log of what has been hunted on each incident."""
        return Ledger(self.store)
