"""
The intrusions hidden in the fleet, with the incidents that Defender and Sentinel would raise for them.

`intrusions(end)` makes those that show what becomes of an incident, `chains(end)` attacks from the first command to the last,
and `plant(engine, …)` writes their telemetry.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from . import miner, ransom, single, stealer, webshell
from .intrusion import Intrusion
from .single import DROP_ADDRESS, LURE_URL, RELAY_ADDRESS, STAGE_SHA1

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.telemetry.engine import Engine

__all__ = [
    "DROP_ADDRESS",
    "LURE_URL",
    "RELAY_ADDRESS",
    "STAGE_SHA1",
    "Intrusion",
    "chains",
    "intrusions",
    "plant",
]


def plant(engine: Engine, planted: Iterable[Intrusion]) -> None:
    """Write the telemetry of *planted* into *engine*."""
    for intrusion in planted:
        for table, row in intrusion.rows:
            engine.load(table, [row])


def intrusions(end: datetime) -> list[Intrusion]:
    """Return the planted intrusions in the order in which they open, all within two hours before *end*."""
    makers = (
        single.exfiltration,
        single.download,
        single.windows,
        single.silent,
        single.merged,
        single.benign,
        single.spread,
        single.analytics,
    )
    return [make(end) for make in makers]


def chains(end: datetime) -> list[Intrusion]:
    """Return the attacks on Windows, Linux and a Mac that hunts are measured by, within two hours before *end* as well."""
    return [make(end) for make in (ransom.ransom, webshell.webshell, miner.miner, stealer.stealer)]
