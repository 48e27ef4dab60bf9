"""
The intrusions hidden in the fleet, with the incidents that Defender and Sentinel would raise for them.

`intrusions(end)` makes those that show what becomes of an incident, `chains(end)` attacks from the first command to the last,
and `plant(engine, …)` writes their telemetry.
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
        linux.exfiltration,
        linux.download,
        linux.windows,
        linux.silent,
        linux.merged,
        linux.benign,
        linux.spread,
        linux.analytics,
    )
    return [make(end) for make in makers]


def chains(end: datetime) -> list[Intrusion]:
    """Return the attacks on Windows, Linux and a Mac that hunts are measured by, within two hours before *end* as well."""
    return [make(end) for make in (windows.ransom, webshell.webshell, miner.miner, mac.stealer)]
