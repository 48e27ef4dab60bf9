"""The timer that starts runs for incidents opened or updated since the last look."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import azure.functions as func

from functions import app
from shared.errors import Throttled, TimedOut, Unavailable
from shared.schedule import parse
from shared.selftest.watching import INTERVALS
from shared.watch import LookCounts, look

blueprint = func.Blueprint()
log = logging.getLogger("outrider")

#: The host fires a timer up to some milliseconds before its time, which is not the next one then.
_EARLY = timedelta(seconds=1)


@blueprint.function_name("WatchIncidents")
@blueprint.timer_trigger("timer", app.read_settings().watch_schedule)
async def watch_incidents(timer: func.TimerRequest) -> None:  # noqa: ARG001  (bound by name)
    """Look for incidents once; if Graph does not answer now, the next look covers the same time."""
    tools = app.tools()
    now = tools.now()
    try:
        looked = await look(tools)
    except (Throttled, TimedOut, Unavailable) as error:
        log.warning("watch: not looked, Graph does not answer now: %s %s", type(error).__name__, error.status)
        return
    log.info("%s", report(looked, tools.settings.watch_schedule, now))


def report(looked: LookCounts, schedule: str, now: datetime) -> str:
    """
    Return the line that a look, begun at *now*, logs: what it counted, and how many seconds three intervals are.

    The alert `silent-watch` (infra/modules/alerts.bicep) reads these seconds from the latest line that has them. One
    of a look that could not list incidents in its time has none.
    """
    counts = (
        f"watch: {looked.changed} changed, {looked.started} started, {looked.settled} had nothing new, "
        f"{looked.waiting} wait, {looked.unreadable} are unreadable"
    )
    if looked.cut:
        return counts
    third = parse(schedule).ahead(now + _EARLY, INTERVALS)
    return f"{counts}; three intervals are {(third - now).total_seconds():.0f} s"
