"""The timer that starts runs for incidents opened or updated since the last look."""

from __future__ import annotations

import logging

import azure.functions as func

from functions import app
from shared.errors import Throttled, TimedOut, Unavailable
from shared.watch import look

blueprint = func.Blueprint()
log = logging.getLogger("outrider")


@blueprint.function_name("WatchIncidents")
@blueprint.timer_trigger("timer", app.read_settings().watch_schedule)
async def watch_incidents(timer: func.TimerRequest) -> None:  # noqa: ARG001  (bound by name)
    """Look for incidents once; if Graph does not answer now, the next look covers the same time."""
    try:
        looked = await look(app.tools())
    except (Throttled, TimedOut, Unavailable) as error:
        log.warning("watch: not looked, Graph does not answer now: %s %s", type(error).__name__, error.status)
        return
    log.info(
        "watch: %d changed, %d started, %d had nothing new, %d wait, %d are unreadable",
        looked.changed,
        looked.started,
        looked.settled,
        looked.waiting,
        looked.unreadable,
    )
