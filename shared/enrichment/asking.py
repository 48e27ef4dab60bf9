"""Send one call for one or many hunts, and record what each of them found."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from shared import telemetry
from shared.catalog.prevalence import counted_of
from shared.catalog.query import Call, batch_call, one_call
from shared.errors import GraphError, PermissionDenied, Throttled, Unavailable
from shared.incident import waiting
from shared.kql.prevalence import prevalence_query
from shared.model.finding import Found, Prevalence
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Window
from shared.outcomes.prevalence import counts_of, read_counts
from shared.outcomes.reading import column_texts, decode_answer
from shared.outcomes.summarizing import summarize
from shared.outcomes.unpacking import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.catalog.query import Asked
    from shared.model.record import Plan, Work
    from shared.outcomes.answer import Answer
    from shared.tools import Tools

_T = TypeVar("_T")
log = logging.getLogger("outrider")

#: Bytes. A larger answer is summarised in a thread, one at a time: that takes about a second and 200 MB.
_LARGE = 2_000_000


class Asking:
    """
    The calls of one run, whose answers are recorded as they come.

    `found` has what was recorded, by hunt, and `card` the answer with the device card's rows. `batched` says whether hunts share calls, and `proven` whether Graph has answered
    one that they shared.
    """

    def __init__(self, tools: Tools, work: Work, plan: Plan, *, batched: bool) -> None:
        self.tools = tools
        self.batched = batched
        self.proven = False
        self.found: dict[str, Found] = {}
        self.card: bytes | None = None
        self._work = work
        self._plan = plan
        #: Over which time devices of the fleet are counted: the same for all hunts, however they are asked.
        self._span = Window(
            min(hunt.window.start for hunt in plan.hunts), max(hunt.window.end for hunt in plan.hunts)
        )
        #: How long the latest call took that a hunt was refused with.
        self._seconds: dict[str, float] = {}
        #: Why nothing is counted over the fleet any more; '' while it is.
        self._uncounted = ""

    async def ask(self, asked: Sequence[Asked], take: int) -> GraphError | None:
        """
        Send one call for *asked*, at most *take* rows each; record the answers, or return why Graph gave none.

        Raises Waiting where Graph may answer the same call later; where the run has waited for too long, the hunts
        are recorded as failed instead.
        """
        started = time.monotonic()
        alone = not self.batched
        names = [each.hunt.name for each in asked]
        with self.tools.telemetry.call(names) as span:
            try:
                if alone:
                    raw, found = await self._one(asked[0], take, started)
                else:
                    raw, found = await self._many(asked, take, started)
            except (PermissionDenied, Throttled, Unavailable) as error:
                telemetry.failed(span, type(error).__name__)
                self._note(error, names)
                if not (reason := waiting.why_given_up(self.tools, error)):
                    raise waiting.wait_for(error) from error
                await self.fail(names, reason, answered=False)
                return None
            except GraphError as error:
                telemetry.failed(span, type(error).__name__)
                self._note(error, names)
                self.tools.troubles.answered(self.tools.now())
                self._seconds |= dict.fromkeys(names, round(time.monotonic() - started, 3))
                # What is counted over the fleet is the first to be left out where there is trouble.
                self._uncounted = "Graph refused or stopped the call that was to count it"
                return error
            self.proven |= not alone
            span.set_attribute("outrider.rows", sum(each.rows for each in found))
        now = self.tools.now()
        self.tools.troubles.answered(now)
        await self._keep([replace(each, at=now) for each in found], raw)
        return None

    async def fail(
        self, names: Sequence[str], reason: str, *, answered: bool = True, lacks: str = ""
    ) -> None:
        """Record that hunts have no answer, for *reason*; *lacks* is the table that the tenant has not."""
        at = self.tools.now() if answered else None
        found = [
            Found(name, failure=reason, at=at, lacks=lacks, seconds=self._seconds.get(name, 0.0))
            for name in names
        ]
        await self._keep(found, b"")

    async def lack(self, names: Sequence[str], table: str) -> None:
        """Record that hunts have no answer, since the tenant has no such *table*."""
        reason = f"this tenant has no table {table}: no licence or connector of it brings that"
        await self.fail(names, reason, lacks=table)

    async def _many(self, asked: Sequence[Asked], take: int, started: float) -> tuple[bytes, list[Found]]:
        """Send one call for hunts that share it; return its answer, and what each found."""
        names = [each.hunt.name for each in asked]
        call = batch_call(asked, take, self._span, counting=not self._uncounted)
        raw = await self._send(call, names[0])
        seconds = round(time.monotonic() - started, 3)

        def read() -> list[Found]:
            batch = unpack(raw, names)
            found = []
            for each in asked:
                prevalence = counts_of(each.hunt, batch)
                if prevalence and self._uncounted:
                    prevalence = Prevalence(prevalence.column, uncounted=self._uncounted)
                try:
                    answer = batch.answer_of(each.hunt.name)
                except GraphError as error:
                    found.append(Found(each.hunt.name, failure=waiting.why_final(error), seconds=seconds))
                else:
                    found.append(self._summary(each, answer, call.take, seconds, prevalence))
            return found

        return raw, await self._read(raw, read)

    async def _one(self, asked: Asked, take: int, started: float) -> tuple[bytes, list[Found]]:
        """Send a hunt as it stands; return its answer, and what it found."""
        call = one_call(asked, take)
        raw = await self._send(call, asked.hunt.name)
        seconds = round(time.monotonic() - started, 3)
        answer = await self._read(raw, partial(decode_answer, raw))
        prevalence = await self._count(asked, answer) if asked.hunt.prevalence else None
        read = partial(self._summary, asked, answer, call.take, seconds, prevalence)
        return raw, [await self._read(raw, read)]

    async def _count(self, asked: Asked, answer: Answer) -> Prevalence:
        """Count over the fleet the values that the rows of a hunt have, in a call of its own."""
        column, counted = asked.hunt.prevalence, counted_of(asked.hunt, asked.window)
        values = column_texts(answer, column)
        if not counted or not values or self._uncounted:
            return Prevalence(column, uncounted=self._uncounted)
        call = Call(prevalence_query(counted, values), self._span.timespan, 0)
        try:
            return read_counts(await self._send(call, f"{asked.hunt.name} counts"), column)
        except GraphError as error:
            self._note(error, [asked.hunt.name])
            return Prevalence(column, uncounted=waiting.why_final(error) or error.message)

    async def _send(self, call: Call, name: str) -> bytes:
        # A late look leaves the quota to fresh incidents, and has no place among them.
        late = self._work.source == "late"
        return await self.tools.graph.run_hunting_query(
            call.query, call.timespan, yielding=late, name="" if late else f"{self._work.run_id} {name}"
        )

    async def _read(self, raw: bytes, read: Callable[[], _T]) -> _T:
        """Call *read*; where the answer is large, in a thread, so that others go on meanwhile."""
        if len(raw) <= _LARGE:
            return read()
        async with self.tools.large_answers:
            return await asyncio.to_thread(read)

    def _summary(
        self, asked: Asked, answer: Answer, take: int, seconds: float, prevalence: Prevalence | None
    ) -> Found:
        return summarize(
            asked.hunt,
            answer,
            max_rows=take - 1,
            seconds=seconds,
            indicators=self._plan.of_incident.indicators,
            prevalence=prevalence,
        )

    async def _keep(self, found: Sequence[Found], raw: bytes) -> None:
        for each in found:
            log.info("hunt %s: %d rows in %.1f s", each.hunt, each.rows, each.seconds)
        recorded = await self.tools.runs.record(self._work.run_id, found, raw)
        self.found |= {each.hunt: each for each in recorded}
        if raw and any(each.hunt == DEVICE_CARD for each in found) and tuple(found) == recorded:
            self.card = raw

    @staticmethod
    def _note(error: GraphError, names: list[str]) -> None:
        hunts = names[0] if len(names) == 1 else f"{len(names)} hunts"
        log.warning("hunt %s: %s %s %s", hunts, type(error).__name__, error.status, error.request_id)
