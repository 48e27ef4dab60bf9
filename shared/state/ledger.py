"""
What has been hunted on an incident: a log that every run appends to and none rewrites.

Its entries are numbered objects, each created once. Who appends entry n has read all before it, so that two runs
that come through two doors at once share the work between them, and no third thing has to lock anything.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection

    from .objects import Store

#: A run waits at most 24 hours (for a role, or a throttled tenant): what it took is free again after that.
_LONGEST_RUN = timedelta(hours=25)
#: What failed is tried again when the incident changes, but not because our own comment has just changed it.
_REST = timedelta(hours=1)


class Entry(Struct, frozen=True, omit_defaults=True):
    """What one run sets out to hunt, or, once `closed`, which of it needs no hunting any more."""

    run_id: str
    at: datetime
    taken: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    closed: bool = False


class Share(Struct, frozen=True):
    """What a run may hunt, which of that was tried before in vain, and whether it is the first to."""

    due: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    first: bool = True


def share(entries: Collection[Entry], wanted: Collection[str], now: datetime) -> Share:
    """Leave out what is done, what another run is at, and what failed within the last hour."""
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
    """The logs of all incidents. `incident` is its provider and id, as in `defender-4101`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, incident: str) -> list[Entry]:
        """Read an incident's log, oldest entry first."""
        entries, _ = await self._read(incident)
        return entries

    async def take(self, incident: str, run_id: str, wanted: Collection[str], now: datetime) -> Share:
        """Take the part of *wanted* that is due; the same part again for a run that took it before."""
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
        """Write down what a run has hunted; what it took beyond that is free again."""
        while True:
            entries, following = await self._read(incident)
            if any(entry.run_id == run_id and entry.closed for entry in entries):
                return
            took = any(entry.run_id == run_id for entry in entries)
            entry = Entry(run_id, now, ended=tuple(sorted(ended)), closed=True)
            if not (ended or took) or await self._append(following, entry):
                return

    async def _read(self, incident: str) -> tuple[list[Entry], str]:
        """Read a log and the name of its next entry, which does not depend on the oldest being there still."""
        folder = f"incidents/{incident}/"
        names = await self._store.keys(folder)
        raw = await self._store.get_all(names)
        number = int(names[-1].rsplit("/", 1)[-1]) + 1 if names else 0
        return [msgspec.json.decode(each, type=Entry) for each in raw], f"{folder}{number:06d}"

    async def _append(self, name: str, entry: Entry) -> bool:
        return await self._store.create(name, msgspec.json.encode(entry))
