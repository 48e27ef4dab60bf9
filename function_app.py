"""The function app that the host loads: it registers the blueprints of `functions/`."""

import azure.functions as func

from functions import enrich, health, hunts, runs, sentinel, sweep, watch, worker
from functions.app import auth_level

app = func.FunctionApp(http_auth_level=auth_level())

for module in (enrich, sentinel, runs, hunts, health, watch, sweep, worker):
    app.register_functions(module.blueprint)
