"""The timer that starts runs for incidents opened or updated since the last look."""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.functions as func

from functions import app
from shared.errors import Throttled, TimedOut, Unavailable
from shared.schedule import parse
from shared.selftest.watching import INTERVALS
from shared.watch import look

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
    # The alert `silent-watch` (infra/modules/alerts.bicep) reads the seconds from the latest of these lines.
    third = parse(tools.settings.watch_schedule).ahead(now + _EARLY, INTERVALS)
    log.info(
        "watch: %d changed, %d started, %d had nothing new, %d wait, %d are unreadable; three intervals are %d s",
        looked.changed,
        looked.started,
        looked.settled,
        looked.waiting,
        looked.unreadable,
        (third - now).total_seconds(),
    )
