"""
The intrusions hidden in the fleet, with the incidents that Defender and Sentinel would raise for them.

`intrusions(end)` makes them, and `plant(engine, …)` writes their telemetry.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from . import linux, mac, miner, webshell, windows
from .intrusion import Intrusion
from .linux import DROP_ADDRESS, LURE_URL, RELAY_ADDRESS, STAGE_SHA1

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.telemetry.engine import Engine

__all__ = [
    "DROP_ADDRESS",
    "LURE_URL",
    "RELAY_ADDRESS",
    "STAGE_SHA1",
    "Intrusion",
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
        linux.exfiltration,
        linux.download,
        linux.windows,
        linux.silent,
        linux.merged,
        linux.benign,
        linux.spread,
        windows.ransom,
        webshell.webshell,
        miner.miner,
        mac.stealer,
        linux.analytics,
    )
    return [make(end) for make in makers]
