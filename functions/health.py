"""GET /api/health: alive, and with which hunts."""

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
