"""Hunts that are written as one query: those that come with the app, and made-up ones, with windows of their own."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.catalog.load import load_hunts
from shared.kql.write import Leg, device_leg, indicator_leg
from shared.model.hunt import EVERYWHERE, AppliesTo
from tests.support.hunt_trials import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sandbox.telemetry.engine import Engine
    from shared.model.entity import Device, Indicator

TAKE = 1_001


class Trial(NamedTuple):
    """A hunt for devices, or, with *kinds*, for indicators; its name and text, and its window in hours before now."""

    name: str
    query: str
    kinds: tuple[str, ...] = ()
    applies_to: AppliesTo = EVERYWHERE
    hours: tuple[int, int] = (168, 0)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Its window."""
        return NOW - timedelta(hours=self.hours[0]), NOW - timedelta(hours=self.hours[1])


def shipped(*windows: tuple[int, int]) -> list[Trial]:
    """Return the hunts that come with the app, each with the next of *windows*."""
    windows = windows or ((168, 0),)
    return [
        Trial(hunt.name, hunt.query, tuple(hunt.kinds), hunt.applies_to, windows[n % len(windows)])
        for n, hunt in enumerate(load_hunts().hunts)
    ]


_FORMS = (
    "DeviceProcessEvents | where FileName =~ 'tool{n}.exe' or {n} % 3 == 0",
    "DeviceInfo | where Timestamp > ago({n}h) | project Timestamp, DeviceId, DeviceName, OSPlatform",
    "let N = {n}; let Few = (T: (Timestamp: datetime)) {{ T | take N }}; DeviceFileEvents | where FileSize > N",
    "let Seen = materialize(DeviceNetworkEvents | where RemotePort != {n}); Seen | summarize count() by DeviceId",
    "DeviceLogonEvents | where TimeGenerated > now() - {n}d | extend Late = now() - Timestamp",
    ("let Late = DeviceProcessEvents | project Timestamp, DeviceId; union Late, (DeviceInfo | project Timestamp, DeviceId) "
    "| where DeviceId != '{n}'"),
)  # fmt: skip
_EVERYWHERE = (EVERYWHERE, AppliesTo(os_platform=("Linux",)), AppliesTo(os_platform=("Windows",)))


def made_up(count: int) -> list[Trial]:
    """Return *count* made-up hunts for devices, of several forms, kinds of devices and windows."""
    return [
        Trial(
            f"made-{n}",
            _FORMS[n % len(_FORMS)].format(n=n + 1),
            (),
            _EVERYWHERE[n % 3],
            (24 * (n % 7 + 1), n % 5),
        )
        for n in range(count)
    ]


def legs(
    trials: Iterable[Trial], devices: Iterable[Device] = (), indicators: Iterable[Indicator] = ()
) -> dict[str, Leg]:
    """Return the legs of those *trials* that have something to hunt for."""
    devices, indicators = list(devices), list(indicators)
    found = {}
    for trial in trials:
        start, end = trial.window
        if trial.kinds and any(each.kind in trial.kinds for each in indicators):
            found[trial.name] = indicator_leg(trial.query, indicators, take=TAKE, end=end, start=start)
        elif devices and not trial.kinds:
            found[trial.name] = device_leg(
                trial.query, devices, take=TAKE, end=end, start=start, applies_to=trial.applies_to
            )
    return found


def answer(
    engine: Engine, query: str, *, days: int = 30
) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Return the schema and rows of *query* over so many *days*."""
    return engine.hunt(query, start=NOW - timedelta(days=days), end=NOW, now=NOW)


def apart(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what the rows of a whole batch hold, by the first column, in the order of their numbers."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["_N"]):
        found[row["_Hunt"]].append(json.loads(row["_Row"]))
        assert len(found[row["_Hunt"]]) == row["_N"]
    return dict(found)
