"""POST /api/enrich: start an enrichment."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import accepted, answered, start
from shared.catalog.select import check_named
from shared.entities.request import parse_enrich
from shared.model.entity import INDICATOR_KINDS
from shared.model.record import Work
from shared.model.role import USE

blueprint = func.Blueprint()


@blueprint.function_name("EnrichIncident")
@blueprint.route("enrich", methods=["POST"])
@answered(USE, effects=True)
async def enrich_incident(req: func.HttpRequest) -> func.HttpResponse:
    """Store the run, queue it, and answer 202 with the address of its status."""
    tools = app.tools()
    fields = parse_enrich(req.get_body(), tools.limits)
    chosen = fields["chosen"]
    named = bool(chosen or not fields["incident_id"])
    check_named(
        tools.catalog,
        fields["hunts"],
        devices=bool(chosen.devices) if named else True,
        kinds=chosen.kinds if named else INDICATOR_KINDS,
        most=tools.policy.most,
    )
    return accepted(req, await start(req, Work("", datetime.now(UTC), "", **fields)))
