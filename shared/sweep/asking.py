"""Send the queries of one hunt of a sweep, one at a time, and record how each ended."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.errors import GivenUp, GraphError, ResultTooLarge, Throttled, TimedOut, Waiting
from shared.incident import waiting
from shared.kql.write import fleet_query
from shared.outcomes.answer import Answer
from shared.outcomes.cells import cell_text
from shared.outcomes.reading import decode_answer, decode_rows

from .parts import Asked
from .rows import why_unreadable
from .survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.hunt import Hunt
    from shared.model.outcome import Window
    from shared.tools import Tools

    from .parts import Ask, AskStatus
    from .record import SweepRecord

log = logging.getLogger("outrider")

# Seconds. A query sent later could run into the run's deadline, 10 minutes, since Graph takes up to 3.
_LAST_START = 400.0
#: Rows. An answer with more of them takes several megabytes.
_MANY = 5_000
#: KQL that counts a query's rows in each group of devices, by the first two digits of their ids.
COUNTS = "\n| summarize Rows = count() by Ids = tolower(substring(DeviceId, 0, 2))"


async def ask_all(tools: Tools, record: SweepRecord, hunt: Hunt, window: Window, started: float) -> None:
    """
    Send the queries of one hunt until none is left to send, and record how each ended.

    *started* is when this invocation began, in seconds of the monotonic clock. Raises Waiting if Graph may
    answer later, or after 400 seconds, since no query must run into the run's deadline. Raises GivenUp if
    Graph has not answered for too long.
    """
    asked = await record.asked(hunt.name)
    if asked:
        tools.troubles.answered(max(each.at for each in asked.values()))
    while pending := survey(asked, record.most).pending:
        leave_time(started)
        ask = pending[0]
        try:
            asked[ask.name] = await _ask(tools, record, hunt, window, ask)
            tools.troubles.answered(tools.now())
            if asked[ask.name].end == "cut" or (asked[ask.name].rows or 0) > _MANY:
                # Reference cycles in the libraries that fetched the answer keep it in memory, up to 50 MB: a
                # dozen would add up.
                gc.collect()
        except GraphError as error:
            raise wait_or_give_up(tools, error) from error


async def _ask(tools: Tools, record: SweepRecord, hunt: Hunt, window: Window, ask: Ask) -> Asked:
    """Send one query and record how it ended. Raises GraphError if it may be answered later."""
    sweep = hunt.sweep
    summarize = f"{sweep.summarize.rstrip()}{COUNTS if ask.counting else ''}" if sweep else ""
    started = time.monotonic()
    end: AskStatus = "whole"
    rows, counts, reason, raw = ask.expected, {}, "", b""
    try:
        query = fleet_query(
            hunt.query,
            end=window.end,
            summarize=summarize,
            applies_to=hunt.applies_to,
            prefixes=ask.part.prefixes,
        )
        raw = await tools.graph.run_hunting_query(query, window.timespan, yielding=True)
        answer = await asyncio.to_thread(decode_answer, raw)
        if ask.counting:
            counts = {cell_text(row.get("Ids")): number for row, number in counted(answer, "Rows")}
        elif sweep and (reason := await asyncio.to_thread(why_unreadable, answer, sweep.new)):
            end = "failed"
        elif len(answer.results) + answer.unreadable >= record.most:
            end, reason = "cut", f"it has {record.most:,} rows or more, of which Graph returns no more"
        else:
            rows = len(answer.results)
    except ResultTooLarge:
        end, reason = "cut", "its rows are more than the 100,000, or 50 MB, that Graph returns"
    except TimedOut:
        end, reason = "timedOut", "its query runs longer than the 3 minutes that Graph allows"
    except GraphError as error:
        if not (reason := waiting.why_final(error)):
            raise
        end = "failed"
    seconds = time.monotonic() - started
    log.info("sweep %s: part %s %s, %s rows in %.1f s", hunt.name, ask.name, end, rows, seconds)
    return await record.end(hunt.name, ask, Asked(end, tools.now(), rows, counts, reason), raw)


def leave_time(started: float) -> None:
    """Raise Waiting if a query that is sent now may run into the deadline of a run that began at *started*."""
    if time.monotonic() - started > _LAST_START:
        raise Waiting("the sweep is long and goes on where it was", timedelta(0))


def counted(answer: Answer, column: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each row with the count in *column*. Raises GraphError if a row, or its count, cannot be read."""
    for row in decode_rows(answer):
        number = row.get(column)
        # A bool is an int in Python, but not in what is recorded.
        if type(number) is not int or number < 0 or answer.unreadable:
            raise GraphError(f"a row of the answer, or its column {column}, cannot be read")
        yield row, number


def wait_or_give_up(tools: Tools, error: GraphError) -> Exception:
    """Return the exception to raise for *error*: Waiting, or GivenUp if the sweep has waited for too long."""
    if reason := waiting.why_given_up(tools, error):
        return GivenUp(reason)
    if isinstance(error, Throttled) and error.ours:
        delay = timedelta(seconds=(error.retry_after or 0) + 1)
        return Waiting("the sweep leaves room for incidents (HUNTS_PER_MINUTE)", delay)
    return waiting.wait_for(error)
