"""
The right to post one comment: a claim, an object that is created once per incident and findings.

Claims on the same findings are numbered. The last one counts, unless it was given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.model.record import Claim

if TYPE_CHECKING:
    from .objects import Store


class Claims:
    """The claims on one comment: that of the findings *digest* on a Defender incident."""

    def __init__(self, store: Store, incident_id: str, digest: str) -> None:
        self._store = store
        self._prefix = f"comments/defender-{incident_id}/{digest}"

    async def make(self, mine: Claim, number: int = 1) -> bool:
        """Make claim *number*, which must be 1 or follow the last; return False if another was first."""
        return await self._store.create(self._key(number), msgspec.json.encode(mine))

    async def last(self) -> tuple[int, Claim | None]:
        """Return the number of the last claim (0 if there is none), and the claim; None if it was given back."""
        names = await self._store.keys(f"{self._prefix}/")
        # A claim's number has more than its three digits after the thousandth, which a day of throttling can bring.
        last = max((int(name.rsplit("/", 1)[-1].partition(".")[0]) for name in names), default=0)
        if not last or f"{self._key(last)}.back" in names:
            return last, None
        raw = await self._store.get(self._key(last))
        return last, msgspec.json.decode(raw, type=Claim) if raw else None

    async def give_back(self, number: int) -> None:
        """Give a claim back: no comment came of it, so whoever has the same findings may post them."""
        await self._store.create(f"{self._key(number)}.back", b"")

    def _key(self, number: int) -> str:
        return f"{self._prefix}/{number:03d}"
