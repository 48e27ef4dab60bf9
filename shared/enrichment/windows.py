"""Compute the time window that a hunt looks at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.kql.tables import STANDING
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Window

if TYPE_CHECKING:
    from shared.model.hunt import Hunt

# "Data of the past 30 days" (security API overview, quotas).
_KEPT = timedelta(days=30)
#: How late telemetry may arrive: what a device reports of an hour is all there two hours later.
LATE = timedelta(hours=2)
#: How far Defender's clock may be ahead of ours. Activity that is further ahead is none.
SKEW = timedelta(hours=1)

_AS_IT_STANDS = "software and settings are as they stand when hunted"


def window_of(
    hunt: Hunt, asked: timedelta | None, first: datetime | None, last: datetime | None, now: datetime
) -> Window:
    """
    Return a hunt's window: from the incident's *first* activity minus lookback to its *last* plus lookahead.

    Without activity times, or with a last activity that is yet to come, the window ends *now*. *asked*, the caller's own lookback, replaces the hunt's,
    except for the device card; without it, only the most recent part of the window is kept, `max_window`
    long. The window of a hunt whose query itself looks back (`reach`) goes back as far as that, or as *asked* if
    that is shorter. The window ends by *now* and starts within the 30 days that Graph keeps, so for an older
    incident it ends before it starts. `cut` says what was left out; it is always empty for the device card.
    `over` is two hours after the wanted end, unless that has passed. Of a hunt that reads how things stand, `cut` says so,
    and it has no `events` if it reads nothing else.
    """
    card = hunt.name == DEVICE_CARD
    lookback = hunt.lookback if card or asked is None else asked
    # Compared before it is added to, which the last days of the year 9999 would not survive; a last activity that
    # is yet to come is none.
    wanted = last + hunt.lookahead if last and last < now + SKEW else now
    end = min(now, wanted)
    over = wanted + LATE if wanted + LATE > now else None
    begun = min(first, end) if first else end
    start = begun - lookback
    cuts = []
    if hunt.reach is not None:
        looks = end - hunt.reach
        start = max(looks, start) if asked else looks
        if hunt.reach >= _KEPT:
            start = min(start, begun)  # what is missing, Graph does not keep
        elif looks > begun:
            cuts.append(f"the query looks back {_length(hunt.reach)}, not to the incident's first activity")
    elif not asked and end - start > hunt.max_window:
        cuts.append(f"the last {_days(hunt.max_window)} of {_days(end - start)}")
        start = end - hunt.max_window
    if start < now - _KEPT:
        if not card:
            cuts.append("Graph keeps 30 days")
        start = now - _KEPT
    events = not hunt.tables or not STANDING.issuperset(hunt.tables)
    if not STANDING.isdisjoint(hunt.tables):
        cuts = [*(cuts if events else ()), _AS_IT_STANDS]
    return Window(start, end, "" if card else "; ".join(cuts), over, events)


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{span / timedelta(hours=1):.0f} hours"


def _length(span: timedelta) -> str:
    """Write a length of time in the largest unit that it is a whole number of."""
    seconds = span.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if not seconds % size:
            return f"{seconds / size:.0f} {unit}{'' if seconds == size else 's'}"
    return f"{seconds:g} seconds"
