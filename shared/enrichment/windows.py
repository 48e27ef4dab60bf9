"""An incident's time -> the time that a hunt looks at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Window

if TYPE_CHECKING:
    from shared.model.hunt import Hunt

# "Data of the past 30 days" (security API overview, quotas).
_KEPT = timedelta(days=30)


def window_of(
    hunt: Hunt, asked: timedelta | None, first: datetime | None, last: datetime | None, now: datetime
) -> Window:
    """
    Anchor a window to the incident: from its *first* activity less lookback to its *last* plus lookahead.

    *asked* is the caller's own lookback. Without it the window is at most the hunt's maxWindow, whose most recent part
    is kept. It always ends by *now*, and begins within the 30 days that Graph keeps: where the incident is older it
    ends before it starts. What is left out is in `cut`.
    """
    card = hunt.name == DEVICE_CARD
    lookback = hunt.lookback if card or asked is None else asked
    end = min(now, last + hunt.lookahead) if last else now
    start = (min(first, end) if first else end) - lookback
    cuts = []
    if not asked and end - start > hunt.max_window:
        cuts.append(f"the last {_days(hunt.max_window)} of {_days(end - start)}")
        start = end - hunt.max_window
    if start < now - _KEPT:
        if not card:
            cuts.append("Graph keeps 30 days")
        start = now - _KEPT
    return Window(start, end, "" if card else "; ".join(cuts), hunt.own_window)


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{span / timedelta(hours=1):.0f} hours"
