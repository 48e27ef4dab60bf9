"""What the watch stores between two looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

#: The object that holds the watch's state.
STATE = "watch/state"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Pending(Struct, frozen=True, omit_defaults=True):
    """
    An incident that waits for its run; `created` and `updated` are as Graph writes them, '' if there is none.

    `joined` is when it took its place in the line (UTC), and `tries` how many looks could not find out
    whether it has news: each sent it to the end of the line.
    """

    id: str
    severity: str
    created: str
    updated: str
    joined: datetime = _LONG_AGO
    tries: int = 0


class State(Struct, frozen=True, omit_defaults=True):
    """
    What the watch stores.

    The next look begins at `since`; the last one was at `looked`. `seen` has the incidents updated since
    `since`, by their id, with the time of their last update, so that the overlap of two looks starts nothing
    twice. `pending` has those that wait for a run, and `turn` counts the turns taken so far. `gap` is the
    time between the last two looks. `open` has the runs that have not ended, each with when it is looked after.
    """

    since: datetime
    looked: datetime
    seen: dict[str, str] = {}
    pending: tuple[Pending, ...] = ()
    turn: int = 0
    gap: timedelta = timedelta(minutes=1)
    open: dict[str, datetime] = {}
