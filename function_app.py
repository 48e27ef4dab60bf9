"""The function app that the host loads: it registers the blueprints of `functions/`, or with a wrong setting one that says so."""

import azure.functions as func

from functions.app import auth_level, started, wrong_settings

started()
app = func.FunctionApp(http_auth_level=auth_level())

if wrong_settings():
    from functions import wrong

    app.register_functions(wrong.blueprint)
else:
    from functions import enrich, health, hunts, runs, sentinel, sweep, watch, worker

    for module in (enrich, sentinel, runs, hunts, health, watch, sweep, worker):
        app.register_functions(module.blueprint)
