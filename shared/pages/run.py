"""Show an enrichment as a page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from shared.catalog.choosing import Policy
from shared.catalog.query import hunt_query
from shared.comment import cards, neutral
from shared.comment.cells import write_cell, write_name
from shared.comment.content import in_words
from shared.comment.findings import kept_columns
from shared.comment.places import joined, where_found
from shared.comment.prevalence import how_counted, order_of, seen_on
from shared.kql.portal import portal_link
from shared.model.entity import INDICATOR_KINDS
from shared.model.hunt import SEVERITIES

from .choices import hunt_choices
from .layout import STYLE, template
from .summary import progress_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.catalog.load import Catalog
    from shared.model.entity import Chosen
    from shared.model.outcome import Outcome
    from shared.model.record import Run
    from shared.settings import Settings

_ROWS = 50
_LONGEST = 400  # characters shown of a value; the CSV has all of it


def run_page(run: Run, catalog: Catalog, settings: Settings, *, refresh: bool) -> str:
    """
    Return the HTML page of an enrichment, or of its progress while it is not done.

    The page has no script; values from telemetry are text, and links lead to this app and the portal only.
    *refresh* has the browser load the page again every 5 seconds.
    """
    mask = settings.masks
    done, plan = run.done, run.plan
    outcomes = sorted(done.outcomes, key=_urgency) if done else []
    found = sorted((each for each in outcomes if each.outcome == "found"), key=_place)

    def shown(kind: str, value: str) -> str:
        # `write_cell` tells by the column's name whether a value is a link as a whole.
        return write_cell("indicator" if kind in INDICATOR_KINDS else kind, value, mask=mask, length=_LONGEST)

    return template("run.html").render(
        style=STYLE,
        refresh=refresh,
        run=run,
        status=progress_of(run),
        headline=_headline(run, shown),
        tone=_tone(outcomes[0]) if outcomes else "notRun" if done and done.reason else "",
        plan=plan,
        done=done,
        answered=sum(planned.name in run.found for planned in plan.hunts) if plan else 0,
        outcomes=outcomes,
        tone_of=_tone,
        word_of=_word,
        placed=lambda outcome: where_found([outcome], plan.of_incident.devices if plan else ()).text.strip(),
        found=[_section(outcome, run, catalog, settings, mask=mask) for outcome in found],
        cards=[cards.device_line(card) for card in done.cards] if done else [],
        entities=_entities(plan.chosen) if plan else [],
        choices=hunt_choices(run, catalog, Policy(settings.auto, settings.max_hunts)) if done else [],
        broken=_broken(catalog),
        inert=partial(shown, "sentence"),
        named=neutral.name,
        shown=shown,
        words=_WORDS,
    )


_WORDS = {
    "found": "found",
    "hit": "hit",
    "context": "context",
    "nothingFound": "nothing found",
    "nothingSoFar": "nothing found so far",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "not run",
    "completedWithFailures": "completed with failures",
    "alreadyThere": "already there",
    "fileHash": "file hash",
    "ip": "IP address",
    "url": "URL",
}
_URGENCY = ("found", "notRun", "noTelemetry", "context", "nothingSoFar", "nothingFound", "notApplicable")


def _tone(outcome: Outcome) -> str:
    """Return how an outcome is coloured: what is normal there is no alarm, unless it holds what the incident names."""
    return "context" if outcome.is_context and not outcome.found.hit_rows else outcome.outcome


def _word(outcome: Outcome) -> str:
    if outcome.is_context:
        return "hit" if outcome.found.hit_rows else "context"
    return outcome.outcome


def _kind(outcome: Outcome) -> str:
    """Return what rows of an outcome are, as a comment says it."""
    if not outcome.is_context:
        return f"{outcome.severity} severity"
    hits = outcome.found.hit_rows
    return f"Context, {hits:,} {'hit' if hits == 1 else 'hits'} in it" if hits else "Context, no finding"


def _urgency(outcome: Outcome) -> tuple[int, tuple[bool, int, bool, int, str]]:
    return _URGENCY.index(_tone(outcome)), _place(outcome)


def _place(outcome: Outcome) -> tuple[bool, int, bool, int, str]:
    """Return what findings are sorted by, as in a comment: context last, then by severity, hits and rows."""
    found = outcome.found
    return (
        outcome.is_context,
        SEVERITIES.index(outcome.severity),
        not found.hit_rows,
        found.rows,
        outcome.hunt,
    )


def _headline(run: Run, shown: Callable[[str, str], str]) -> str:
    if run.done:
        verdict = shown("verdict", run.done.verdict)
        return verdict[:1].upper() + verdict[1:]
    return "Waiting" if run.wait else "Hunting…"


def _broken(catalog: Catalog) -> str:
    """Return a line about the hunt files that cannot be used, for whoever writes them; '' for none."""
    files = [neutral.name(error.file.name) for error in catalog.broken]
    count = "1 hunt file" if len(files) == 1 else f"{len(files):,} hunt files"
    return f"{count} cannot be used, and GET /api/health says why: {joined(files, 'file')}" if files else ""


def _entities(chosen: Chosen) -> list[tuple[str, str]]:
    return [("device", device.label) for device in chosen.devices] + [
        (indicator.kind, indicator.value) for indicator in chosen.indicators
    ]


def _section(
    outcome: Outcome, run: Run, catalog: Catalog, settings: Settings, *, mask: bool
) -> dict[str, Any]:
    found, hunt = outcome.found, catalog.by_name.get(outcome.hunt)
    place = where_found([outcome], run.plan.of_incident.devices if run.plan else ())
    devices = [neutral.name(each) for each in (*place.own, *place.spread)]
    # A single device stands above the table, and need not stand in every row.
    single = len(devices) + place.more == 1
    rows = found.groups[:_ROWS]
    kept = kept_columns(outcome, rows, single=single)
    named = {"DeviceName"} if single else set()
    empty = [n for n, column in enumerate(found.shown) if n not in kept and column not in named]
    groups = [
        {
            "count": group.count,
            "hit": bool(group.hits),
            "first": neutral.time(group.first),
            "last": neutral.time(group.last),
            "fleet": seen_on(group, found),
            "cells": [write_cell(found.shown[n], group.values[n], mask=mask, length=_LONGEST) for n in kept],
        }
        for group in rows
    ]
    return {
        "outcome": outcome,
        "kind": _kind(outcome),
        "hunt": hunt,
        "device": devices[0] if single else "",
        "spread": f"Also{place.on_others}, outside the incident" if place.spread else "",
        "groups": groups,
        "order": in_words(order_of(found, mask=mask), hits=True),
        "counted": how_counted(found, rows, mask=mask),
        "shown": tuple(write_name(found.shown[n], mask=mask) for n in kept),
        "empty": [write_name(found.shown[n], mask=mask) for n in empty],
        "portal": _portal(outcome, run, catalog, settings),
    }


def _portal(outcome: Outcome, run: Run, catalog: Catalog, settings: Settings) -> str | None:
    hunt, plan = catalog.by_name.get(outcome.hunt), run.plan
    if not hunt or not plan:
        return None
    chosen = next(
        (plan.entities(planned) for planned in plan.hunts if planned.name == hunt.name), plan.chosen
    )
    end = outcome.window.end if outcome.window else run.work.requested
    query = hunt_query(hunt, chosen, settings.max_rows + 1, end)
    return portal_link(query, settings.cloud.portal)
