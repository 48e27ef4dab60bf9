"""A run as its readers want it: a JSON body, CSV, or a page."""

from __future__ import annotations

import base64
import csv as csv_writer
import hashlib
import io
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.comment import cards, neutral
from shared.comment import saying as comment
from shared.enrichment import planning
from shared.entities.choosing import KINDS
from shared.kql import write as kql
from shared.outcomes.reading import read, text
from shared.outcomes.reading import rows as decoded

from .summary import status, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import jinja2

    from shared.catalog.load import Catalog
    from shared.entities.choosing import Chosen
    from shared.outcomes.deciding import Outcome
    from shared.settings import Settings
    from shared.state.runs import Run

#: The style of every page.
STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
#: The same, as a page's Content-Security-Policy names it.
STYLE_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
_ROWS = 50
_LONGEST = 400  # characters of one value; the CSV has all of it

# What serves a run has all its forms from here.
__all__ = ["STYLE", "STYLE_HASH", "csv", "page", "rows", "summary", "template"]


def rows(raw: bytes, most: int, *, secrets: bool) -> dict[str, Any]:
    """A hunt's rows as JSON: exact, but for what looks like a secret."""
    answer = read(raw)
    columns = [column.name for column in answer.schema]
    listed = _first(decoded(answer), most)
    if secrets:
        return {
            "columns": columns,
            "rows": [{k: _masked(value) for k, value in row.items()} for row in listed],
        }
    return {"columns": columns, "rows": list(listed)}


def csv(raw: bytes, most: int, *, secrets: bool) -> bytes:
    """A hunt's rows as CSV: UTF-8 with a byte order mark (Excel's sign of it), a line a row, no formulas."""
    answer = read(raw)
    names = [column.name for column in answer.schema]
    # Rows repeat themselves.
    cell = lru_cache(10_000)(lambda value: neutral.csv_cell(neutral.mask(value) if secrets else value))
    out = io.StringIO()
    writer = csv_writer.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in _first(decoded(answer), most):
        writer.writerow([cell(text(row[name])) for name in names])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "backslashreplace")


def page(run: Run, catalog: Catalog, settings: Settings, *, refresh: bool) -> str:
    """The run as one page of HTML: no script, everything from telemetry as text; links lead to us and the portal."""
    secrets = settings.mask_secrets == "on"
    done, plan = run.done, run.plan
    outcomes = sorted(done.outcomes, key=_urgency) if done else []
    found = [outcome for outcome in outcomes if outcome.outcome == "found"]

    def shown(kind: str, value: str) -> str:
        # `cell` knows by the column's name what is a link as a whole.
        return comment.cell("indicator" if kind in KINDS else kind, value, secrets=secrets, length=_LONGEST)

    return template("run.html").render(
        style=STYLE,
        refresh=refresh,
        run=run,
        status=status(run),
        headline=_headline(run, shown),
        tone=outcomes[0].outcome if outcomes else "notRun" if done and done.reason else "",
        plan=plan,
        done=done,
        answered=sum(planned.name in run.found for planned in plan.hunts) if plan else 0,
        outcomes=outcomes,
        found=[_section(outcome, run, catalog, settings, secrets=secrets) for outcome in found],
        cards=[cards.device_line(card) for card in done.cards] if done else [],
        entities=_entities(plan.chosen) if plan else [],
        inert=partial(neutral.label, length=_LONGEST),
        shown=shown,
        words=_WORDS,
    )


_WORDS = {
    "found": "found",
    "nothingFound": "nothing found",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "not run",
    "completedWithFailures": "completed with failures",
    "alreadyThere": "already there",
    "fileHash": "file hash",
    "ip": "IP address",
    "url": "URL",
}
_URGENCY = ("found", "notRun", "noTelemetry", "nothingFound", "notApplicable")


def _urgency(outcome: Outcome) -> tuple[int, int, str]:
    return _URGENCY.index(outcome.outcome), outcome.found.rows, outcome.hunt


def _headline(run: Run, shown: Callable[[str, str], str]) -> str:
    if run.done:
        verdict = shown("verdict", run.done.verdict)
        return verdict[:1].upper() + verdict[1:]
    return "Waiting" if run.wait else "Hunting…"


def _entities(chosen: Chosen) -> list[tuple[str, str]]:
    return [("device", device.label) for device in chosen.devices] + [
        (indicator.kind, indicator.value) for indicator in chosen.indicators
    ]


def _section(
    outcome: Outcome, run: Run, catalog: Catalog, settings: Settings, *, secrets: bool
) -> dict[str, Any]:
    found, hunt = outcome.found, catalog.by_name.get(outcome.hunt)
    devices = [neutral.inert(each.device) for each in outcome.devices if each.outcome == "found"]
    # One device stands above the table, and need not stand in every row.
    kept = [n for n, column in enumerate(found.shown) if column != "DeviceName" or len(devices) != 1]
    groups = [
        {
            "count": group.count,
            "first": neutral.time(group.first),
            "last": neutral.time(group.last),
            "cells": [
                comment.cell(found.shown[n], group.values[n], secrets=secrets, length=_LONGEST) for n in kept
            ],
        }
        for group in found.groups[:_ROWS]
    ]
    return {
        "outcome": outcome,
        "hunt": hunt,
        "device": devices[0] if len(devices) == 1 else "",
        "groups": groups,
        "shown": tuple(found.shown[n] for n in kept),
        "portal": _portal(outcome, run, catalog, settings),
    }


def _portal(outcome: Outcome, run: Run, catalog: Catalog, settings: Settings) -> str | None:
    hunt, plan = catalog.by_name.get(outcome.hunt), run.plan
    if not hunt or not plan:
        return None
    chosen = next(
        (plan.entities(planned) for planned in plan.hunts if planned.name == hunt.name), plan.chosen
    )
    query = planning.query(hunt, chosen, settings.max_rows + 1)
    return kql.portal_link(query, settings.cloud.portal)


def _masked(value: Any) -> Any:
    """Mask a row's value as it stands in the CSV; an object or list becomes text only where it holds a secret."""
    if not isinstance(value, str | dict | list):
        return value
    plain = text(value)
    masked = neutral.mask(plain)
    return value if masked == plain else masked


def _first(every: Iterator[dict[str, Any]], most: int) -> Iterator[dict[str, Any]]:
    for _, row in zip(range(most), every, strict=False):
        yield row


@cache
def template(name: str) -> jinja2.Template:
    """Return one of the pages' templates, which escapes whatever it is given."""
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
