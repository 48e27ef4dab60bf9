"""GET /api/hunts: the hunts that the app has, and which of them would run for some entities; GET /api/hunts/layer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import azure.functions as func

from functions import app
from functions.responses import answered, json, page
from shared.catalog.choosing import About, choose_hunts
from shared.catalog.layer import navigator_layer
from shared.catalog.purpose import needs_of, tables_of
from shared.entities.question import parse_question
from shared.model.role import READ
from shared.pages.catalogue import catalogue_page
from shared.pages.layout import FILTERED_HASH
from shared.state.recent import count_recent
from shared.version import VERSION

if TYPE_CHECKING:
    from shared.catalog.choosing import Choice
    from shared.model.hunt import Hunt

blueprint = func.Blueprint()

_HTML = "text/html"
_FILE = {"Content-Disposition": 'attachment; filename="outrider-hunts.json"'}


@blueprint.function_name("ListHunts")
@blueprint.route("hunts", methods=["GET"])
@answered(READ)
async def list_hunts(req: func.HttpRequest) -> func.HttpResponse:
    """
    Answer with every hunt that can be run, and with the files that cannot be used: a page for who accepts HTML, as browsers do.

    With `device`, `indicator` and `osPlatform` in the query, each hunt says whether it would run for them by itself,
    and why or why not. The page also says how often each ran of late.
    """
    catalog = app.hunts()
    chosen = parse_question(req.url, app.tools().limits)
    choices = choose_hunts(catalog, About(chosen), app.policy()) if chosen else ()
    told = {choice.hunt.name: choice for choice in choices}
    if _accepts_html(req.headers.get("accept", "")):
        recent = await count_recent(app.tools().store)
        # In a thread, so that other calls go on meanwhile.
        html = await asyncio.to_thread(catalogue_page, catalog, told, recent, VERSION)
        return page(html, FILTERED_HASH)
    return json(
        {
            "hunts": [{**_hunt(hunt), **_choice(told.get(hunt.name))} for hunt in catalog.hunts],
            "broken": [{"file": error.file.name, "problems": error.problems} for error in catalog.broken],
        }
    )


@blueprint.function_name("GetHuntsLayer")
@blueprint.route("hunts/layer", methods=["GET"])
@answered(READ)
async def get_hunts_layer(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  (bound by name)
    """Answer with the hunts as a layer for MITRE's ATT&CK Navigator, to be saved as a file."""
    return json(navigator_layer(app.hunts().hunts, VERSION), headers=_FILE)


def _accepts_html(accept: str) -> bool:
    """Tell whether a caller names HTML among what it accepts (RFC 9110, 12.5.1); `*/*` names nothing."""
    ranges = (each.lower().replace(" ", "").split(";") for each in accept.split(","))
    return any(
        name == _HTML and not {"q=0", "q=0.0", "q=0.00", "q=0.000"} & {*more} for name, *more in ranges
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
        "falsePositives": hunt.false_positives,
        "blindSpots": hunt.blind_spots,
        "nextSteps": hunt.next_steps,
        "prevalence": hunt.prevalence,
        "tactics": hunt.tactics,
        "techniques": hunt.techniques,
        "tables": tables_of(hunt),
        "products": [need.product for need in needs_of(hunt)],
        "sweeps": hunt.sweep is not None,
        "shipped": hunt.shipped,
        "auto": hunt.auto,
    }


def _choice(choice: Choice | None) -> dict[str, Any]:
    if choice is None:
        return {}
    return {"runs": choice.runs, "why": choice.why, **({"rank": choice.rank} if choice.rank else {})}
