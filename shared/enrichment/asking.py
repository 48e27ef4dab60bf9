"""Send one call for one or many hunts, and record what each of them found."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared import telemetry
from shared.catalog.query import batch_call, one_call
from shared.errors import GraphError, PermissionDenied, Throttled, Unavailable
from shared.incident import waiting
from shared.model.finding import Found
from shared.model.hunt import DEVICE_CARD
from shared.outcomes.reading import decode_answer
from shared.outcomes.summarizing import summarize
from shared.outcomes.unpacking import unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.catalog.query import Asked, Call
    from shared.model.record import Plan, Work
    from shared.tools import Tools

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

    async def ask(self, asked: Sequence[Asked], take: int) -> GraphError | None:
        """
        Send one call for *asked*, at most *take* rows each; record the answers, or return why Graph gave none.

        Raises Waiting where Graph may answer the same call later; where the run has waited for too long, the hunts
        are recorded as failed instead.
        """
        started = time.monotonic()
        alone = not self.batched
        call = one_call(asked[0], take) if alone else batch_call(asked, take)
        names = [each.hunt.name for each in asked]
        with self.tools.telemetry.call(names) as span:
            try:
                raw = await self._send(call, names)
                seconds = round(time.monotonic() - started, 3)
                read = partial(self._summaries, asked, raw, call.take, seconds, alone=alone)
                if len(raw) > _LARGE:
                    async with self.tools.large_answers:
                        found = await asyncio.to_thread(read)
                else:
                    found = read()
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
        await self._keep([Found(name, failure=reason, at=at, lacks=lacks) for name in names], b"")

    async def lack(self, names: Sequence[str], table: str) -> None:
        """Record that hunts have no answer, since the tenant has no such *table*."""
        reason = f"this tenant has no table {table}: no licence or connector of it brings that"
        await self.fail(names, reason, lacks=table)

    async def _send(self, call: Call, names: list[str]) -> bytes:
        # A late look leaves the quota to fresh incidents, and has no place among them.
        late = self._work.source == "late"
        return await self.tools.graph.run_hunting_query(
            call.query, call.timespan, yielding=late, name="" if late else f"{self._work.run_id} {names[0]}"
        )

    def _summaries(
        self, asked: Sequence[Asked], raw: bytes, take: int, seconds: float, *, alone: bool
    ) -> list[Found]:
        names = [each.hunt.name for each in asked]
        answers = {names[0]: decode_answer(raw)} if alone else unpack(raw, names).answers
        found = []
        for each in asked:
            answer = answers.get(each.hunt.name)
            if answer is None:
                found.append(
                    Found(each.hunt.name, failure="the answer has no columns of it", seconds=seconds)
                )
                continue
            found.append(
                summarize(
                    each.hunt,
                    answer,
                    max_rows=take - 1,
                    seconds=seconds,
                    indicators=self._plan.of_incident.indicators,
                )
            )
        return found

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
