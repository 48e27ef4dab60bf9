"""
What is recorded of a sweep while it runs: how every query ended, each part's rows, and one summary per hunt.

    runs/{id}/fleet                    how many devices there are, by kind, and rows of hunts
    runs/{id}/tried/counts             that the call for all counts was sent
    runs/{id}/tried/rows/{hunt}        for which hunts one call was sent, by the name of the first
    runs/{id}/parts/{hunt}/{part}      how the query for a part ended; `{part}.counts`: its counting query
    runs/{id}/rows/{hunt}/{part}       a part's rows as Graph sent them, compressed by gzip
    runs/{id}/sweep/{hunt}             the hunt's summary
    runs/{id}/said/{incident}          what is posted on an open incident

Which devices incidents have is remembered across sweeps (`incidents`). Each object is created once and kept, except for rows, which another worker may write again. Rows are written
before the record that says they are there.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from shared.errors import OutriderError

from .fleet import Fleet
from .parts import ROW_LIMIT, Asked, Part
from .summary import SweepSummary
from .survey import survey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.record import Run
    from shared.state.objects import Store

    from .parts import Ask

_Kept = TypeVar("_Kept", bound=Struct)


class SweepRecord:
    """What is recorded of one sweep; an answer of *most* rows or more counts as cut off."""

    def __init__(self, store: Store, run_id: str, most: int = ROW_LIMIT) -> None:
        self.most = most
        self._store = store
        self._base = f"runs/{run_id}"

    async def asked(self, hunt: str) -> dict[str, Asked]:
        """Read how a hunt's queries ended, by the name of the query."""
        keys = await self._store.keys(f"{self._base}/parts/{hunt}/")
        values = await self._store.get_all(keys)
        names = (key.rsplit("/", 1)[-1] for key in keys)
        return {name: msgspec.json.decode(raw, type=Asked) for name, raw in zip(names, values, strict=True)}

    async def end(self, hunt: str, ask: Ask, asked: Asked, raw: bytes) -> Asked:
        """Record how a query ended, with its rows; return that, or what another worker recorded first."""
        if asked.end == "whole" and not ask.counting:
            # Rows repeat themselves: 50 MB become about 5, and storage costs money and time by the byte.
            packed = await asyncio.to_thread(gzip.compress, raw, 1)
            await self._store.put(f"{self._base}/rows/{hunt}/{ask.part.name}", packed)
        return await self._once(f"parts/{hunt}/{ask.name}", asked)

    async def whole(self, hunt: str) -> list[Part]:
        """Return the parts of a hunt that were answered in full, in their order."""
        return [part for part, _ in survey(await self.asked(hunt), self.most).whole]

    async def rows(self, hunt: str, part: Part) -> bytes:
        """Read Graph's answer for a part, as it was sent. Raises OutriderError if it is gone or damaged."""
        packed = await self._store.get(f"{self._base}/rows/{hunt}/{part.name}")
        if packed is None:
            raise OutriderError(f"the rows of {hunt}, devices {part.name}, are no longer there")
        try:
            if rows := await asyncio.to_thread(gzip.decompress, packed):
                return rows
            raise EOFError
        except (OSError, EOFError, zlib.error) as error:
            raise OutriderError(f"the rows of {hunt}, devices {part.name}, cannot be read") from error

    async def summary(self, hunt: str) -> SweepSummary | None:
        """Read a hunt's summary; None if there is none yet."""
        raw = await self._store.get(f"{self._base}/sweep/{hunt}")
        return msgspec.json.decode(raw, type=SweepSummary) if raw else None

    async def keep_summary(self, summary: SweepSummary) -> SweepSummary:
        """Store a hunt's summary; return it, or the one that is already stored."""
        return await self._once(f"sweep/{summary.hunt}", summary)

    async def announcement(self, incident_id: str) -> bytes | None:
        """Read what this sweep posts on an incident; None if that is not stored yet."""
        return await self._store.get(f"{self._base}/said/{incident_id}")

    async def keep_announcement(self, incident_id: str, said: bytes) -> bytes:
        """Store what this sweep posts on an incident; return it, or what is already stored."""
        if await self._store.create(f"{self._base}/said/{incident_id}", said):
            return said
        return await self.announcement(incident_id) or said

    async def fleet(self) -> Fleet | None:
        """Read how many devices there are; None if that is not recorded yet."""
        raw = await self._store.get(f"{self._base}/fleet")
        return msgspec.json.decode(raw, type=Fleet) if raw else None

    async def keep_fleet(self, fleet: Fleet) -> Fleet:
        """Store how many devices there are; return that, or what is already stored."""
        return await self._once("fleet", fleet)

    async def try_once(self, call: str, hunts: Sequence[str]) -> bool:
        """
        Record that a *call* for several hunts is about to be sent; return False if a worker has recorded that before.

        Its name is `counts`, or begins with `rows/`.
        """
        return await self._store.create(f"{self._base}/tried/{call}", msgspec.json.encode(hunts))

    async def try_again(self, call: str) -> None:
        """Forget that a *call* for several hunts was tried, since Graph has not begun with it."""
        await self._store.delete(f"{self._base}/tried/{call}")

    async def tried(self) -> set[str]:
        """Read for the rows of which hunts a call for several was sent."""
        values = await self._store.get_all(await self._store.keys(f"{self._base}/tried/rows/"))
        return {name for raw in values for name in msgspec.json.decode(raw, type=list[str])}

    async def _once(self, name: str, value: _Kept) -> _Kept:
        if await self._store.create(f"{self._base}/{name}", msgspec.json.encode(value)):
            return value
        raw = await self._store.get(f"{self._base}/{name}")
        return msgspec.json.decode(raw, type=type(value)) if raw else value


async def progress(store: Store, run: Run, most: int = ROW_LIMIT) -> dict[str, Any]:
    """
    Return how far a sweep is, for `GET /api/runs/{runId}`: parts done and parts planned, in all and per hunt.

    Lost parts count as done. More parts may be planned while the sweep runs, if Graph cannot answer for one.
    """
    record = SweepRecord(store, run.work.run_id, most)
    hunts = []
    for planned in run.plan.hunts if run.plan else ():
        found = survey(await record.asked(planned.name), record.most)
        done = len(found.whole) + len(found.lost)
        hunts.append(
            {
                "hunt": planned.name,
                "partsDone": done,
                "partsPlanned": done + len(found.pending),
                "rows": sum(rows for _, rows in found.whole),
            }
        )
    return {
        "partsDone": sum(hunt["partsDone"] for hunt in hunts),
        "partsPlanned": sum(hunt["partsPlanned"] for hunt in hunts),
        "hunts": hunts,
    }
