"""GET /api/health: whether the app works and the watch looks, and the hunts; GET /api/selftest: what it lacks, and the remedy."""

from __future__ import annotations

import azure.functions as func

from functions import app
from functions.responses import answered, json
from shared.catalog.choosing import unmatched
from shared.model.role import READ, SWEEP, WHO_MAY
from shared.version import VERSION

blueprint = func.Blueprint()


@blueprint.function_name("GetHealth")
@blueprint.route("health", methods=["GET"])
@answered(READ)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  (bound by name)
    """
    Answer *healthy*, or *degraded* if a hunt file cannot be used or the watch is silent, with version and names of the hunts.

    The notices, for the authors of hunts and whoever sets HUNTS_AUTO, change nothing about that, nor does a watch that is off, or of which
    nothing is known.
    """
    catalog = app.hunts()
    watch = await app.watching()
    return json(
        {
            "status": "degraded" if catalog.broken or watch.status == "silent" else "healthy",
            "version": VERSION,
            "hunts": [hunt.name for hunt in catalog.hunts],
            "broken": [str(error) for error in catalog.broken],
            "notices": [*map(str, catalog.notices), *unmatched(catalog, app.policy())],
            "comments": app.read_settings().comments,
            "callers": WHO_MAY["entra" if app.platform_signs_in() else "key"],
            "watch": watch,
        }
    )


@blueprint.function_name("RunSelftest")
@blueprint.route("selftest", methods=["GET"])
@answered(SWEEP, effects=True)
async def run_selftest(req: func.HttpRequest) -> func.HttpResponse:
    """
    Check everything that the app needs, name what only a person can try, and answer 200 even if something is missing.

    The answer is for people, who read `met`. An error status would make a health probe replace an instance
    that works with another one that lacks the same.
    """
    from shared.selftest.needs import check
    from shared.state import queue

    attempt = queue.queue_probe(app.read_settings())
    tools = app.tools_without_retries()
    return json(await check(tools, app.credential(), attempt, app.watching(), reached=req.url))
