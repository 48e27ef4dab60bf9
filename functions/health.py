"""GET /api/health: alive, and with which hunts; GET /api/selftest: what is missing, and how to mend it."""

from __future__ import annotations

import azure.functions as func

from functions import app
from functions.responses import answered, json

blueprint = func.Blueprint()


@blueprint.function_name("GetHealth")
@blueprint.route("health", methods=["GET"])
@answered
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Healthy, or degraded where a hunt file cannot be used."""
    catalog = app.hunts()
    return json(
        {
            "status": "degraded" if catalog.broken else "healthy",
            "hunts": [hunt.name for hunt in catalog.hunts],
            "broken": [str(error) for error in catalog.broken],
            "comments": app.read_settings().comments,
        }
    )


@blueprint.function_name("RunSelftest")
@blueprint.route("selftest", methods=["GET"])
@answered
async def run_selftest(req: func.HttpRequest) -> func.HttpResponse:
    """
    Try everything the app needs.

    200 also where a need is not met: it is for people, who read `met`. An error would have a probe replace an
    instance that works, and another would lack the same.
    """
    from shared.selftest.needs import check
    from shared.state import queue

    attempt = queue.trial(app.read_settings())
    return json(await check(app.impatient_tools(), app.credential(), attempt, reached=req.url))
