"""GET /api/runs/{runId}, the run's findings and its report."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import azure.functions as func

from functions import app
from functions.responses import SAFE, answered, json, location, page
from shared.errors import InvalidRequest
from shared.model.role import READ
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.pages.summary import summary
from shared.resuming import send_if_cut_off
from shared.sweep.parts import ROW_LIMIT
from shared.sweep.record import progress
from shared.sweep.report import sweep_page
from shared.sweep.serving import serve_rows

if TYPE_CHECKING:
    from shared.model.record import Run
    from shared.tools import Tools

blueprint = func.Blueprint()


@blueprint.function_name("GetRun")
@blueprint.route("runs/{runId}", methods=["GET"])
@answered(READ)
async def get_run(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 202 until the run is done, with the reason while it waits, and then 200 with the result."""
    tools = app.tools()
    run = await _read(req)
    mask = tools.settings.masks
    url = app.run_url(run.work.run_id)
    body = await asyncio.to_thread(summary, run, tools.runs.expires(run.work), url, mask=mask)
    if run.done:
        return json(body)
    if run.work.kind == "sweep":
        body |= await progress(tools.store, run)
        body["huntCount"] = len(body["hunts"])
    wait = run.wait.until - tools.now() if run.wait else None
    seconds = min(max(int(wait.total_seconds()), 5), 300) if wait else 5
    return json(body, 202, {"Location": location(req, run.work.run_id), "Retry-After": str(seconds)})


@blueprint.function_name("GetFindings")
@blueprint.route("runs/{runId}/findings", methods=["GET"])
@answered(READ)
async def get_findings(req: func.HttpRequest) -> func.HttpResponse:
    """
    Answer with all rows of one hunt as CSV or JSON; of a sweep, with all new rows, or all rows of a part.

    The query names the `hunt`, the `part` of a sweep, and the `format`, `csv` or `json` (the default).
    """
    tools = app.tools()
    run_id, hunt, part = req.route_params["runId"], req.params.get("hunt", ""), req.params.get("part", "")
    form = req.params.get("format", "json")
    run = await _read(req)
    if form not in ("json", "csv"):
        raise InvalidRequest(f"format={form[:20]!r}: give csv or json")
    if run.work.kind == "sweep":
        most = ROW_LIMIT
        raw, more = await serve_rows(tools.store, run, tools.catalog, hunt, part)
        name = f"{run_id[:8]}-{hunt}-{part or 'new'}"
    else:
        raw, most, more = await _read_findings(tools, run, hunt)
        name = f"{run_id[:8]}-{hunt}"
    mask = tools.settings.masks
    if form == "csv":
        headers = {**SAFE, "Content-Disposition": f'attachment; filename="{name}.csv"'}
        # In a thread, so that other calls go on meanwhile: a part of a sweep has up to 100,000 rows.
        text = await asyncio.to_thread(csv_rows, raw, most, mask=mask, hunt=hunt)
        return func.HttpResponse(text, mimetype="text/csv", headers=headers)
    rows = await asyncio.to_thread(json_rows, raw, most, mask=mask, hunt=hunt)
    return json(rows | {"hunt": hunt, "more": more})


@blueprint.function_name("GetReport")
@blueprint.route("runs/{runId}/report", methods=["GET"])
@answered(READ)
async def get_report(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the run as an HTML page."""
    tools = app.tools()
    run = await _read(req)
    if run.work.kind == "sweep":
        html = await sweep_page(tools.store, run, tools.catalog, tools.settings)
    else:
        # In a thread, so that other calls go on meanwhile.
        html = await asyncio.to_thread(run_page, run, tools.catalog, tools.settings, refresh=not run.done)
    return page(html)


async def _read(req: func.HttpRequest) -> Run:
    """Read the run that a request names, as it stands now; one that was cut off is sent again. Raises RunNotFound."""
    tools = app.tools()
    run = await tools.runs.read(req.route_params["runId"])
    await send_if_cut_off(tools, run)
    return run.as_of(tools.now())


async def _read_findings(tools: Tools, run: Run, hunt: str) -> tuple[bytes, int, bool]:
    """Return a hunt's answer as Graph sent it, how many of its rows count, and whether there were more."""
    if hunt not in run.found:
        raise InvalidRequest(
            f"hunt={hunt[:60]!r}: this run has rows of {', '.join(sorted(run.found)) or 'no hunt'}"
        )
    found = run.found[hunt]
    if found.failure:
        raise InvalidRequest(f"{hunt} was not run: {found.failure}")
    raw = await tools.runs.findings(run.work.run_id, hunt) or b'{"schema":[],"results":[]}'
    return raw, found.rows, found.more
