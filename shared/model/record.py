"""What is stored of a run: its request, its plan, what it found, its waits, and its end."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .entity import Chosen
from .finding import Found
from .incident import SentinelIncident
from .outcome import Outcome, Window

Status = Literal["queued", "running", "waiting", "completed", "completedWithFailures", "failed"]
Provider = Literal["defender", "sentinel"]
RunKind = Literal["enrichment", "sweep"]
Source = Literal["api", "watch", "sentinel", "timer", "late"]


class Work(Struct, frozen=True, omit_defaults=True):
    """What one run is asked to do."""

    #: 32 hexadecimal digits.
    run_id: str
    #: When the request came, in UTC.
    requested: datetime
    #: The SHA-256 of the request's body, in hex; '' for a run that no request started.
    body_digest: str
    #: The Defender incident's number; '' for none.
    incident_id: str = ""
    #: An incident of Microsoft Sentinel's own, which Defender does not know.
    sentinel: SentinelIncident | None = None
    #: The entities that the caller named; None where they come from the incident.
    chosen: Chosen | None = None
    #: The names of the hunts to run; empty for all that fit.
    hunts: tuple[str, ...] = ()
    #: The caller's lookback instead of the hunts' own; None for theirs.
    lookback: timedelta | None = None
    #: Whether to comment on the incident; False for a dry run.
    comment: bool = True
    #: The queue that the run is sent to, one of `state.runs.QUEUES`.
    queue: str = "urgent"
    kind: RunKind = "enrichment"
    #: Who asked: a caller of the API, the watch, a Sentinel playbook, the timer of the sweeps, or an earlier run
    #: on the incident, for its late look.
    source: Source = "api"
    #: Who called, as a short hash: whose runs are counted together; '' for a run that no request started.
    caller: str = ""

    @classmethod
    def for_sentinel(
        cls, run_id: str, requested: datetime, body_digest: str, incident: SentinelIncident
    ) -> Work:
        """
        Return the work that a Sentinel playbook asks for.

        An incident that mirrors one of Defender's is read and commented in Defender; Sentinel shows that
        comment, too.
        """
        mirrored = incident.defender_id
        own = None if mirrored else incident
        return cls(run_id, requested, body_digest, mirrored, own, source="sentinel")

    @property
    def group(self) -> str:
        """Under which name the run is listed until it ends: sweeps together, others by their caller, '' for none."""
        return "sweeps" if self.kind == "sweep" else self.caller

    @property
    def only_new(self) -> bool:
        """Whether to skip what was hunted on the incident before: always, unless the API was called."""
        return self.source != "api"

    @property
    def counts(self) -> bool:
        """Whether what it hunts needs no more hunting: not after a dry run, or with a lookback of its own."""
        return self.comment and self.lookback is None


class PlannedHunt(Struct, frozen=True):
    """One hunt of a plan, and the window that it covers."""

    name: str
    window: Window
    #: What it hunts for; None for everything in the plan's `chosen`.
    chosen: Chosen | None = None


class Plan(Struct, frozen=True):
    """What a run will do, fixed once its incident has been read: a run delivered again does the same."""

    #: A Defender incident's number, or a Sentinel incident's Azure resource id; '' for none.
    incident_id: str = ""
    incident_title: str = ""
    incident_url: str = ""
    chosen: Chosen = Chosen()
    #: In the order in which they are started.
    hunts: tuple[PlannedHunt, ...] = ()
    #: Hunts that are not sent, each with its outcome.
    skipped: tuple[Outcome, ...] = ()
    #: The names of the hunts that one run has no room for (MAX_HUNTS); nobody tries them again.
    beyond: tuple[str, ...] = ()
    #: The ATT&CK techniques and tactics of the incident's alerts.
    techniques: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    #: Sentences for the comment and the report.
    notes: tuple[str, ...] = ()
    #: Why there is no plan, such as an incident that does not exist; '' where there is one.
    failure: str = ""
    #: The product in which the incident is read and commented.
    provider: Provider = "defender"
    #: Whether an earlier run has told, or is about to tell, how its hunts on the incident ended.
    follow_up: bool = False
    #: The hunts that had no result on this incident before, and are tried again.
    tried: tuple[str, ...] = ()
    #: The findings that stand on the incident, by `catalog.select.finding_keys`.
    told: tuple[str, ...] = ()
    #: Whether entities that are due were left to a later run, since there are too many for one.
    left: bool = False
    #: The last activity of each entity, by its key, until the plan is stored; unknown ones are missing.
    activity: dict[str, datetime] = {}
    #: When the incident was created, in UTC; None where unknown.
    opened: datetime | None = None
    #: When the plan was made, in UTC.
    made: datetime | None = None
    #: What the incident names in all, where `chosen` is only what is due; None where that is all.
    named: Chosen | None = None

    @property
    def of_incident(self) -> Chosen:
        """The devices and indicators that the incident, or the caller, names, whether they are due or not."""
        return self.named or self.chosen

    @property
    def incident(self) -> str:
        """
        The incident's name in the ledger, as in `defender-4101`; '' where there is none.

        A Sentinel incident's is made of its whole resource id, since no other part of that is its workspace's alone.
        """
        if self.provider == "sentinel" and self.incident_id:
            return f"sentinel-{hashlib.sha256(self.incident_id.lower().encode()).hexdigest()[:32]}"
        return f"{self.provider}-{self.incident_id.lower()}" if self.incident_id else ""

    def entities(self, planned: PlannedHunt) -> Chosen:
        """Return what *planned* hunts for: its own entities, or those of the whole plan."""
        return planned.chosen or self.chosen


class Wait(Struct, frozen=True, omit_defaults=True):
    """Why a run waits, and until when (UTC)."""

    reason: str
    until: datetime
    #: What keeps the run from going on, and since when (UTC), as `trouble.Troubles` counts it.
    troubles: dict[str, datetime] = {}


class CommentResult(Struct, frozen=True, rename="camel"):
    """Whether one comment was posted, and if not, why."""

    #: A Defender incident's number, or a Sentinel incident's Azure resource id.
    incident_id: str
    status: Literal["written", "alreadyThere", "off", "failed"]
    #: '' where the status says enough.
    reason: str = ""


class Done(Struct, frozen=True, rename="camel"):
    """How a run ended; stored once, never changed."""

    status: Status
    #: The result in one line.
    verdict: str
    #: In UTC.
    finished: datetime
    outcomes: tuple[Outcome, ...] = ()
    comments: tuple[CommentResult, ...] = ()
    #: The rows of the device card, column -> text; empty where it did not run or failed.
    cards: tuple[dict[str, str], ...] = ()
    #: Sentences for the report.
    notes: tuple[str, ...] = ()
    #: Why the run failed as a whole; '' where it did not.
    reason: str = ""


class AtEnd(Struct, frozen=True):
    """What is stored beside a run's end, so that no other object has to be read to show the run."""

    work: Work
    #: None where there is none.
    plan: Plan | None = None
    #: What hunts found that stands in no outcome, such as the device card.
    found: tuple[Found, ...] = ()


