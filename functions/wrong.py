"""
GET /api/health and GET /api/selftest of an app whose settings are wrong: what is wrong, and what it should be.

They are all that is served then. An app that cannot be imported would have no function at all: the Functions host
says that it is running, and answers every call with an empty 404.
"""

from __future__ import annotations

import logging

import azure.functions as func

from functions import app
from functions.responses import answered
from shared.errors import SettingsError
from shared.model.role import READ, SWEEP

blueprint = func.Blueprint()
log = logging.getLogger("outrider")

# Read once, as everything else is. This module is imported where something is wrong, so that it is logged once.
_PROBLEMS = app.wrong_settings()
log.error(
    "wrong settings, so nothing but GET /api/health and GET /api/selftest is served: %s", "; ".join(_PROBLEMS)
)


@blueprint.function_name("GetHealth")
@blueprint.route("health", methods=["GET"])
@answered(READ)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  (bound by name)
    """Answer 503 with every wrong setting, and what it should be."""
    raise SettingsError(_PROBLEMS)


@blueprint.function_name("RunSelftest")
@blueprint.route("selftest", methods=["GET"])
@answered(SWEEP, effects=True)
async def run_selftest(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  (bound by name)
    """Answer 503 with every wrong setting, and what it should be: without them, nothing can be tried."""
    raise SettingsError(_PROBLEMS)
