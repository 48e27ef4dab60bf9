"""
What has been hunted on an incident: a log that every run appends to, and none rewrites.

The entries are numbered objects, each created once. A run that creates entry n has read all entries before
it, so two runs that start at once share the work between them, without a lock. What is hunted is named by the
keys of `catalog.select.ledger_key`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection

    from .objects import Store

#: A run waits at most 24.5 hours in all, whatever for (`work`); after this, what it took is free again.
_LONGEST_RUN = timedelta(hours=25)
#: What failed is hunted again when the incident changes, but not because our own comment has just changed it.
_REST = timedelta(hours=1)


class Entry(Struct, frozen=True, omit_defaults=True):
    """What one run has taken to hunt (`taken`), or, once `closed`, what needs no more hunting (`ended`)."""

    run_id: str
    at: datetime
    taken: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    closed: bool = False


class Share(Struct, frozen=True):
    """What a run may hunt on an incident."""

    #: What no run has settled, and no other run is hunting now.
    due: frozenset[str] = frozenset()
    #: The part of `due` that an earlier run took, without a result.
    tried: frozenset[str] = frozenset()
    #: Whether no run has hunted on the incident before.
    first: bool = True


def share(entries: Collection[Entry], wanted: Collection[str], now: datetime) -> Share:
    """
    Return the part of *wanted* that is due.

    Left out are what is settled, what an unfinished run took within the last 25 hours, and what a run that
    ended within the last hour took.
    """
    closed = {entry.run_id: entry.at for entry in entries if entry.closed}
    done = {key for entry in entries for key in entry.ended}
    tried: set[str] = set()
    for entry in entries:
        at = closed.get(entry.run_id)
        if now - (at or entry.at) < (_REST if at else _LONGEST_RUN):
            done.update(entry.taken)
        tried.update(entry.taken)
    due = frozenset(wanted) - done
    return Share(due, due & tried, first=not entries)


class Ledger:
    """The logs of all incidents; *incident* is the product and the id, as in `defender-4101`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(self, incident: str) -> list[Entry]:
        """Read an incident's log, oldest entry first."""
        entries, _ = await self._read(incident)
        return entries

    async def take(self, incident: str, run_id: str, wanted: Collection[str], now: datetime) -> Share:
        """
        Take the part of *wanted* that is due.

        A run that has taken its part before gets the same part again.
        """
        while True:
            entries, following = await self._read(incident)
            mine = next((n for n, entry in enumerate(entries) if entry.run_id == run_id), None)
            if mine is not None:
                before = share(entries[:mine], wanted, now)
                taken = frozenset(entries[mine].taken)
                return Share(taken, taken & before.tried, first=before.first)
            part = share(entries, wanted, now)
            if not part.due or await self._append(following, Entry(run_id, now, tuple(sorted(part.due)))):
                return part

    async def close(self, incident: str, run_id: str, ended: Collection[str], now: datetime) -> None:
        """
        Record that a run has ended and that *ended* needs no more hunting; only the first call counts.

        The rest of what the run took is free again an hour later.
        """
        while True:
            entries, following = await self._read(incident)
            if any(entry.run_id == run_id and entry.closed for entry in entries):
                return
            took = any(entry.run_id == run_id for entry in entries)
            entry = Entry(run_id, now, ended=tuple(sorted(ended)), closed=True)
            if not (ended or took) or await self._append(following, entry):
                return

    async def _read(self, incident: str) -> tuple[list[Entry], str]:
        """Return a log and the name of its next entry, which is right even if old entries are gone."""
        folder = f"incidents/{incident}/"
        names = await self._store.keys(folder)
        raw = await self._store.get_all(names)
        number = int(names[-1].rsplit("/", 1)[-1]) + 1 if names else 0
        return [msgspec.json.decode(each, type=Entry) for each in raw], f"{folder}{number:06d}"

    async def _append(self, name: str, entry: Entry) -> bool:
        return await self._store.create(name, msgspec.json.encode(entry))
