"""GET /api/hunts: the hunts that the app has, and which of them would run for some entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import azure.functions as func

from functions import app
from functions.responses import answered, json
from shared.catalog.choosing import About, choose_hunts
from shared.entities.question import parse_question
from shared.model.role import READ

if TYPE_CHECKING:
    from shared.catalog.choosing import Choice
    from shared.model.hunt import Hunt

blueprint = func.Blueprint()


@blueprint.function_name("ListHunts")
@blueprint.route("hunts", methods=["GET"])
@answered(READ)
async def list_hunts(req: func.HttpRequest) -> func.HttpResponse:
    """
    Answer with every hunt that can be run, and with the files that cannot be used.

    With `device`, `indicator` and `osPlatform` in the query, each hunt says whether it would run for them by itself,
    and why or why not.
    """
    catalog = app.hunts()
    chosen = parse_question(req.url, app.tools().limits)
    choices = choose_hunts(catalog, About(chosen), app.policy()) if chosen else ()
    told = {choice.hunt.name: _choice(choice) for choice in choices}
    return json(
        {
            "hunts": [{**_hunt(hunt), **told.get(hunt.name, {})} for hunt in catalog.hunts],
            "broken": [{"file": error.file.name, "problems": error.problems} for error in catalog.broken],
        }
    )


def _hunt(hunt: Hunt) -> dict[str, Any]:
    return {
        "hunt": hunt.name,
        "title": hunt.title,
        "id": hunt.id,
        "version": hunt.version,
        "entity": hunt.entity,
        "kinds": hunt.kinds,
        "appliesTo": hunt.applies_to,
        "role": hunt.role,
        "severity": hunt.severity,
        "lookback": hunt.lookback,
        "maxWindow": hunt.max_window,
        "means": hunt.means,
        "prevalence": hunt.prevalence,
        "tactics": hunt.tactics,
        "techniques": hunt.techniques,
        "shipped": hunt.shipped,
        "auto": hunt.auto,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {"runs": choice.runs, "why": choice.why, **({"rank": choice.rank} if choice.rank else {})}
