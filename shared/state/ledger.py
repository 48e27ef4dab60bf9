"""
What has been hunted on an incident: a log that every run appends to, and none rewrites.

The entries are numbered objects, each created once. A run that creates entry n has read what all entries before
it say, so two runs that start at once share the work between them, without a lock. It writes that into its own entry,
so that the last entry and its number are all that the next one reads. What is hunted is named by keys,
`catalog.select.ledger_key`: a hunt and one entity. A key that was looked at is due again only if its entity was active
since, or if it was looked at before its window was over and now is the late look.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from .earlier import upgrade
from .entry import Entry, Standing
from .standing import Log, Share, after, share

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from .objects import Store
    from .standing import Wanted


class Ledger:
    """The logs of all incidents; *incident* is the product and the id, as in `defender-4101`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(self, incident: str) -> list[Entry]:
        """Read an incident's log, oldest entry first."""
        return [entry for _, entry in await self._read(await self._store.keys(_folder(incident)))]

    async def standing(self, incident: str) -> Standing | None:
        """Return what an incident's log says; None if it has no entry. That is a listing, and one object."""
        log = await self._log(incident)
        return log.standing if log.following else None

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
            log = await self._log(incident)
            mine = log.standing.runs.get(run_id)
            before, taken = await self._took(incident, mine.number) if mine else (log.standing, None)
            part = share(before, wanted, now, late=late)
            if everything:
                part = Share(frozenset(wanted), first=True, told=part.told)
            if taken is None:
                taken = within(part.due)
            if not mine and taken:
                entry = Entry(run_id, now, tuple(sorted(taken)), _activity(wanted, taken))
                appended = await self._append(incident, log, entry)
                if appended is None:
                    continue
                log = appended
            return Share(taken, taken & part.tried, part.first, part.told, part.due - taken, log)

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
        log: Log | None = None,
    ) -> None:
        """
        Record how a run ended: see `Entry`; only the first call counts.

        The rest of what the run took is free again an hour later. *log* is as `take` left it: it is read again only
        if somebody has appended to it since.
        """
        entry = Entry(
            run_id,
            now,
            ended=tuple(sorted(ended)),
            looked=dict(sorted((looked or {}).items())),
            told=tuple(sorted(told)),
            said=said,
            closed=True,
        )
        while True:
            log = log or await self._log(incident)
            mine = log.standing.runs.get(run_id)
            if mine and mine.closed:
                return
            if not (ended or looked or told or mine) or await self._append(incident, log, entry):
                return
            log = None

    async def _log(self, incident: str, below: int | None = None) -> Log:
        """
        Return what a log says, all of it or its entries with a number *below* this one, and its next entry's number.

        The number is right even if old entries are gone. Entries of earlier versions do not say what stands before
        them: where the last is such a one, all are read.
        """
        names = await self._store.keys(_folder(incident))
        names = [name for name in names if below is None or _number(name) < below]
        entries = await self._read(names[-1:])
        if len(names) > 1 and not (entries and entries[0][1].before):
            entries = await self._read(names)
        known = [n for n, (_, entry) in enumerate(entries) if entry.before]
        standing = Standing()
        for number, entry in entries[known[-1] if known else 0 :]:
            standing = after(entry.before or standing, number, entry)
        return Log(standing, _number(names[-1]) + 1 if names else 0)

    async def _took(self, incident: str, number: int) -> tuple[Standing, frozenset[str]]:
        """Return what a log said before its entry *number*, and what that took."""
        for _, entry in await self._read([f"{_folder(incident)}{number:06d}"]):
            before = entry.before or (await self._log(incident, number)).standing
            return before, frozenset(entry.taken)
        return Standing(), frozenset()

    async def _read(self, names: list[str]) -> list[tuple[int, Entry]]:
        """Read entries, each with its number; those that are gone meanwhile are left out."""
        values = await asyncio.gather(*map(self._store.get, names))
        return [
            (_number(name), upgrade(msgspec.json.decode(raw, type=Entry)))
            for name, raw in zip(names, values, strict=True)
            if raw is not None
        ]

    async def _append(self, incident: str, log: Log, entry: Entry) -> Log | None:
        """Append an entry right behind *log*; return the log with it, or None if another entry is there."""
        number = log.following
        whole = replace(entry, before=log.standing if number else None)
        if not await self._store.create(f"{_folder(incident)}{number:06d}", msgspec.json.encode(whole)):
            return None
        return Log(after(log.standing, number, entry), number + 1)


def _folder(incident: str) -> str:
    return f"incidents/{incident}/"


def _number(name: str) -> int:
    return int(name.rsplit("/", 1)[-1])


def _activity(wanted: Wanted, keys: Iterable[str]) -> dict[str, datetime]:
    return {key.partition(" ")[2]: active for key in sorted(keys) if (active := wanted.get(key))}
