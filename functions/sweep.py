"""Start a sweep of the whole fleet: by a timer, or by POST /api/sweep."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import accepted, answered, start
from shared.catalog.select import select_for_sweep
from shared.entities.request import parse_sweep
from shared.model.record import Source, Work
from shared.state import runs

blueprint = func.Blueprint()

# Seconds until a caller should ask again: a sweep takes a minute at least.
_RETRY_AFTER = "30"


@blueprint.function_name("SweepFleet")
@blueprint.timer_trigger("timer", app.read_settings().sweep_schedule)
async def sweep_fleet(timer: func.TimerRequest) -> None:  # noqa: ARG001  (bound by name)
    """Start the sweep of this hour; a timer that fires twice within the hour starts only one."""
    now = datetime.now(UTC)
    await app.tools().runs.start(
        _work(runs.run_id(f"sweep:{now:%Y-%m-%dT%H}"), now, "timer"), chosen_key=False
    )


@blueprint.function_name("StartSweep")
@blueprint.route("sweep", methods=["POST"])
@answered
async def start_sweep(req: func.HttpRequest) -> func.HttpResponse:
    """Store the run, queue it, and answer 202 with the address of its status."""
    hunts = parse_sweep(req.get_body())
    select_for_sweep(app.tools().catalog, hunts)
    work = _work("", datetime.now(UTC), "api", hunts)
    return accepted(req, await start(req, work), _RETRY_AFTER)


def _work(run_id: str, now: datetime, source: Source, hunts: tuple[str, ...] = ()) -> Work:
    return Work(run_id, now, "", hunts=hunts, queue="sweeps", kind="sweep", source=source)
