"""
Send runs again that were cut off: by a stop, a deployment, a lost instance.

Their messages stay locked for the rest of ten minutes (QueueListener in the Functions host's storage extension),
so the record says when a run counts as cut off. The watch looks at the runs that have not ended, and so does who
asks for a run's status. A run that is sent once too often does no harm: the claims keep its comment single.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.errors import NotSent, RunNotFound
from shared.state.returns import AGAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.record import Run
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: A run without a plan may merely queue: only when it is that old is it sent again.
_QUEUED = timedelta(minutes=10)
#: Runs that are read at the same time, and those that one look of the watch reads.
_AT_ONCE = 8
_MOST = 200


def cut_off_at(run: Run) -> datetime:
    """Return from when (UTC) a run that has not ended counts as cut off: 45 seconds after its last sign of life."""
    return run.written + (AGAIN if run.plan else _QUEUED)


async def send_if_cut_off(tools: Tools, run: Run) -> datetime | None:
    """
    Send a run again if it was cut off; return when to look at it again (UTC), None for one that has ended.

    A queue that refuses the message is logged; whoever looks next tries again.
    """
    if run.done:
        return None
    now = tools.now()
    if now < (later := cut_off_at(run)):
        # One without a plan may have one soon, and be cut off then.
        return later if run.plan else min(later, now + AGAIN)
    try:
        if await tools.runs.send_again(run.work, now):
            log.warning("run %s was cut off and is sent again", run.work.run_id)
    except NotSent as error:
        log.error("%s", error)  # noqa: TRY400  (the message has the type; a traceback adds nothing)
    return now + AGAIN


async def look_after(tools: Tools, known: Mapping[str, datetime], within: float) -> dict[str, datetime]:
    """
    Send the runs again that were cut off, in at most *within* seconds; return those that have not ended.

    *known* are runs, each with when to look at it; those listed in the store as not ended are added. The result is
    the same for the next look. What is wrong with one run costs the others nothing.
    """
    now = tools.now()
    left = dict(known)
    try:
        async with asyncio.timeout(within):
            listed = await tools.runs.listed()
            left = dict.fromkeys(listed, now) | left
            due = sorted((name for name, at in left.items() if at <= now), key=left.__getitem__)[:_MOST]
            for first in range(0, len(due), _AT_ONCE):
                batch = due[first : first + _AT_ONCE]
                for name, at in zip(
                    batch,
                    await asyncio.gather(*(_look(tools, n, listed.get(n, "")) for n in batch)),
                    strict=True,
                ):
                    if at:
                        left[name] = at
                    else:
                        del left[name]
    except TimeoutError:
        log.warning("watch: not all runs could be looked after in time; the next look goes on")
    return left


async def _look(tools: Tools, run_id: str, entry: str) -> datetime | None:
    """Look after one run; return when to do so again, None for one that has ended or expired, whose *entry* is deleted."""
    try:
        run = await tools.runs.read(run_id)
        if not run.done:
            return await send_if_cut_off(tools, run)
    except RunNotFound:
        pass
    except Exception as error:  # noqa: BLE001  (one odd record must not keep the others from going on)
        log.error("watch: run %s cannot be looked after: %s", run_id, type(error).__name__)  # noqa: TRY400  (its text may hold values)
        return tools.now() + AGAIN
    if entry:
        await tools.runs.forget(entry)
    return None
