"""
The runs that have not ended: an empty object each, `open/{id}`, or `open/{group}/{id}` for those that are counted.

The watch finds there what was cut off (`resuming`). Who dies between a run's end and the deletion of its entry leaves
the entry; the watch deletes it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from shared.errors import TooManyRuns

from .ends import read_done

if TYPE_CHECKING:
    from shared.model.record import Done, Work

    from .objects import Store

#: So many runs of one caller may wait or be under way: what Graph's quota lets through in about 20 minutes.
MOST_OPEN = 200
#: Of these, so many are looked at before one too many is refused: they may have ended.
_LOOKED_AT = 8


class OpenRuns:
    """The list of the runs in a store that have not ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def done(self, run_id: str) -> Done | None:
        """Read how a run ended; None while it has not."""
        raw = await self._store.get(f"runs/{run_id}/done")
        return read_done(raw) if raw else None

    async def open(self, run_id: str, group: str = "") -> None:
        """List a run among those that have not ended, so that the watch finds it if it is cut off."""
        await self._store.create(_entry(run_id, group), b"")

    async def close(self, run_id: str, group: str = "") -> None:
        """Take a run out of those that have not ended."""
        await self.forget(_entry(run_id, group))

    async def listed(self, group: str = "") -> dict[str, str]:
        """Return the runs, of one *group* or of all, that are listed as not ended: id -> the name of its entry."""
        return {key.rsplit("/", 1)[-1]: key for key in await self._store.keys(_entry("", group))}

    async def forget(self, entry: str) -> None:
        """Delete an entry of `listed`."""
        await self._store.delete(entry)

    async def admit(self, work: Work) -> None:
        """
        Raise TooManyRuns if 200 runs of the caller of *work* have not ended.

        Calls that come at the same time do not see each other, so there may be a few more.
        """
        listed = await self.listed(work.group)
        if len(listed) < MOST_OPEN:
            return
        some = secrets.SystemRandom().sample(sorted(listed), _LOOKED_AT)
        for run, done in zip(some, await asyncio.gather(*map(self.done, some)), strict=True):
            if done:
                await self.forget(listed.pop(run))
        if len(listed) >= MOST_OPEN:
            raise TooManyRuns(
                f"{len(listed)} of your runs have not ended, and there may be {MOST_OPEN}: wait until some have, and "
                "send this again"
            )


def _entry(run_id: str, group: str) -> str:
    return f"open/{group}/{run_id}" if group else f"open/{run_id}"
