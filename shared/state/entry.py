"""What the ledger stores of a run."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


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
