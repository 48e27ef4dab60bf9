"""
How often a run came back, kept in the names of empty objects below the run: `returns/{milliseconds}.{what}`.

`back`: it came back, and sent itself again, to be alone. `sent`: it had been cut off, and was sent again. `alone`: it
started alone in its process. `ended`: that start ended; `failed.{exception}`: it raised.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from shared.model.record import Returns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .objects import Store

Mark = Literal["back", "alone", "ended", "failed"]
#: A run that was cut off is sent again at most once in this time.
AGAIN = timedelta(seconds=45)


def read_returns(keys: Iterable[str]) -> Returns:
    """Return what the names of a run's objects say; those that are none of `returns/` are left out."""
    names = sorted(key.rsplit("/", 1)[-1] for key in keys if "/returns/" in key)
    marks = [name.split(".")[1] for name in names]
    counted = Counter(marks)
    return Returns(
        suspect=bool(marks) and marks[-1] != "ended",
        deaths=counted["alone"] - counted["ended"],
        failures=tuple(name.split(".")[2] for name in names if ".failed." in name),
        last=_time(names[-1]) if names else None,
    )


async def mark(store: Store, run_id: str, what: Mark, now: datetime, detail: str = "") -> None:
    """Record that a run came back, or how its start alone went; *detail* is the name of an exception."""
    end = f"{what}.{detail}" if detail else what
    milliseconds = int(now.timestamp() * 1000)
    while not await store.create(_key(run_id, milliseconds, end), b""):
        milliseconds += 1


async def first_to_send(store: Store, run_id: str, now: datetime) -> bool:
    """Record that a run which was cut off is sent again; return False if it was within these 45 seconds."""
    span = int(now.timestamp() // AGAIN.total_seconds() * AGAIN.total_seconds() * 1000)
    return await store.create(_key(run_id, span, "sent"), b"")


def _key(run_id: str, milliseconds: int, end: str) -> str:
    return f"runs/{run_id}/returns/{milliseconds:015d}.{end}"


def _time(name: str) -> datetime:
    return datetime.fromtimestamp(int(name.split(".", maxsplit=1)[0]) / 1000, UTC)
