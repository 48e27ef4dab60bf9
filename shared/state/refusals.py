"""
What the tenant refuses, remembered so that it is not asked for again and again.

An empty listing is the rule. `refusals/{milliseconds}.{what}` says in its name until when it counts, and holds Graph's words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .objects import Store

_FOLDER = "refusals/"
#: A table that a licence does not include is there a day after the licence is, at the latest.
A_TABLE = timedelta(days=1)
#: A hunt may be mended, or what it read may be there again.
A_HUNT = timedelta(hours=1)
#: The name under which it is remembered that the tenant takes no query of many hunts.
BATCHES = "batches"


class Refusals:
    """What the tenant refuses, by names that callers choose: letters, digits, `-` and `_`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, now: datetime) -> Mapping[str, Refusal]:
        """Return what is refused at *now*, in one listing; what counts no more is deleted."""
        found: dict[str, Refusal] = {}
        for key in await self._store.keys(_FOLDER):
            milliseconds, _, what = key.removeprefix(_FOLDER).partition(".")
            until = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
            if until > now:
                found[what] = Refusal(until, key)
            else:
                await self._store.delete(key)
        return found

    async def words(self, refusal: Refusal) -> str:
        """Return what Graph said."""
        return (await self._store.get(refusal.key) or b"").decode()

    async def remember(self, what: str, words: str, until: datetime) -> None:
        """Remember until then that *what* is refused, in these *words*."""
        await self._store.create(
            f"{_FOLDER}{int(until.timestamp() * 1000):015d}.{what}", words.encode("utf-8", "backslashreplace")
        )


class Refusal(Struct, frozen=True):
    """Until when something counts as refused (UTC), and the object that says so."""

    until: datetime
    key: str
