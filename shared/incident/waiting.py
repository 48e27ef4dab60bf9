"""Decide what an error means for a run: the end of a hunt, or a wait, and how long to keep waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import PermissionDenied, Throttled, TimedOut, Unavailable, Waiting

if TYPE_CHECKING:
    from shared.errors import GraphError
    from shared.tools import Tools

# The platform caches a managed identity's roles for about a day: a role granted now may count tomorrow.
_A_DAY = timedelta(hours=24)
_TWO_HOURS = timedelta(hours=2)
_PARKED = timedelta(minutes=15)
# The CPU quota's cycle is 15 minutes (security API overview, quota 4); Graph may not say how much is left.
_THROTTLED = timedelta(minutes=5)
_UNAVAILABLE = timedelta(minutes=2)


def why_final(error: GraphError) -> str:
    """Return why repeating the query would not help, in an analyst's words; '' if it may."""
    match error:
        case PermissionDenied() | Throttled() | Unavailable():
            return ""
        case TimedOut():
            return "the query ran longer than the 3 minutes Graph allows: ask for a shorter lookback"
        case _:
            return f"Graph refused the query ({error.status or 'unreadable'}): {error.message[:300]}"


def why_given_up(tools: Tools, error: GraphError) -> str:
    """
    Return why the run stops waiting for *error* to pass; '' while it should wait.

    A run waits for 24 hours at most for a missing role or throttling, and for 2 hours for anything else,
    counted from when that trouble began: an answer ends it, and one that refuses ends a silence. *error* is
    recorded in the run's troubles, which are stored with its next wait. (`work` bounds all waits together.)
    """
    silence = f"silence of {error.service}"
    match error:
        case PermissionDenied():
            met, most = error.needs, _A_DAY
            reason = f"the app's identity has lacked {error.needs} for 24 hours"
        case Throttled() if error.ours:
            met, most = "Outrider", _A_DAY
            reason = f"the run could not go on for 24 hours: {error.message}"
        case Throttled():
            met, most = f"429 of {error.service}", _A_DAY
            reason = f"{error.service} has throttled this tenant (429) for 24 hours"
        case Unavailable() | TimedOut():
            met, most = silence, _TWO_HOURS
            reason = f"{error.service} has not answered for 2 hours: {error.message[:200]}"
        case _:
            met, most = f"refusal of {error.service}", _TWO_HOURS
            reason = f"{error.service} has refused{_status(error)} for 2 hours: {error.message[:200]}"
    answered = error.status and met != silence
    now = tools.now()
    since = tools.troubles.meet(met, now, ends=[silence] if answered else [])
    return reason if now - since >= most else ""


def was_silent(tools: Tools) -> bool:
    """Tell whether the run waits, or waited last, since Microsoft Graph gave no answer, or failed."""
    return f"silence of {Unavailable('').service}" in tools.troubles.lasting


def wait_for(error: GraphError) -> Waiting:
    """
    Return the Waiting to raise for *error*, with the reason and the delay until the next attempt.

    The delay is 15 minutes for a missing role; for throttling, Retry-After plus a second, or 5 minutes
    without it; and 2 minutes for anything else.
    """
    match error:
        case PermissionDenied():
            return Waiting(
                f"the app's identity lacks {error.needs}; once granted, "
                "it may take a day to show, since the platform caches roles",
                _PARKED,
            )
        case Throttled():
            delay = _THROTTLED if error.retry_after is None else timedelta(seconds=error.retry_after + 1)
            reason = error.message if error.ours else f"{error.service} throttles this tenant (429)"
            return Waiting(reason, delay)
        case Unavailable() | TimedOut():
            return Waiting(f"{error.service} does not answer: {error.message[:200]}", _UNAVAILABLE)
        case _:
            return Waiting(f"{error.service} refuses{_status(error)}: {error.message[:200]}", _UNAVAILABLE)


def _status(error: GraphError) -> str:
    return f" ({error.status})" if error.status else ""
