"""
Store run records and findings, and send run ids to the queues.

A run is a handful of objects, each created once: `request`, `plan`, `answers/{key}` (`answers`), `waits/{when}`,
`done`, and `returns/{when}.{what}` where it came back. A worker does whatever is not there yet, so a message that
comes twice or late changes nothing but time. Only `alive` may be overwritten.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.errors import KeyReused, NotSent, RunNotFound
from shared.model.record import Plan, Run, Wait, Work

from . import answers, ends
from .opened import OpenRuns
from .returns import first_to_send, mark, read_returns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.model.finding import Found
    from shared.model.record import Done

    from .objects import Store
    from .returns import Mark

RUN_ID = re.compile(r"[0-9a-f]{32}")
QUEUES = ("urgent", "runs", "sweeps")
#: The watch remembers the runs that it starts itself; a late look is listed when it is worked on.
_REMEMBERED = ("watch", "late")
# Azure deletes a message after 7 days by default; a longer delay would lose the run.
_LONGEST_DELAY = timedelta(days=6)


def run_id(key: str) -> str:
    """Return a run id, 32 hex digits: always the same for an idempotency *key*, random if it is ''."""
    return (uuid.uuid5(uuid.NAMESPACE_URL, f"outrider:{key}") if key else uuid.uuid4()).hex


class Runs(OpenRuns):
    """The runs in a store, and the queues to which their ids are sent."""

    def __init__(self, store: Store, send: Callable[[str, str, int], None], *, days: int = 30) -> None:
        """Send with *send* (queue, run id, delay in seconds), which may block; serve runs for *days* days."""
        super().__init__(store)
        self._send = send
        self._days = timedelta(days=days)

    def ids(self, key: str, now: datetime) -> tuple[str, str]:
        """
        Return the run ids of an idempotency *key*: that of a run that starts *now*, and that of one before it.

        A key's id changes once in FINDINGS_DAYS, so the one before may still be served, and none older is. It
        is never given again, since storage deletes an expired run's objects one by one. Without a key the
        first id is random and the second ''.
        """
        if not key:
            return run_id(""), ""
        age = int(now.timestamp() // self._days.total_seconds())
        return run_id(f"{key}:{age}"), run_id(f"{key}:{age - 1}")

    async def start(
        self, work: Work, *, chosen_key: bool, before: str = "", delay: timedelta = timedelta(0)
    ) -> Work:
        """
        Store a run and send it, to be worked on after *delay*; return the work as stored.

        For a run that exists, or one with the id *before* that has not expired, nothing is stored: it is sent
        again unless it has ended. Raises KeyReused if *chosen_key* and its body is another one, RunNotFound
        if it has expired, and NotSent if the queue refuses the message.
        """
        stored = await self._served(before) if before else None
        if stored is None and not await self._store.create(
            f"runs/{work.run_id}/request", msgspec.json.encode(work)
        ):
            stored = await self.work(work.run_id)
        if stored:
            if chosen_key and stored.body_digest != work.body_digest:
                raise KeyReused("this Idempotency-Key was used with another body: use a new key for new work")
            if await self.done(stored.run_id):
                return stored
            work = stored
        if work.source not in _REMEMBERED:
            await self.open(work.run_id, work.group)
        await self.send(work, delay)
        return work

    async def exists(self, *run_ids: str) -> bool:
        """Tell whether one of these runs, '' for none, was stored and has not expired."""
        return any([await self._served(name) for name in run_ids if name])

    async def _served(self, run_id: str) -> Work | None:
        with contextlib.suppress(RunNotFound):
            return await self.work(run_id)
        return None

    async def send(self, work: Work, delay: timedelta = timedelta(0)) -> None:
        """Send a run to its queue, to be worked on after *delay* (6 days at most). Raises NotSent."""
        seconds = max(0, int(min(delay, _LONGEST_DELAY).total_seconds()))
        try:
            await asyncio.to_thread(self._send, work.queue, work.run_id, seconds)
        except Exception as error:
            raise NotSent(
                f"run {work.run_id} is stored but could not be sent: {type(error).__name__}"
            ) from error

    async def work(self, run_id: str) -> Work:
        """
        Read what a run is asked to do.

        Raises RunNotFound, also for a run requested more than FINDINGS_DAYS ago.
        """
        raw = await self._store.get(f"runs/{run_id}/request") if RUN_ID.fullmatch(run_id) else None
        if raw is None:
            raise RunNotFound(f"there is no run {run_id[:40]!r}")
        return self._unexpired(msgspec.json.decode(raw, type=Work))

    def _unexpired(self, work: Work) -> Work:
        """Return *work*. Raises RunNotFound if it was requested more than FINDINGS_DAYS ago."""
        if work.requested + self._days < datetime.now(UTC):
            raise RunNotFound(
                f"run {work.run_id} has expired: runs are kept for {self._days.days} days (FINDINGS_DAYS)"
            )
        return work

    def expires(self, work: Work) -> datetime:
        """Return the time from which a run is no longer served."""
        return work.requested + self._days

    async def read(self, run_id: str) -> Run:
        """
        Read what is stored of a run, except rows, and of one that is done except its waits. Raises RunNotFound.

        That is a listing and `done`, or else the request, the plan, the answers, the last wait and `alive`.
        """
        base = f"runs/{run_id}"
        listed = await self._store.dated(f"{base}/") if RUN_ID.fullmatch(run_id) else {}
        if f"{base}/done" in listed and (raw := await self._store.get(f"{base}/done")):
            self._unexpired((run := ends.read_run(raw, listed)).work)
            return run
        if f"{base}/request" not in listed:
            raise RunNotFound(f"there is no run {run_id[:40]!r}")
        waits = [key for key in listed if key.startswith(f"{base}/waits/")]
        work, plan, wait, alive, found = await asyncio.gather(
            self.work(run_id),
            self._listed(f"{base}/plan", listed),
            self._listed(waits[-1] if waits else "", listed),
            self._listed(f"{base}/alive", listed),
            answers.read(self._store, answers.among(run_id, listed)),
        )
        return Run(
            work,
            msgspec.json.decode(plan, type=Plan) if plan else None,
            {hunt: each for hunt, (each, _) in found.items()},
            msgspec.json.decode(wait, type=Wait) if wait else None,
            None,
            _wait_time(waits[0]) if waits else None,
            read_returns(listed),
            datetime.fromisoformat(alive.decode()) if alive else None,
        )

    async def _listed(self, key: str, listed: Mapping[str, datetime]) -> bytes | None:
        return await self._store.get(key) if key in listed else None

    async def store_plan(self, run_id: str, plan: Plan) -> Plan:
        """Store a run's plan, and return it; if another worker was first, return that one's plan."""
        if await self._store.create(f"runs/{run_id}/plan", msgspec.json.encode(plan)):
            return plan
        raw = await self._store.get(f"runs/{run_id}/plan")
        return msgspec.json.decode(raw, type=Plan) if raw else plan

    async def record(self, run_id: str, found: Sequence[Found], raw: bytes = b"") -> tuple[Found, ...]:
        """
        Store what one call answered, and return it; if another worker was first, return what that one stored.

        *found* are the summaries of all hunts that the call asked, and *raw* is Graph's answer, with the rows.
        """
        return await answers.keep(self._store, run_id, found, raw)

    async def agreed(self, run_id: str, found: Mapping[str, Found]) -> dict[str, Found]:
        """
        Return the summaries that count, hunt -> summary, where a worker has *found* these: its own, nearly always.

        Another worker may have asked some of its hunts in another company, and stored them first.
        """
        stored = await self._store.dated(answers.folder(run_id))
        if not answers.may_overlap(list(stored)):
            return dict(found)
        return {
            **found,
            **{hunt: each for hunt, (each, _) in (await answers.read(self._store, stored)).items()},
        }

    async def findings(self, run_id: str, hunt: str) -> bytes | None:
        """Read the answer that holds a hunt's rows, whole and as Graph sent it; None if there is none."""
        found = await answers.read(self._store, await self._store.dated(answers.folder(run_id)))
        raw = await self._store.get(found[hunt][1]) if hunt in found else None
        return raw.partition(b"\n")[2] or None if raw else None

    async def wait(self, run_id: str, wait: Wait, now: datetime) -> None:
        """Record that a run waits, and why."""
        await self._store.create(
            f"runs/{run_id}/waits/{int(now.timestamp() * 1000):015d}", msgspec.json.encode(wait)
        )

    async def live(self, run_id: str, now: datetime) -> None:
        """Record that a worker is at work on a run *now*."""
        await self._store.put(f"runs/{run_id}/alive", now.isoformat().encode())

    async def came_back(self, run_id: str, what: Mark, now: datetime, detail: str = "") -> None:
        """Record that a run came back, or how a start alone went (`returns`)."""
        await mark(self._store, run_id, what, now, detail)

    async def send_again(self, work: Work, now: datetime) -> bool:
        """
        Send a run that was cut off, unless somebody has within these 45 seconds; return whether it was sent.

        Raises NotSent.
        """
        if not await first_to_send(self._store, work.run_id, now):
            return False
        await self.send(work)
        return True

    async def finish(
        self, work: Work, done: Done, plan: Plan | None = None, found: Mapping[str, Found] | None = None
    ) -> bool:
        """
        Record how a run ended, unless that is recorded already; return whether it was recorded.

        With it are stored its *plan* and what its hunts *found*, by their names, as far as *done* does not have that.
        """
        first = await self._store.create(f"runs/{work.run_id}/done", ends.pack(work, done, plan, found or {}))
        if work.source != "watch":
            await self.close(work.run_id, work.group)
        return first


def _wait_time(key: str) -> datetime:
    """Return when a wait was recorded, which its name says."""
    return datetime.fromtimestamp(int(key.rsplit("/", 1)[-1]) / 1000, UTC)
