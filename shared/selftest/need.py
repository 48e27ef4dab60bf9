"""One need of the app's, and a call that tells whether it is met."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shared.errors import GraphError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable

#: Seconds that a call is given.
LIMIT = 20.0

CACHED = (
    "If it was granted less than a day ago, wait: the platform keeps a token, and the roles in it, for up to "
    "24 hours, and a restart does not help"
)


class Need(Struct, frozen=True):
    """One thing the app needs; *met* is None where that cannot be told, mostly since another need is not met."""

    name: str
    met: bool | None
    found: str
    mend: str = ""


async def tried(call: Awaitable[Any]) -> GraphError | None:
    """Return the error that a call ends with, if any; TimedOut after 20 seconds."""
    try:
        async with asyncio.timeout(LIMIT):
            await call
    except TimeoutError:
        return TimedOut(f"no answer within {LIMIT:.0f} s")
    except GraphError as error:
        return error
    return None
