"""What the local tenant knows: who may call, which incidents are open, how it is told to fail."""

from __future__ import annotations

import secrets
import time
from collections import deque
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from sandbox.telemetry.engine import timestamp

from .faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.telemetry.engine import Engine

    from .evidence import Incident
    from .intrusions import Intrusion

GRAPH = "https://graph.microsoft.com"
HUNT = "ThreatHunting.Read.All"
READ = "SecurityIncident.Read.All"
WRITE = "SecurityIncident.ReadWrite.All"
READER = "Microsoft Sentinel Reader"
RESPONDER = "Microsoft Sentinel Responder"


class Limits(Struct, frozen=True):
    """
    Limits of the cloud's, and what nobody documents.

    On hunting ("Use the Microsoft Graph security API", quotas and resource allocation): beyond *rows* or
    *size* (bytes of JSON) a hunt is refused; a call longer than *seconds* is answered 504;
    *calls_per_minute* None means no limit. Whether Graph refuses or cuts is not documented: with
    *truncate_rows*, rows beyond it are left out and nothing says so. With *costly_rows*, a hunt that would
    return more rows stands for one that needs too long, and is answered 504 at once.

    On comments: their length in characters (*comment*; the Defender portal and Sentinel state the same),
    how many a Sentinel incident takes (*comments*; "Service limits for Microsoft Sentinel"), and whether
    one on a Defender incident moves its lastUpdateDateTime (*comments_update*; not documented).
    """

    rows: int = 100_000
    size: int = 50 * 1024 * 1024
    calls_per_minute: int | None = 45
    seconds: float = 180
    truncate_rows: int | None = None
    costly_rows: int | None = None
    comment: int = 30_000
    comments: int = 100
    comments_update: bool = True


class Call(Struct, frozen=True):
    """One call that the tenant answered; *status* 0 means the connection was reset."""

    time: str
    method: str
    path: str
    kind: str
    status: int
    ms: int


class Token(NamedTuple):
    """What a token is good for, and until when (epoch seconds)."""

    resource: str
    expires: float


class Tenant:
    """
    A tenant of Microsoft's cloud, in memory.

    *opened* False keeps the planted incidents back until `open` lets them appear; those of Sentinel's own
    are always there. *roles* may change at any time and counts at once (Azure keeps a token's roles for up
    to a day). With a *secret*, only who sends it in X-IDENTITY-HEADER is given a token. *seed* decides what
    incidents are made up (`sandbox.tenant.incidents`).
    """

    def __init__(
        self,
        engine: Engine,
        planted: Sequence[Intrusion],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
        secret: str = "",
        roles: Sequence[str] = (HUNT, WRITE, RESPONDER),
        opened: bool = True,
        seed: int = 1,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.limits = limits or Limits()
        self.secret = secret
        self.roles = set(roles)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=10_000)
        self.seed = seed
        self.happenings = 0
        self.tokens: dict[str, Token] = {}
        self.incidents: dict[str, Incident] = {}
        self.pending = {one.name: deepcopy(one.incident) for one in planted if not one.standalone}
        self.standalone = [deepcopy(one.incident) for one in planted if one.standalone]
        self.sentinel_comments: dict[str, dict[str, dict[str, Any]]] = {}  # incident, comment: guids
        self.hunted: deque[datetime] = deque()
        while opened and self.pending:
            self._appear(next(iter(self.pending)))

    @cached_property
    def fleet(self) -> list[tuple[str, str]]:
        """Name and platform of each device with telemetry in the past 30 days, as of the first look."""
        query = "DeviceInfo | where isnotempty(DeviceName) | distinct DeviceName, OSPlatform"
        now = self.clock()
        rows = self.engine.hunt(query, start=now - timedelta(days=30), end=now, now=now)[1]
        return sorted((row["DeviceName"], row["OSPlatform"]) for row in rows)

    def next_id(self) -> int:
        """Return the number that the next incident made up takes."""
        return (
            max((int(one["id"]) for one in (*self.incidents.values(), *self.pending.values())), default=0) + 1
        )

    def issue(self, resource: str = GRAPH, *, lifetime: float = 86_400) -> tuple[str, float]:
        """
        Return a new token for *resource*, good for *lifetime* seconds, and when it expires (epoch seconds).

        In real time, whatever the tenant's clock: the caller's library compares it with its own.
        """
        token, expires = secrets.token_urlsafe(32), time.time() + lifetime
        self.tokens[token] = Token(resource.rstrip("/"), expires)
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
        if self.limits.comments_update:
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
