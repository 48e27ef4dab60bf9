"""What is stored of a run: what it is asked to do, its plan, why it waits, and how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from .entity import Chosen
from .finding import Found
from .incident import SentinelIncident
from .outcome import Outcome, Window

Status = Literal["queued", "running", "waiting", "completed", "completedWithFailures", "failed"]
Provider = Literal["defender", "sentinel"]
RunKind = Literal["enrichment", "sweep"]
Source = Literal["api", "watch", "sentinel", "timer"]


class Work(Struct, frozen=True, omit_defaults=True):
    """What one run is asked to do, as it is stored."""

    run_id: str
    requested: datetime
    body_digest: str
    #: The Defender incident's number.
    incident_id: str = ""
    #: An incident of Microsoft Sentinel's own, which Defender does not know.
    sentinel: SentinelIncident | None = None
    chosen: Chosen | None = None
    hunts: tuple[str, ...] = ()
    lookback: timedelta | None = None
    comment: bool = True
    queue: str = "urgent"
    kind: RunKind = "enrichment"
    #: Who asked: a caller of the API, the watch, a playbook of Sentinel's, or the timer of the sweeps.
    source: Source = "api"

    @classmethod
    def for_sentinel(
        cls, run_id: str, requested: datetime, body_digest: str, incident: SentinelIncident
    ) -> Work:
        """
        Make the work that a playbook asks for.

        Defender's incidents are read and commented where they come from, and Sentinel shows the comment, too.
        """
        mirrored = incident.defender_id
        own = None if mirrored else incident
        return cls(run_id, requested, body_digest, mirrored, own, source="sentinel")

    @property
    def only_new(self) -> bool:
        """Whether to leave out what was hunted on the incident before: unless a person asks, always."""
        return self.source != "api"


class PlannedHunt(Struct, frozen=True):
    """One hunt of a plan with the window it looks at, and the entities if not those of the whole plan."""

    name: str
    window: Window
    chosen: Chosen | None = None


class Plan(Struct, frozen=True):
    """What a run will do, fixed once its incident has been read: a run delivered again does the same."""

    incident_id: str = ""
    incident_title: str = ""
    incident_url: str = ""
    chosen: Chosen = Chosen()
    hunts: tuple[PlannedHunt, ...] = ()
    #: Hunts that are not sent, each with its outcome.
    skipped: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    #: Why there is nothing to plan: the incident does not exist.
    failure: str = ""
    #: Which product the incident is read from and commented in.
    provider: Provider = "defender"
    #: Whether the incident was hunted before, and for which hunts that was in vain.
    follow_up: bool = False
    tried: tuple[str, ...] = ()
    #: When the incident was created; None where that is not known.
    opened: datetime | None = None

    @property
    def incident(self) -> str:
        """The incident as the ledger names it; empty where there is none."""
        return f"{self.provider}-{self.incident_id.rsplit('/', 1)[-1].lower()}" if self.incident_id else ""

    def entities(self, planned: PlannedHunt) -> Chosen:
        """What one of the hunts hunts for."""
        return planned.chosen or self.chosen


class Wait(Struct, frozen=True):
    """Why a run waits, and until when."""

    reason: str
    until: datetime


class CommentResult(Struct, frozen=True, rename="camel"):
    """What became of one comment."""

    incident_id: str
    status: Literal["written", "alreadyThere", "off", "failed"]
    reason: str = ""


class Done(Struct, frozen=True, rename="camel"):
    """How a run ended; stored once, never changed."""

    status: Status
    verdict: str
    finished: datetime
    outcomes: tuple[Outcome, ...] = ()
    comments: tuple[CommentResult, ...] = ()
    cards: tuple[dict[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""


class Run(Struct, frozen=True):
    """All that is recorded of a run."""

    work: Work
    plan: Plan | None = None
    found: dict[str, Found] = {}
    wait: Wait | None = None
    done: Done | None = None


class Claim(Struct, frozen=True):
    """Who may post a comment, since when."""

    run_id: str
    at: datetime
