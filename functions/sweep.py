"""Start a sweep of the whole fleet: by a timer, or by POST /api/sweep."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import accepted, answered, start
from shared.catalog.select import select_for_sweep
from shared.entities.request import parse_sweep
from shared.model.record import Work
from shared.model.role import SWEEP
from shared.sweep import starting

blueprint = func.Blueprint()

# Seconds until a caller should ask again: a sweep takes a minute at least.
_RETRY_AFTER = "30"


@blueprint.function_name("SweepFleet")
@blueprint.timer_trigger("timer", app.read_settings().sweep_schedule)
async def sweep_fleet(timer: func.TimerRequest) -> None:  # noqa: ARG001  (bound by name)
    """Start the sweep of the schedule's latest instant; a timer that fires twice for it starts only one."""
    await starting.start_sweep(app.tools())


@blueprint.function_name("StartSweep")
@blueprint.route("sweep", methods=["POST"])
@answered(SWEEP, effects=True)
async def start_sweep(req: func.HttpRequest) -> func.HttpResponse:
    """Store the run, queue it, and answer 202 with the address of its status."""
    hunts = parse_sweep(req.get_body())
    select_for_sweep(app.tools().catalog, hunts)
    work = Work("", datetime.now(UTC), "", hunts=hunts, queue="sweeps", kind="sweep")
    return accepted(req, await start(req, work), _RETRY_AFTER)