class Returns(Struct, frozen=True):
    """
    How often a run came back, since a worker or a host that had it may have died of it.

    `suspect` says that it has come back since it last ended a start alone: its next start is alone. `deaths`
    counts the starts alone that did not end, and `failures` has the exception's name of each that raised one.
    """

    suspect: bool = False
    deaths: int = 0
    failures: tuple[str, ...] = ()
    #: When the last of this was recorded, in UTC; None where it never came back.
    last: datetime | None = None


class Run(Struct, frozen=True):
    """Everything that is stored of a run, except the hunts' rows."""

    work: Work
    plan: Plan | None = None
    #: What each hunt found, by its name; a hunt that has not been answered is missing.
    found: dict[str, Found] = {}
    #: The latest wait, which may be over; None where the run never waited, or has ended.
    wait: Wait | None = None
    #: None while the run has not ended.
    done: Done | None = None
    #: When the run first waited, in UTC; None where it never did, or has ended.
    first_wait: datetime | None = None
    returns: Returns = Returns()
    #: When a worker last said that it is at work on it, in UTC; None where none had to.
    alive: datetime | None = None

    @property
    def written(self) -> datetime:
        """When something of the run was last stored, or its wait ends, in UTC."""
        made = self.plan.made if self.plan else None
        until = self.wait.until if self.wait else None
        times = (made, until, self.returns.last, self.alive, *(found.at for found in self.found.values()))
        return max(filter(None, times), default=self.work.requested)

    def as_of(self, now: datetime) -> Run:
        """Return the run without a wait that is over at *now* (UTC): it is worked on again."""
        return replace(self, wait=None) if self.wait and self.wait.until <= now else self


class Claim(Struct, frozen=True):
    """The right to post one comment: the run that holds it, and since when (UTC)."""

    run_id: str
    at: datetime
