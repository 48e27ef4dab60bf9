"""Decide what an error means for a run: the end of a hunt, or a wait, and how long to keep waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import PermissionDenied, Throttled, TimedOut, Unavailable, Waiting

if TYPE_CHECKING:
    from shared.errors import GraphError

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


def why_given_up(error: GraphError, age: timedelta) -> str:
    """
    Return why a run of this *age* stops waiting for *error* to pass; '' while it should wait.

    A run waits for 24 hours at most for a missing role or throttling, and for 2 hours for anything else.
    """
    match error:
        case PermissionDenied() if age > _A_DAY:
            return f"the app's identity has lacked {error.needs} for 24 hours"
        case Throttled() if age > _A_DAY:
            return f"{error.service} has throttled this tenant (429) for 24 hours"
        case PermissionDenied() | Throttled():
            return ""
        case _ if age > _TWO_HOURS:
            return f"{error.service} has not answered for 2 hours: {error.message[:200]}"
        case _:
            return ""


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
            return Waiting(f"{error.service} throttles this tenant (429)", delay)
        case _:
            return Waiting(f"{error.service} does not answer: {error.message[:200]}", _UNAVAILABLE)
