"""GET /api/runs/{runId}, its findings and its report."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions import app
from functions.responses import SAFE, answered, json, location
from shared import report
from shared.errors import InvalidRequest

blueprint = func.Blueprint()

_PAGE = {
    **SAFE,
    "Content-Security-Policy": f"default-src 'none'; style-src {report.STYLE_HASH}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@blueprint.function_name("GetRun")
@blueprint.route("runs/{runId}", methods=["GET"])
@answered
async def get_run(req: func.HttpRequest) -> func.HttpResponse:
    """202 while the run runs or waits, with why; 200 with all there is once it is done."""
    run = await app.tools().runs.read(req.route_params["runId"])
    body = report.summary(run, app.tools().runs.expires(run.work), app.run_url(run.work.run_id))
    if run.done:
        return json(body)
    wait = run.wait.until - datetime.now(UTC) if run.wait else None
    seconds = min(max(int(wait.total_seconds()), 5), 300) if wait else 5
    return json(body, 202, {"Location": location(req, run.work.run_id), "Retry-After": str(seconds)})


@blueprint.function_name("GetFindings")
@blueprint.route("runs/{runId}/findings", methods=["GET"])
@answered
async def get_findings(req: func.HttpRequest) -> func.HttpResponse:
    """Every row of one hunt, as CSV or JSON."""
    tools = app.tools()
    run_id, hunt = req.route_params["runId"], req.params.get("hunt", "")
    form = req.params.get("format", "json")
    run = await tools.runs.read(run_id)
    if hunt not in run.found:
        raise InvalidRequest(
            f"hunt={hunt[:60]!r}: this run has rows of {', '.join(sorted(run.found)) or 'no hunt'}"
        )
    if form not in ("json", "csv"):
        raise InvalidRequest(f"format={form[:20]!r}: give csv or json")
    if failure := run.found[hunt].failure:
        raise InvalidRequest(f"{hunt} was not run: {failure}")
    raw = await tools.runs.findings(run_id, hunt) or b'{"schema":[],"results":[]}'
    most, masked = run.found[hunt].rows, tools.settings.mask_secrets == "on"
    if form == "csv":
        headers = {**SAFE, "Content-Disposition": f'attachment; filename="{run_id[:8]}-{hunt}.csv"'}
        return func.HttpResponse(report.csv(raw, most, secrets=masked), mimetype="text/csv", headers=headers)
    return json(report.rows(raw, most, secrets=masked) | {"hunt": hunt, "more": run.found[hunt].more})


@blueprint.function_name("GetReport")
@blueprint.route("runs/{runId}/report", methods=["GET"])
@answered
async def get_report(req: func.HttpRequest) -> func.HttpResponse:
    """The run as a page."""
    tools = app.tools()
    run = await tools.runs.read(req.route_params["runId"])
    page = report.page(run, tools.catalog, tools.settings, refresh=not run.done)
    return func.HttpResponse(page, mimetype="text/html", charset="utf-8", headers=_PAGE)
