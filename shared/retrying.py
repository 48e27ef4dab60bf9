"""How long a call to Microsoft is tried again before its run waits instead."""

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
#: Seconds. Longer waits are not worth an instance: the run goes back to its queue instead.
PATIENCE = 30.0
_A_DAY = 86_400.0


def retrying(sleep: Callable[[float], Awaitable[None]], patience: float = PATIENCE) -> AsyncRetrying:
    """
    Try a call that may be repeated at most 4 times, after Throttled and Unavailable, as long as Microsoft says.

    Raises the last error at once where the wait would go beyond *patience* seconds; 0 is to try once.
    """
    return AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(patience),
        wait=_wait,
        retry=retry_if_exception_type((Throttled, Unavailable)),
        sleep=sleep,
        reraise=True,
    )


def read_retry_after(text: str) -> float | None:
    """Read Retry-After: seconds, also fractional, or an HTTP date; None where it is neither."""
    try:
        return min(max(0.0, float(text)), _A_DAY)
    except ValueError:
        pass
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time.time()), _A_DAY)
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    """As long as Microsoft says, else 1, 2, 4 … seconds."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled) and error.retry_after is not None:
        return error.retry_after
    return float(2 ** (state.attempt_number - 1))
