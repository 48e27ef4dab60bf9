"""The result of checking one thing that the app needs, and the call that checks it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shared.errors import GraphError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable

#: Seconds that a call may take.
LIMIT = 20.0

CACHED = (
    "If it was granted less than a day ago, wait: the platform keeps a token, and the roles in it, for up to "
    "24 hours, and a restart does not help"
)


class Need(Struct, frozen=True):
    """
    One thing that the app needs.

    `met` is None if that could not be found out, mostly because another need is not met. `found` says what
    was seen, and `mend` what to do about it ('' for nothing).
    """

    name: str
    met: bool | None
    found: str
    mend: str = ""


async def error_of(call: Awaitable[Any]) -> GraphError | None:
    """Await *call*; return the GraphError that it raises, a TimedOut after 20 seconds, or None."""
    try:
        async with asyncio.timeout(LIMIT):
            await call
    except TimeoutError:
        return TimedOut(f"no answer within {LIMIT:.0f} s")
    except GraphError as error:
        return error
    return None
