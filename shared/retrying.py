"""How often, and for how long, a failed call to Microsoft is retried."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
)

from .errors import Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_ATTEMPTS = 4
#: Seconds. A longer wait would keep an instance busy for nothing: the run goes back to its queue instead.
PATIENCE = 30.0
_A_DAY = 86_400.0


def retrier(sleep: Callable[[float], Awaitable[None]], patience: float = PATIENCE) -> AsyncRetrying:
    """
    Return a retrier for a call that may be repeated: at most 4 attempts, after Throttled or Unavailable.

    It waits for as long as Microsoft asks, else 1, 2, then 4 seconds. It raises the last error at once if the
    next wait would end more than *patience* seconds after the first attempt began; 0 means a single attempt.
    """
    return AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(patience),
        wait=_wait,
        retry=retry_if_exception_type((Throttled, Unavailable)),
        sleep=sleep,
        reraise=True,
    )


def read_retry_after(text: str) -> float | None:
    """
    Read a Retry-After header: the seconds to wait (at most a day), None if it is unreadable.

    The header holds a number of seconds, which may have a fraction, or an HTTP date.
    """
    try:
        return min(max(0.0, float(text)), _A_DAY)
    except ValueError:
        pass
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time.time()), _A_DAY)
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    """Return the seconds that Microsoft asks for, else 1, 2, 4 …"""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled) and error.retry_after is not None:
        return error.retry_after
    return float(2 ** (state.attempt_number - 1))
