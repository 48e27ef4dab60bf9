"""POST /api/sentinel: start an enrichment of the incident that a Microsoft Sentinel playbook sends."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import accepted, answered, start
from shared.model.record import Work
from shared.model.role import USE
from shared.sentinel.body import parse, refuse_unserved

blueprint = func.Blueprint()


@blueprint.function_name("EnrichSentinelIncident")
@blueprint.route("sentinel", methods=["POST"])
@answered(USE, effects=True)
async def enrich_sentinel_incident(req: func.HttpRequest) -> func.HttpResponse:
    """Store the run, queue it, and answer 202 with the address of its status."""
    incident = parse(req.get_body())
    refuse_unserved(incident, app.read_settings().workspaces)
    work = Work.for_sentinel("", datetime.now(UTC), "", incident)
    return accepted(req, await start(req, work))
