"""What the local tenant knows: who may call, which incidents are open, how it is told to fail."""

from __future__ import annotations

import secrets
import time
from collections import deque
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sandbox.engine import timestamp
from sandbox.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.engine import Engine
    from sandbox.intrusions import Intrusion

Incident = dict[str, Any]

HUNT = "ThreatHunting.Read.All"
READ = "SecurityIncident.Read.All"
WRITE = "SecurityIncident.ReadWrite.All"


class Limits(Struct, frozen=True):
    """
    Graph's limits on hunting ("Use the Microsoft Graph security API", quotas and resource allocation).

    Beyond *rows* or *size* (bytes of JSON) a hunt is refused; a call longer than *seconds* is answered 504.
    *calls_per_minute* None means no limit.
    """

    rows: int = 100_000
    size: int = 50 * 1024 * 1024
    calls_per_minute: int | None = 45
    seconds: float = 180
    comment: int = 30_000  # characters; the Defender portal's limit


class Call(Struct, frozen=True):
    """One call that the tenant answered; *status* 0 means the connection was reset."""

    time: str
    method: str
    path: str
    kind: str
    status: int
    ms: int


class Tenant:
    """
    A tenant of Microsoft's cloud, in memory.

    *opened* False keeps the planted incidents back until `open` lets them appear. *roles* may change at any
    time and counts at once (Azure keeps a token's roles for up to a day). With a *secret*, only who
    sends it in X-IDENTITY-HEADER is given a token.
    """

    def __init__(
        self,
        engine: Engine,
        planted: Sequence[Intrusion],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
        secret: str = "",
        roles: Sequence[str] = (HUNT, WRITE),
        opened: bool = True,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.limits = limits or Limits()
        self.secret = secret
        self.roles = set(roles)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=10_000)
        self.tokens: dict[str, float] = {}
        self.incidents: dict[str, Incident] = {}
        self.pending = {intrusion.name: deepcopy(intrusion.incident) for intrusion in planted}
        self.hunted: deque[datetime] = deque()
        while opened and self.pending:
            self._appear(next(iter(self.pending)))

    def issue(self, lifetime: float = 86_400) -> tuple[str, float]:
        """
        Return a new token that is good for *lifetime* seconds, and when it expires (epoch seconds).

        In real time, whatever the tenant's clock: the caller's library compares it with its own.
        """
        token, expires = secrets.token_urlsafe(32), time.time() + lifetime
        self.tokens[token] = expires
        return token, expires

    def open(self, name: str | None = None) -> Incident | None:
        """
        Let the planted incident *name*, or the next one, appear now; None if there is none.

        The one it was merged into appears with it.
        """
        chosen = name or next(iter(self.pending), "")
        if chosen not in self.pending:
            return None
        incident = self._appear(chosen)
        incident["createdDateTime"] = incident["lastUpdateDateTime"] = timestamp(self.clock())
        for other, waiting in list(self.pending.items()):
            if waiting["id"] == incident["redirectIncidentId"]:
                self.open(other)
        return incident

    def comment(self, incident: Incident, text: str) -> None:
        """Append a comment to *incident*."""
        now = timestamp(self.clock())
        incident["comments"].append(
            {"comment": text, "createdByDisplayName": "API App:Outrider", "createdDateTime": now}
        )
        incident["lastUpdateDateTime"] = now

    def wait(self) -> float:
        """Count a hunting call and return 0, or the seconds until one is allowed."""
        now, allowed = self.clock(), self.limits.calls_per_minute
        while self.hunted and now - self.hunted[0] >= timedelta(minutes=1):
            self.hunted.popleft()
        if allowed is not None and len(self.hunted) >= allowed:
            return 60 - (now - self.hunted[0]).total_seconds() if self.hunted else 60
        self.hunted.append(now)
        return 0

    def _appear(self, name: str) -> Incident:
        incident = self.pending.pop(name)
        self.incidents[incident["id"]] = incident
        return incident
