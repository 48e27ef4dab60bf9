"""The state of the local tenant: who may call, which incidents are open, and which failures are planned."""

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
from .tokens import STORAGE, unsigned

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
    The limits of the cloud, and choices where nothing is documented.

    On hunting ("Use the Microsoft Graph security API", quotas and resource allocation): a hunt with more than
    `rows` or `size` bytes of JSON is refused; a call longer than `seconds` is answered 504;
    `calls_per_minute` None means no limit. Whether Graph refuses or cuts is not documented: with
    `truncate_rows`, rows beyond it are left out silently. With `costly_rows`, a hunt that would return
    more rows stands for one that takes too long, and is answered 504 at once.

    On comments: `comment` is their length in characters (the Defender portal and Sentinel state the same),
    `comments` how many a Sentinel incident takes ("Service limits for Microsoft Sentinel"), and
    `comments_update` says whether one on a Defender incident moves its lastUpdateDateTime (not documented).
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
    """One call that the tenant answered, in `ms` milliseconds; `status` 0 means a reset connection."""

    time: str
    method: str
    path: str
    kind: str
    status: int
    ms: int


class Token(NamedTuple):
    """The resource that a token is for, and when the token expires (epoch seconds)."""

    resource: str
    expires: float


class Tenant:
    """
    A tenant of Microsoft's cloud, in memory.

    With *opened* False, planted incidents are kept back until `open`; those of Sentinel's own are always
    there. `roles` may be changed at any time and count at once (Azure keeps a token's roles for up to a day).
    With a *secret*, only callers that send it in X-IDENTITY-HEADER get a token. *seed* decides which
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
        # The GUID of an incident -> the GUID of a comment -> the comment.
        self.sentinel_comments: dict[str, dict[str, dict[str, Any]]] = {}
        self.hunted: deque[datetime] = deque()
        while opened and self.pending:
            self._appear(next(iter(self.pending)))

    @cached_property
    def fleet(self) -> list[tuple[str, str]]:
        """Name and platform of each device with telemetry in the 30 days before this is first read."""
        query = "DeviceInfo | where isnotempty(DeviceName) | distinct DeviceName, OSPlatform"
        now = self.clock()
        rows = self.engine.hunt(query, start=now - timedelta(days=30), end=now, now=now)[1]
        return sorted((row["DeviceName"], row["OSPlatform"]) for row in rows)

    def next_id(self) -> int:
        """Return the number of the next incident that is made up."""
        return (
            max((int(one["id"]) for one in (*self.incidents.values(), *self.pending.values())), default=0) + 1
        )

    def issue(self, resource: str = GRAPH, *, lifetime: float = 86_400) -> tuple[str, float]:
        """
        Return a new token for *resource*, valid for *lifetime* seconds, and when it expires (epoch seconds).

        In real time, whatever the tenant's clock says: the caller's library compares it with its own.
        """
        now = time.time()
        expires = now + lifetime
        # Azurite reads the claims of a token; what is called here knows one by itself.
        is_storage = resource.rstrip("/") == STORAGE
        token = unsigned(STORAGE, issued=now, expires=expires) if is_storage else secrets.token_urlsafe(32)
        self.tokens[token] = Token(resource.rstrip("/"), expires)
        return token, expires

    def open(self, name: str | None = None) -> Incident | None:
        """
        Open the planted incident *name*, or the next one, now, and return it; None if there is none.

        An incident that it was merged into opens with it.
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
        """Append a comment to *incident*, which updates it unless `Limits.comments_update` is False."""
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
