"""Decide how each hunt of a sweep ended, and how the sweep as a whole ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.comment.places import joined
from shared.model.finding import Found
from shared.model.outcome import Outcome

from .rows import are_addressless

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.model.outcome import Ending
    from shared.model.record import CommentResult, Status

    from .fleet import Fleet
    from .summary import SweepSummary

_FIRST_ROWS = 10
_NOBODY_KNOWS = (
    "it returned no rows, but how many devices there are could not be read, "
    "so nobody knows whether any sent anything"
)


def sweep_outcome(summary: SweepSummary, fleet: Fleet) -> Outcome:
    """
    Return how a hunt of a sweep ended, with its 10 rarest new rows.

    If only a part of the fleet was searched, or rows have no time that tells whether they are new, it is never
    *nothing found*.
    """
    ending, reason = _ending(summary, fleet)
    rows = [
        {
            "DeviceName": row.device,
            "Process": row.process,
            "Destination": row.destination,
            "Ports": ", ".join(row.ports),
            "Connections": row.connections,
            "FirstSeen": row.first,
            "LastSeen": row.last,
            "Devices": row.devices,
            "Days": row.days,
        }
        for row in summary.ranked[:_FIRST_ROWS]
    ]
    found = Found(
        summary.hunt,
        rows=summary.new_rows,
        columns=tuple(rows[0]) if rows else (),
        first_rows=tuple(rows),
    )
    return Outcome(
        summary.hunt,
        summary.title,
        ending,
        reason,
        summary.window,
        found=found,
        id=summary.id,
        version=summary.version,
    )


def sweep_status(outcomes: Iterable[Outcome], coverage: float, comments: Iterable[CommentResult]) -> Status:
    """
    Return how a sweep as a whole ended.

    *failed* if every hunt was *not run*; *completedWithFailures* if one was, if a comment failed, or if
    *coverage*, a share from 0 to 1, is below 1; *completed* otherwise.
    """
    endings = [sweep_outcome.outcome for sweep_outcome in outcomes]
    if endings and set(endings) == {"notRun"}:
        return "failed"
    if "notRun" in endings or coverage < 1 or any(comment.status == "failed" for comment in comments):
        return "completedWithFailures"
    return "completed"


def sweep_verdict(summaries: Collection[SweepSummary], outcomes: Collection[Outcome]) -> str:
    """
    Return one line that says what is new, which hunts were not run, and how much of the fleet the others searched.

    It never says *nothing new* of a hunt that was not run.
    """
    if not outcomes:
        return "there is no hunt to sweep the fleet with: none that can be used has a sweep block"
    ran = [summary for summary in summaries if summary.coverage]
    parts = [_new(summary) for summary in summaries if summary.new_rows]
    if ran and not parts:
        parts = ["nothing new" if len(ran) == len(outcomes) else "nothing new in the hunts that ran"]
    searched = {summary.hunt for summary in ran}
    failed = [o.hunt for o in outcomes if o.outcome == "notRun"]
    if never := [name for name in failed if name not in searched]:
        parts.append(f"not run: {joined(never, 'hunt')}")
    if partly := [name for name in failed if name in searched]:
        parts.append(f"not run in full: {joined(partly, 'hunt')}")
    if ran:
        of = "" if len(ran) == len(outcomes) else " of the hunts that ran"
        parts.append(f"coverage {percent(coverage(ran))}{of}")
    return f"sweep of {count(len(outcomes), 'hunt')}: {'; '.join(parts)}"


def where(summary: SweepSummary) -> str:
    """Say on how many devices a hunt's new rows are, such as `on 2 devices`; or that they name none."""
    if not summary.nameless:
        return f"on {count(summary.new_devices, 'device')}"
    if not summary.new_devices:
        return "in rows that name no device"
    return f"on {count(summary.new_devices, 'device')}, and in {count(summary.nameless, 'row')} without one"


def new(summary: SweepSummary) -> tuple[int, str]:
    """Return how much is new, and what it is called: what goes to no address has no destination, whatever stands in its place."""
    if are_addressless(summary.ranked):
        return summary.new_rows, "new row"
    return summary.new_destinations, "new destination"


def _new(summary: SweepSummary) -> str:
    return f"{summary.hunt} {count(*new(summary))} {where(summary)}"


def coverage(summaries: Iterable[SweepSummary]) -> float:
    """Return the smallest share of the fleet that a hunt has searched, 0 to 1; 0 without summaries."""
    return min((summary.coverage for summary in summaries), default=0.0)


def percent(share: float) -> str:
    """Write a share, 0 to 1, in whole percent, rounded down so that only all of it is 100 %."""
    return f"{int(share * 100)} %"


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 device`, `2,000 devices`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _ending(summary: SweepSummary, fleet: Fleet) -> tuple[Ending, str]:
    reasons = "; ".join(dict.fromkeys(lost.reason for lost in summary.lost))
    undated = _undated(summary)
    unreadable = f"{count(summary.unreadable, 'row')} could not be read" if summary.unreadable else ""
    if unreadable and summary.coverage:
        reasons = "; ".join(filter(None, (reasons, unreadable)))
    if summary.new_rows:
        missing = f"{percent(summary.coverage)} of the fleet was looked at: {reasons}" if reasons else ""
        return "found", "; ".join(filter(None, (missing, undated)))
    if not summary.coverage:
        return "notRun", reasons
    if reasons:
        rest = "in the rest: " if summary.lost else ""
        return "notRun", f"nothing new in {percent(summary.coverage)} of the fleet; {rest}{reasons}"
    if undated:
        return "notRun", undated
    if not summary.rows and summary.fleet is None:
        return "notRun", _NOBODY_KNOWS
    if not summary.rows and summary.fleet == 0:
        if any(kind.devices for kind in fleet.kinds):
            return "notApplicable", "the fleet has no device of the kind that the hunt is for"
        return "noTelemetry", "no device has reported to Defender in the window"
    return "nothingFound", ""


def _undated(summary: SweepSummary) -> str:
    if not summary.undated:
        return ""
    return (
        f"{summary.undated:,} of {count(summary.rows, 'row')} have no time in the column that tells what is new, "
        "so nobody knows whether they are"
    )
