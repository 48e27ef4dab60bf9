"""Show a sweep as a page: how much of the fleet was searched, what is new there, and what is usual."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.comment import neutral
from shared.comment.cells import write_cell, write_name
from shared.kql.portal import portal_link
from shared.kql.write import fleet_query
from shared.pages.layout import STYLE, template
from shared.pages.summary import progress_of

from .ending import count, new, percent, where
from .parts import ODD, ROW_LIMIT
from .record import SweepRecord, progress
from .rows import JOINT, are_addressless
from .survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.catalog.load import Catalog
    from shared.model.hunt import Hunt
    from shared.model.outcome import Outcome
    from shared.model.record import Run
    from shared.settings import Settings
    from shared.state.objects import Store

    from .parts import Part
    from .summary import Day, Lost, NewRow, SweepSummary

_FIRST = 10  # rows above the fold, and lost parts that are named per reason
_ALIKE = 3  # of them per process: a browser has hundreds of destinations that nobody else has
_ROWS = 50
_PROCESSES = 10
_RAREST = 20
_SHORT = 24  # characters; longer values stand below their row instead of in a column
_LONGEST = 200  # characters shown of a value; the CSV has all of it
_URGENCY = ("found", "notRun", "noTelemetry", "nothingFound", "notApplicable")
_WORDS = {
    "found": "new",
    "nothingFound": "nothing new",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "not run",
    "completedWithFailures": "completed with failures",
    "alreadyThere": "already there",
}


class Swept(NamedTuple):
    """One hunt's sweep: its summary, and the parts answered in full, each with its number of rows."""

    summary: SweepSummary
    parts: list[tuple[Part, int]]


async def sweep_page(
    store: Store, run: Run, catalog: Catalog, settings: Settings, most: int = ROW_LIMIT
) -> str:
    """
    Return the HTML page of a sweep, or of its progress while it is not done.

    The page has no script; values from telemetry are text, and links lead to this app and the portal only.
    *most* is the number of rows from which an answer counted as cut off.
    """
    if not run.done:
        return render_sweep(run, {}, catalog, settings, await progress(store, run, most))
    record = SweepRecord(store, run.work.run_id, most)
    swept = {}
    for outcome in run.done.outcomes:
        if summary := await record.summary(outcome.hunt):
            parts = survey(await record.asked(outcome.hunt), most).whole
            swept[outcome.hunt] = Swept(summary, parts)
    # In a thread, so that other calls go on meanwhile.
    return await asyncio.to_thread(render_sweep, run, swept, catalog, settings)


def render_sweep(
    run: Run,
    swept: dict[str, Swept],
    catalog: Catalog,
    settings: Settings,
    progress: dict[str, Any] | None = None,
) -> str:
    """
    Return the HTML page of a sweep.

    Of a sweep that is done it shows *swept*, by the name of the hunt; of another one its *progress*, the
    result of `record.progress`.
    """
    mask = settings.masks
    outcomes = sorted(run.done.outcomes, key=_urgency) if run.done else []

    def shown(kind: str, value: str) -> str:
        # A destination is an IP address, or other texts of an unknown kind.
        if kind != "destination":
            return write_cell(kind, value, mask=mask, length=_LONGEST)
        column = "" if " " in value else "RemoteIP"
        # No value has such a dot between blanks: `rows` writes it as its number.
        return JOINT.join(write_cell(column, part, mask=mask, length=_LONGEST) for part in value.split(JOINT))

    return template("sweep.html").render(
        style=STYLE,
        run=run,
        done=run.done,
        status=progress_of(run),
        progress=progress,
        headline=_headline(run),
        tone=outcomes[0].outcome if outcomes else "",
        tiles=[
            (outcome, swept[outcome.hunt].summary if outcome.hunt in swept else None) for outcome in outcomes
        ],
        lost=[
            each
            for outcome in outcomes
            if outcome.hunt in swept
            for each in _lost(swept[outcome.hunt].summary)
        ],
        hunts=[
            _hunt(swept[outcome.hunt], catalog.by_name.get(outcome.hunt), settings)
            for outcome in outcomes
            if outcome.hunt in swept
        ],
        inert=partial(shown, "sentence"),
        named=partial(write_name, mask=mask),
        named_all=lambda columns: tuple(write_name(column, mask=mask) for column in columns),
        shown=shown,
        time=neutral.time,
        count=count,
        percent=percent,
        where=where,
        new=new,
        words=_WORDS,
        alike=_ALIKE,
        most=ROW_LIMIT,
    )


