"""A run as its readers want it: a JSON body, CSV, or a page."""

from __future__ import annotations

import base64
import csv as csv_writer
import hashlib
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cards, comment, kql, neutral, planning
from .findings import read, text
from .findings import rows as decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import jinja2

    from .catalog import Catalog
    from .outcomes import Outcome
    from .runs import Run
    from .settings import Settings

_STYLE = Path(__file__).with_name("report.css").read_text("utf-8")
#: The page's only style, as its Content-Security-Policy names it.
STYLE_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
_ROWS = 50


def summary(run: Run, expires: datetime, url: str) -> dict[str, Any]:
    """The body of `GET /api/runs/{runId}`."""
    plan, done = run.plan, run.done
    body: dict[str, Any] = {
        "runId": run.work.run_id,
        "status": _status(run),
        "requested": run.work.requested,
        "expires": expires,
    }
    if plan and plan.incident_id:
        body["incident"] = {"id": plan.incident_id, "title": plan.incident_title, "url": plan.incident_url}
    elif run.work.incident_id:
        body["incident"] = {"id": run.work.incident_id}
    if plan:
        body["entities"] = {
            "devices": plan.chosen.devices,
            "indicators": plan.chosen.indicators,
            "dropped": plan.chosen.dropped,
        }
    if done:
        body |= {
            "finished": done.finished,
            "verdict": done.verdict,
            "comments": done.comments,
            "notes": done.notes,
        }
        body["hunts"] = [_hunt(outcome, url) for outcome in done.outcomes]
        if done.reason:
            body["reason"] = done.reason
    elif run.wait:
        body["waiting"] = {"reason": run.wait.reason, "until": run.wait.until}
    if not done and plan:
        body["hunts"] = [
            {"hunt": name, "rows": found.rows, "failure": found.failure} for name, found in run.found.items()
        ]
    body["links"] = {"self": url, "report": f"{url}/report"}
    return body


def rows(raw: bytes, most: int, *, secrets: bool) -> dict[str, Any]:
    """A hunt's rows as JSON: exact, but for what looks like a secret."""
    answer = read(raw)
    columns = [column.name for column in answer.schema]
    listed = [_masked(row) if secrets else row for row in _first(decoded(answer), most)]
    return {"columns": columns, "rows": listed}


def csv(raw: bytes, most: int, *, secrets: bool) -> bytes:
    """A hunt's rows as CSV: UTF-8 with a byte order mark (Excel's sign of it), a line a row, no formulas."""
    answer = read(raw)
    names = [column.name for column in answer.schema]
    out = io.StringIO()
    writer = csv_writer.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in _first(decoded(answer), most):
        values = (text(row[name]) for name in names)
        writer.writerow([neutral.csv_cell(neutral.mask(value) if secrets else value) for value in values])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "backslashreplace")


def page(run: Run, catalog: Catalog, settings: Settings, *, refresh: bool) -> str:
    """The run as one page of HTML: no script, no link but our own, everything from telemetry as text."""
    secrets = settings.mask_secrets == "on"
    done, plan = run.done, run.plan
    found = [o for o in done.outcomes if o.outcome == "found"] if done else []
    return _template().render(
        style=_STYLE,
        refresh=refresh,
        run=run,
        status=_status(run),
        verdict=neutral.inert(done.verdict) if done else "",
        plan=plan,
        done=done,
        cards=[cards.device_line(card) for card in done.cards] if done else [],
        found=[
            _section(o, run, catalog, settings, secrets=secrets)
            for o in sorted(found, key=lambda o: o.found.rows)
        ],
        others=[o for o in done.outcomes if o.outcome != "found"] if done else [],
        inert=neutral.inert,
        words=_WORDS,
    )


_WORDS = {
    "found": "found",
    "nothingFound": "nothing found",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "not run",
}


def _section(
    outcome: Outcome, run: Run, catalog: Catalog, settings: Settings, *, secrets: bool
) -> dict[str, Any]:
    found, hunt = outcome.found, catalog.by_name.get(outcome.hunt)
    groups = [
        {
            "count": group.count,
            "first": neutral.time(group.first),
            "last": neutral.time(group.last),
            "cells": [
                comment.cell(column, value, secrets=secrets, length=400)
                for column, value in zip(found.shown, group.values, strict=True)
            ],
        }
        for group in found.groups[:_ROWS]
    ]
    return {
        "outcome": outcome,
        "hunt": hunt,
        "groups": groups,
        "shown": found.shown,
        "portal": _portal(outcome, run, catalog, settings),
        "most": max((group.count for group in found.groups[:_ROWS]), default=1),
    }


def _portal(outcome: Outcome, run: Run, catalog: Catalog, settings: Settings) -> str | None:
    hunt, plan = catalog.by_name.get(outcome.hunt), run.plan
    if not hunt or not plan:
        return None
    query = planning.query(hunt, plan.chosen, settings.max_rows + 1)
    return kql.portal_link(query, settings.cloud.portal)


def _hunt(outcome: Outcome, url: str) -> dict[str, Any]:
    found, window = outcome.found, outcome.window
    body: dict[str, Any] = {"hunt": outcome.hunt, "title": outcome.title, "outcome": outcome.outcome}
    if outcome.reason:
        body["reason"] = outcome.reason
    if window:
        body["window"] = {"start": window.start, "end": window.end} | (
            {"cut": window.cut} if window.cut else {}
        )
    body |= {"rows": found.rows, "more": found.more, "seconds": found.seconds, "devices": outcome.devices}
    if found.rows:
        body |= {
            "columns": found.columns,
            "firstRows": [_masked(row) for row in found.first_rows],
            "findings": f"{url}/findings?hunt={outcome.hunt}",
        }
    return body


def _status(run: Run) -> str:
    if run.done:
        return run.done.status
    if run.wait:
        return "waiting"
    return "running" if run.plan else "queued"


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    return {name: neutral.mask(value) if isinstance(value, str) else value for name, value in row.items()}


def _first(every: Iterator[dict[str, Any]], most: int) -> Iterator[dict[str, Any]]:
    for _, row in zip(range(most), every, strict=False):
        yield row


@cache
def _template() -> jinja2.Template:
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")
