"""GET /api/hunts: the hunts that the app has."""

from __future__ import annotations

import azure.functions as func

from functions import app
from functions.responses import answered, json
from shared.model.role import READ

blueprint = func.Blueprint()


@blueprint.function_name("ListHunts")
@blueprint.route("hunts", methods=["GET"])
@answered(READ)
async def list_hunts(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  (bound by name)
    """Answer with every hunt that can be run, and with the files that cannot be used."""
    catalog = app.hunts()
    return json(
        {
            "hunts": [
                {
                    "hunt": hunt.name,
                    "title": hunt.title,
                    "id": hunt.id,
                    "version": hunt.version,
                    "entity": hunt.entity,
                    "kinds": hunt.kinds,
                    "appliesTo": hunt.applies_to,
                    "lookback": hunt.lookback,
                    "maxWindow": hunt.max_window,
                    "means": hunt.means,
                    "tactics": hunt.tactics,
                    "techniques": hunt.techniques,
                    "shipped": hunt.shipped,
                }
                for hunt in catalog.hunts
            ],
            "broken": [{"file": error.file.name, "problems": error.problems} for error in catalog.broken],
        }
    )
