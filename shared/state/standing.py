"""What the entries of a ledger's log say together (`entry.Standing`), and what of it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from .entry import Standing, Taken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entry import Entry

    #: What a run wants to hunt: key -> its entity's last activity, None where unknown.
    Wanted = Mapping[str, datetime | None]

#: A run waits at most 24.5 hours in all, whatever for (`work`); after this, what it took is free again.
_LONGEST_RUN = timedelta(hours=25)
#: What failed is hunted again when the incident changes, but not because our own comment has just changed it.
_REST = timedelta(hours=1)
#: What rests is kept for longer than it rests, as clocks differ.
_KEPT_RESTING = timedelta(hours=2)
#: Azure deletes a message after 7 days, so no run comes back that took something longer ago.
_KEPT = timedelta(days=7)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Log(NamedTuple):
    """An incident's log as a run has read or left it: what it says, and the number of its next entry."""

    standing: Standing
    following: int


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
    #: The log as the run left it, for `Ledger.close`.
    log: Log | None = None


def share(standing: Standing, wanted: Wanted, now: datetime, *, late: bool = False) -> Share:
    """
    Return the part of *wanted* that is due.

    Left out are, unless their entity was active since: what was looked at, though not from a *late* look once
    its window is over; what an unfinished run took within the last 25 hours; and what a run that ended within
    the last hour took without a result.
    """
    at_work = [t for t in standing.runs.values() if now - t.at < (_REST if t.closed else _LONGEST_RUN)]
    busy: dict[str, datetime] = {}
    for taken in at_work:
        for key in taken.keys:
            busy[key] = max(busy.get(key, _NEVER), _active(taken, key))

    def is_due(key: str) -> bool:
        active = wanted[key] or _NEVER
        if key in busy:
            return active > busy[key]
        if key not in standing.looked:
            return True
        before, over = standing.looked[key]
        return active > before or (late and over is not None and over <= now)

    due = frozenset(filter(is_due, wanted))
    said = standing.said or not all(taken.closed for taken in at_work)
    return Share(due, due.intersection(standing.tried), first=not said, told=frozenset(standing.told))


def after(standing: Standing, number: int, entry: Entry) -> Standing:
    """Return what a log says once *entry*, its entry *number*, follows what said *standing*."""
    mine = standing.runs.get(entry.run_id)
    runs = {
        run: _aged(taken, entry.at) for run, taken in standing.runs.items() if entry.at - taken.at < _KEPT
    }
    if not entry.closed:
        runs[entry.run_id] = Taken(number, entry.at, entry.taken, entry.activity)
        return replace(standing, tried=_union(standing.tried, entry.taken), runs=runs)
    mine = mine or Taken(number, entry.at)
    looked = dict(standing.looked)
    for key, over in (*((key, None) for key in entry.ended), *entry.looked.items()):
        active = _active(mine, key)
        if key not in looked or active >= looked[key][0]:
            looked[key] = active, over
    settled = {*entry.ended, *entry.looked}
    rest = tuple(key for key in mine.keys if key not in settled)
    # `mine` keeps the activity of what it settled, too: another entity of the same hunt may rest.
    runs[entry.run_id] = replace(
        mine, at=entry.at, keys=rest, activity=mine.activity if rest else {}, closed=True
    )
    return Standing(
        looked,
        tuple(key for key in standing.tried if key not in settled),
        _union(standing.told, entry.told),
        standing.said or entry.said,
        runs,
    )


def _aged(taken: Taken, now: datetime) -> Taken:
    """Return what is kept *now* of a run: of one that ended long ago, that it did."""
    if taken.closed and now - taken.at >= _KEPT_RESTING:
        return replace(taken, keys=(), activity={})
    return taken


def _active(taken: Taken, key: str) -> datetime:
    """Return the last activity of a key's entity when the run took it, as far as it was known."""
    return taken.activity.get(key.partition(" ")[2], _NEVER)


def _union(some: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))
