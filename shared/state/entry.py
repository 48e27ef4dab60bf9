"""What the ledger stores of a run."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Taken(Struct, frozen=True, omit_defaults=True):
    """What one run took and has not settled, for as long as it rests or is hunted."""

    #: The number of the entry with which the run took it.
    number: int
    #: When the run took it, or, once `closed`, when it ended.
    at: datetime
    keys: tuple[str, ...] = ()
    #: As in `Entry`.
    activity: dict[str, datetime] = {}
    closed: bool = False


class Standing(Struct, frozen=True, omit_defaults=True):
    """What the entries of a log say together."""

    #: What was looked at: key -> up to which activity, and when its window is over (None: it was).
    looked: dict[str, tuple[datetime, datetime | None]] = {}
    #: What was taken, and has had no result since.
    tried: tuple[str, ...] = ()
    #: As in `Entry`.
    told: tuple[str, ...] = ()
    said: bool = False
    #: The runs of the last days, by their ids.
    runs: dict[str, Taken] = {}


class Entry(Struct, frozen=True, omit_defaults=True):
    """What one run has taken to hunt (`taken`), or, once `closed`, what became of it."""

    run_id: str
    at: datetime
    taken: tuple[str, ...] = ()
    #: By entity, its last activity when the run took it.
    activity: dict[str, datetime] = {}
    #: What was hunted whole, over a window that was over, and told: it is settled.
    ended: tuple[str, ...] = ()
    #: What was hunted whole and told before its window was over: key -> when the window is over.
    looked: dict[str, datetime] = {}
    #: The findings that stand in a comment, by `catalog.select.finding_keys`.
    told: tuple[str, ...] = ()
    #: Whether the run said how its hunts ended, or had nothing to say.
    said: bool = False
    closed: bool = False
    #: What the entries before it say; None in the first, and in those of earlier versions.
    before: Standing | None = None