def _urgency(outcome: Outcome) -> tuple[int, int, str]:
    # Fewest rows first: a hunt that finds three things says more than a baseline that finds three hundred.
    return _URGENCY.index(outcome.outcome), outcome.found.rows, outcome.hunt


def _headline(run: Run) -> str:
    if run.done:
        verdict = neutral.label(run.done.verdict, 1_000)
        return verdict[:1].upper() + verdict[1:]
    return "Waiting" if run.wait else "Sweeping the fleet…"


def _lost(summary: SweepSummary) -> Iterable[tuple[str, str, str, str]]:
    """Yield, for each reason why parts were not searched: hunt, share of the fleet, parts, and reason."""
    by_reason: dict[str, list[Lost]] = {}
    for each in summary.lost:
        by_reason.setdefault(each.reason, []).append(each)
    for reason, lost in by_reason.items():
        # Rounded up, as coverage is rounded down, so that the two add up to 100 %.
        share = 100 - int(100 - 100 * sum(each.share for each in lost))
        yield (
            summary.hunt,
            f"{share} %",
            ", ".join(_span(each.part) for each in lost[:_FIRST])
            + (f" and {len(lost) - _FIRST} parts more" if len(lost) > _FIRST else ""),
            reason,
        )


def _hunt(swept: Swept, hunt: Hunt | None, settings: Settings) -> dict[str, Any]:
    summary = swept.summary
    rows = summary.ranked[:_ROWS]
    first, rest = _lead(rows)
    addressless = are_addressless(rows)
    details = tuple(rows[0].details) if rows and not addressless else ()
    below = tuple(name for name in details if any(len(row.details.get(name, "")) > _SHORT for row in rows))
    most = max((process.connections for process in summary.processes), default=0)
    return {
        "summary": summary,
        "hunt": hunt,
        "first": first,
        "rest": rest,
        "lines": len(rows),
        "ties": _alike_left_out(summary, rows),
        "columns": tuple(name for name in details if name not in below),
        "addressless": addressless,
        "below": below,
        "days": _bars(summary.days),
        "processes": [
            (process, _share(process.connections, most)) for process in summary.processes[:_PROCESSES]
        ],
        "rarest": summary.rarest[:_RAREST],
        "files": [(_span(part.name), part.name, rows) for part, rows in swept.parts if rows],
        "portal": _portal(hunt, summary.window.end, settings) if hunt else None,
    }


def _lead(rows: Iterable[NewRow]) -> tuple[list[NewRow], list[NewRow]]:
    """Divide rows, in their order, into the 10 to read first, at most 3 per process, and the rest."""
    seen: Counter[str] = Counter()
    first: list[NewRow] = []
    rest: list[NewRow] = []
    for row in rows:
        seen[row.process] += 1
        (first if len(first) < _FIRST and seen[row.process] <= _ALIKE else rest).append(row)
    return first, rest


def _bars(days: tuple[Day, ...]) -> list[tuple[Day, float, float]]:
    """Return each day with the heights of its bars, known and new destinations, in percent of the plot."""
    most = max((day.new + day.known for day in days), default=0)
    return [
        (day, min(_share(day.known, most), 100 - _share(day.new, most)), _share(day.new, most))
        for day in days
    ]


def _share(number: int, most: int) -> float:
    """Return a bar's length in percent of the longest: 0 for nothing, else at least 1.5, to be visible."""
    return max(1.5, round(100 * number / most, 1)) if number else 0


def _alike_left_out(summary: SweepSummary, shown: tuple[NewRow, ...]) -> int:
    """Return how many new rows are as rare as the last one shown, and are not shown."""
    if not shown:
        return 0
    rest = [row.rarity for row in summary.ranked[len(shown) :]]
    ties = summary.ties if summary.ranked[-1].rarity == shown[-1].rarity else 0
    return rest.count(shown[-1].rarity) + ties


def _span(part: str) -> str:
    if part == ODD.name:
        return "other characters"
    first, last = part.split("-")
    return first if first == last else f"{first} to {last}"


def _portal(hunt: Hunt, end: datetime, settings: Settings) -> str | None:
    summarize = hunt.sweep.summarize if hunt.sweep else ""
    query = fleet_query(hunt.query, end=end, summarize=summarize, applies_to=hunt.applies_to)
    return portal_link(query, settings.cloud.portal)
