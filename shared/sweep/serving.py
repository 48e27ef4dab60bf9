"""Read a sweep's rows for `GET /api/runs/{runId}/findings`: the new ones of all parts, or all of one part."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from shared.errors import InvalidRequest, OutriderError
from shared.outcomes.answer import Answer
from shared.outcomes.reading import decode_answer

from .parts import ROW_LIMIT
from .record import SweepRecord
from .rows import new_rows

if TYPE_CHECKING:
    from datetime import datetime

    from shared.catalog.load import Catalog
    from shared.model.record import Run
    from shared.state.objects import Store

_NAMED = 20


async def serve_rows(
    store: Store, run: Run, catalog: Catalog, hunt: str, part: str = "", most: int = ROW_LIMIT
) -> tuple[bytes, bool]:
    """
    Return a hunt's new rows, or all rows of *part*, as Graph's answer in JSON, and whether there are more.

    A sweep may have a million rows, and the answer is made in memory, so it has at most *most* rows; a part
    always has fewer. Rows that are no longer stored count as more. Raises InvalidRequest if the sweep has no rows
    of the hunt, or not yet; if there is no such part, or its rows are gone; or, without *part*, if the app no longer has the hunt.
    """
    record = SweepRecord(store, run.work.run_id, most)
    summary = await record.summary(hunt) if run.plan and hunt in {p.name for p in run.plan.hunts} else None
    if summary is None:
        swept = [outcome.hunt for outcome in run.done.outcomes] if run.done else []
        raise InvalidRequest(
            f"hunt={hunt[:60]!r}: this sweep has rows of {', '.join(swept)}"
            if swept
            else "this sweep is not done: its rows come with its end"
        )
    parts = {each.name: each for each in await record.whole(hunt)}
    if part:
        if part not in parts:
            names = ", ".join(list(parts)[:_NAMED]) or "none"
            raise InvalidRequest(f"part={part[:20]!r}: {hunt} was answered in these parts: {names}")
        try:
            return await record.rows(hunt, parts[part]), False
        except OutriderError as error:
            raise InvalidRequest(str(error)) from error
    known = catalog.by_name.get(hunt)
    if known is None or known.sweep is None:
        raise InvalidRequest(f"the app no longer has {hunt} to tell which of its rows are new: give a part")
    column, since = known.sweep.new, summary.new_since
    new = Answer([], [])
    for each in parts.values():
        # What is gone since is not told apart from what does not fit: there are more.
        with suppress(OutriderError):
            await asyncio.to_thread(_take, new, await record.rows(hunt, each), column, since, most)
    return msgspec.json.encode(new), len(new.results) < summary.new_rows


def _take(new: Answer, raw: bytes, column: str, since: datetime, most: int) -> None:
    """Add the new rows of the answer *raw* to *new*, up to *most* rows in all."""
    answer = decode_answer(raw)
    new.schema = new.schema or answer.schema
    for row, _ in islice(new_rows(answer, column, since), most - len(new.results)):
        # A copy, since the row is a slice, which would keep the whole answer in memory.
        new.results.append(row.copy())
