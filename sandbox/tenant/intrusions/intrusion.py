"""What is hidden in the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sandbox.telemetry.engine import Row
from sandbox.tenant.evidence import Incident


class Intrusion(NamedTuple):
    """
    An incident, the `name` it is opened by, and the telemetry that it left, each row as (table, row).

    One that is `standalone` is Sentinel's own: Defender does not know of it.
    """

    name: str
    incident: Incident
    rows: Sequence[tuple[str, Row]] = ()
    standalone: bool = False
