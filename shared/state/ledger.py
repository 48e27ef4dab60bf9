"""
What has been hunted on an incident: a log that every run appends to, and none rewrites.

The entries are numbered objects, each created once. A run that creates entry n has read all entries before
it, so two runs that start at once share the work between them, without a lock. What is hunted is named by
keys, `catalog.select.ledger_key`: a hunt and one entity. A key that was looked at is due again only if its
entity was active since, or if it was looked at before its window was over and now is the late look.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from .earlier import upgrade
from .entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from .objects import Store

    #: What a run wants to hunt: key -> its entity's last activity, None where unknown.
    Wanted = Mapping[str, datetime | None]

#: A run waits at most 24.5 hours in all, whatever for (`work`); after this, what it took is free again.
_LONGEST_RUN = timedelta(hours=25)
#: What failed is hunted again when the incident changes, but not because our own comment has just changed it.
_REST = timedelta(hours=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Share(Struct, frozen=True):
    """What a run may hunt on an incident."""

    #: What is due, and no other run is hunting now.
    due: frozenset[str] = frozenset()
    #: The part of `due` that an earlier run took, without a result.
    tried: frozenset[str] = frozenset()
    #: Whether no run has told, or is about to tell, how its hunts on the incident ended.
    first: bool = True
    #: The findings that stand on the incident.
    told: frozenset[str] = frozenset()
    #: What is due as well, and more than one run hunts.
    left: frozenset[str] = frozenset()


def share(entries: Collection[Entry], wanted: Wanted, now: datetime, *, late: bool = False) -> Share:
    """
    Return the part of *wanted* that is due.

    Left out are, unless their entity was active since: what was looked at, though not from a *late* look once
    its window is over; what an unfinished run took within the last 25 hours; and what a run that ended within
    the last hour took without a result.
    """
    looked, state = _looked(entries), _state(entries, now)

    def is_due(key: str) -> bool:
        active = wanted[key] or _NEVER
        if key in state.busy:
            return active > state.busy[key]
        if key not in looked:
            return True
        before, over = looked[key]
        return active > before or (late and over is not None and over <= now)

    due = frozenset(filter(is_due, wanted))
    told = frozenset(key for entry in entries for key in entry.told)
    return Share(due, due & state.tried, first=not state.said, told=told)


class _State(NamedTuple):
    """What rests or is being hunted, and since which activity; what was tried last in vain; whether one told."""

    busy: dict[str, datetime]
    tried: set[str]
    said: bool


def _state(entries: Iterable[Entry], now: datetime) -> _State:
    closed = {entry.run_id: entry for entry in entries if entry.closed}
    busy: dict[str, datetime] = {}
    tried: set[str] = set()
    said = False
    for entry in entries:
        if entry.closed:
            tried.difference_update(entry.ended, entry.looked)
            said = said or entry.said
            continue
        end = closed.get(entry.run_id)
        without = set(entry.taken).difference(end.ended, end.looked) if end else set(entry.taken)
        if now - (end.at if end else entry.at) < (_REST if end else _LONGEST_RUN):
            for key in without:
                busy[key] = max(busy.get(key, _NEVER), _active(entry, key))
            said = said or not end
        tried |= without
    return _State(busy, tried, said)


def _looked(entries: Iterable[Entry]) -> dict[str, tuple[datetime, datetime | None]]:
    """Return what was looked at: up to which activity, and when the window is over (None: it was)."""
    taken = {entry.run_id: entry for entry in entries if not entry.closed}
    looked: dict[str, tuple[datetime, datetime | None]] = {}
    for entry in entries:
        for key, over in (*((key, None) for key in entry.ended), *entry.looked.items()):
            active = _active(taken.get(entry.run_id, entry), key)
            if key not in looked or active >= looked[key][0]:
                looked[key] = active, over
    return looked


def _active(entry: Entry, key: str) -> datetime:
    """Return the last activity of a key's entity when the run took it, as far as it was known."""
    return entry.activity.get(key.partition(" ")[2], _NEVER)


class Ledger:
    """The logs of all incidents; *incident* is the product and the id, as in `defender-4101`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(self, incident: str) -> list[Entry]:
        """Read an incident's log, oldest entry first."""
        entries, _ = await self._read(incident)
        return entries

    async def take(
        self,
        incident: str,
        run_id: str,
        wanted: Wanted,
        now: datetime,
        *,
        late: bool = False,
        everything: bool = False,
        within: Callable[[frozenset[str]], frozenset[str]] = lambda due: due,
    ) -> Share:
        """
        Take the part of *wanted* that is due, or, for a person who asks, *everything*.

        *late* is as in `share`. *within* returns as much of what is due as one run hunts. A run that has taken
        its part before gets the same part again.
        """
        while True:
            entries, following = await self._read(incident)
            mine = next((n for n, entry in enumerate(entries) if entry.run_id == run_id), None)
            before = entries if mine is None else entries[:mine]
            part = share(before, wanted, now, late=late)
            if everything:
                part = Share(frozenset(wanted), first=True, told=part.told)
            taken = within(part.due) if mine is None else frozenset(entries[mine].taken)
            part = Share(taken, taken & part.tried, part.first, part.told, part.due - taken)
            entry = Entry(run_id, now, tuple(sorted(taken)), _activity(wanted, taken))
            if mine is not None or not taken or await self._append(following, entry):
                return part

    async def close(
        self,
        incident: str,
        run_id: str,
        now: datetime,
        *,
        ended: Collection[str] = (),
        looked: Mapping[str, datetime] | None = None,
        told: Collection[str] = (),
        said: bool = True,
    ) -> None:
        """
        Record how a run ended: see `Entry`; only the first call counts.

        The rest of what the run took is free again an hour later.
        """
        while True:
            entries, following = await self._read(incident)
            if any(entry.run_id == run_id and entry.closed for entry in entries):
                return
            took = any(entry.run_id == run_id for entry in entries)
            entry = Entry(
                run_id,
                now,
                ended=tuple(sorted(ended)),
                looked=dict(sorted((looked or {}).items())),
                told=tuple(sorted(told)),
                said=said,
                closed=True,
            )
            if not (ended or looked or told or took) or await self._append(following, entry):
                return

    async def _read(self, incident: str) -> tuple[list[Entry], str]:
        """Return a log and the name of its next entry, which is right even if old entries are gone."""
        folder = f"incidents/{incident}/"
        names = await self._store.keys(folder)
        raw = await self._store.get_all(names)
        number = int(names[-1].rsplit("/", 1)[-1]) + 1 if names else 0
        return [upgrade(msgspec.json.decode(each, type=Entry)) for each in raw], f"{folder}{number:06d}"

    async def _append(self, name: str, entry: Entry) -> bool:
        return await self._store.create(name, msgspec.json.encode(entry))


def _activity(wanted: Wanted, keys: Iterable[str]) -> dict[str, datetime]:
    return {key.partition(" ")[2]: active for key in sorted(keys) if (active := wanted.get(key))}
