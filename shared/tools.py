"""The clients, the stores and the settings that all runs of one process share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from shared import telemetry
from shared.catalog.choosing import Policy
from shared.company import Company
from shared.entities.choosing import Limits
from shared.model.trouble import Troubles
from shared.state.ledger import Ledger
from shared.state.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.catalog.load import Catalog
    from shared.graph.client import Graph
    from shared.model.record import Run
    from shared.sentinel.client import Arm
    from shared.settings import Settings
    from shared.state.objects import Store
    from shared.state.runs import Runs


class Tools(Struct, frozen=True):
    """
    Everything a run depends on, made once per process but for `troubles`.

    `report_url` returns the link to a run's page, '' where comments cannot have one. `now` is the clock, in
    UTC. `large_answers` is held while an answer of many megabytes is decoded, so that memory holds one at a time.
    `company` knows who works in this process. `troubles` are those of the one run that is worked on with these
    tools (`for_run`).
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
    company: Company = field(default_factory=Company)
    telemetry: telemetry.Telemetry = field(default_factory=telemetry.disabled)
    troubles: Troubles = field(default_factory=Troubles)

    def for_run(self, run: Run) -> Tools:
        """Return the same tools for one delivery of *run*, with the troubles that it has met so far."""
        troubles = Troubles(run.wait.troubles if run.wait else None)
        for found in run.found.values():
            if found.at:
                troubles.answered(found.at)
        return replace(self, troubles=troubles)

    @property
    def limits(self) -> Limits:
        """The most that one run hunts for, and what it never hunts for."""
        return Limits(self.settings.max_devices, self.settings.max_indicators, self.settings.ignored)

    @property
    def policy(self) -> Policy:
        """Which hunts run by themselves, and how many one run takes."""
        return Policy(self.settings.auto, self.settings.max_hunts)

    @property
    def ledger(self) -> Ledger:
        """The log of what has been hunted on each incident."""
        return Ledger(self.store)

    @property
    def refusals(self) -> Refusals:
        """What the tenant was found to refuse."""
        return Refusals(self.store)
