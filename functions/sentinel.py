"""POST /api/sentinel: start an enrichment of the incident that a Microsoft Sentinel playbook sends."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import accepted, answered
from shared.entities.request import body_digest, idempotency_key
from shared.model.record import Work
from shared.sentinel.body import parse
from shared.state import runs

blueprint = func.Blueprint()


@blueprint.function_name("EnrichSentinelIncident")
@blueprint.route("sentinel", methods=["POST"])
@answered
async def enrich_sentinel_incident(req: func.HttpRequest) -> func.HttpResponse:
    """Store the run, queue it, and answer 202 with the address of its status."""
    body = req.get_body()
    incident = parse(body)
    digest = body_digest(body)
    key, explicit = idempotency_key(req.headers, digest)
    work = Work.for_sentinel(runs.run_id(key), datetime.now(UTC), digest, incident)
    return accepted(req, await app.tools().runs.start(work, chosen_key=explicit))
