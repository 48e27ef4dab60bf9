"""Start the sweep of a timer, and see to it that its message is sent, even if the queue refuses it at first."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.errors import NotSent
from shared.model.record import Work
from shared.schedule import parse
from shared.state.runs import run_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.tools import Tools

log = logging.getLogger("outrider")

#: The sweep whose message is still to be sent; empty where there is none.
_OWED = "sweeps/owed"
#: Seconds between attempts. With the time that an attempt takes, they end before functionTimeout (15 minutes).
_PAUSES = (5, 15, 60, 120)
#: A younger sweep is left to its timer, which may be about to send it.
_TIMER_TRIES = timedelta(minutes=1)
_TIME_TO_SEND = 30.0
#: The Functions host fires a timer up to some milliseconds before its time.
_EARLY = timedelta(seconds=1)


async def start_sweep(tools: Tools, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """
    Start the sweep of the latest instant of SWEEP_SCHEDULE; a second call for that instant starts no other.

    A timer that is fired late, past due, is for the instant that it missed. One that fails is not fired again
    before its next time, a day later: so five attempts are made to send the run, in at most 10 minutes, and each
    look of the watch makes another one (`send_again`). Raises NotSent if all five fail.
    """
    now = tools.now()
    due = parse(tools.settings.sweep_schedule).latest(now + _EARLY)
    # On the hour it is the name that versions before gave to the whole hour: an upgrade or a rollback in between
    # starts no second sweep of a day.
    name = f"sweep:{due:%Y-%m-%dT%H:%M:%S}".removesuffix(":00:00")
    work = Work(run_id(name), now, "", queue="sweeps", kind="sweep", source="timer")
    await tools.store.put(_OWED, msgspec.json.encode(work))
    for pause in _PAUSES:
        try:
            await _send_owed(tools)
        except NotSent as error:
            log.error("%s", error)  # noqa: TRY400  (the message has the type; a traceback adds nothing)
            await sleep(pause)
        else:
            return
    await _send_owed(tools)


async def send_again(tools: Tools) -> None:
    """Send a sweep that its timer could not send, if there is one, in at most 30 seconds; the watch does this."""
    try:
        async with asyncio.timeout(_TIME_TO_SEND):
            await _send_owed(tools, older=_TIMER_TRIES)
    except (NotSent, TimeoutError):
        log.warning("a sweep could not be sent; the watch tries again")


async def _send_owed(tools: Tools, *, older: timedelta = timedelta(0)) -> None:
    """Send the timer's latest sweep, once, if it was requested longer ago than *older*."""
    raw = await tools.store.get(_OWED)
    if not raw:
        return
    work = msgspec.json.decode(raw, type=Work)
    if tools.now() - work.requested >= older:
        await tools.runs.start(work, chosen_key=False)
        await tools.store.put(_OWED, b"")
