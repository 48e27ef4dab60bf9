"""
The late look: hunt once more, after its window is over, what a run could not settle.

A run that ends while its window is open says *nothing found so far* and starts a second run, named by the
first, that is delivered two hours after the window's end. That one hunts what is not settled by then, and
comments only what is news.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.state.runs import run_id

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.outcome import Outcome
    from shared.model.record import Plan, Work
    from shared.tools import Tools

    from .ending import Decision

#: What failed for another reason than an open window is tried again this much later.
_LATER = timedelta(hours=2)
_UNSETTLED = ("notRun", "noTelemetry")


def late_work(tools: Tools, work: Work, plan: Plan, decision: Decision, *, unsaid: bool) -> Work | None:
    """
    Return the late look that follows a run, to be sent at the time `requested`; None if there is none.

    It looks again at what was looked at while its window was open, at what failed, and, with *unsaid*, at
    everything, since the run's comment failed. One late look follows another only where new activity has
    opened another window, or entities are left.
    """
    late = work.source == "late"
    if not (plan.incident and work.counts and decision.outcomes and tools.settings.looks_late):
        return None
    times = [over for over in decision.looked.values() if over]
    failed = any(_failed(outcome) for outcome in decision.outcomes)
    if plan.left or (not late and (unsaid or (failed and not times))):
        times = [tools.now() + _LATER]
    if not times or max(times) > _last_kept(tools):
        return None
    return replace(
        work,
        run_id=run_id(f"late:{work.run_id}"),
        requested=max(times),
        body_digest="",
        incident_id=plan.incident_id if plan.provider == "defender" else "",
        source="late",
        queue="runs",
        caller="",
    )


def late_note(tools: Tools, work: Work, plan: Plan, decision: Decision) -> tuple[str, ...]:
    """Say, where a window was still open, when it is looked at again; else from when on it is not."""
    sent = [outcome.window for outcome in decision.outcomes if outcome.window and outcome.window.over]
    if not sent:
        return ()
    if next_look := late_work(tools, work, plan, decision, unsaid=False):
        when = f"{next_look.requested:%Y-%m-%d %H:%M} UTC"
        return (f"Looks again at {when}, and comments if there is more",)
    why = ""
    if not tools.settings.looks_late:
        why = " (LATE_LOOK is off)"
    elif max(window.over for window in sent if window.over) > _last_kept(tools):
        why = " (FINDINGS_DAYS ends before the window)"
    end = f"{max(window.end for window in sent):%Y-%m-%d %H:%M} UTC"
    return (f"What happens or arrives after {end} is not looked at{why}",)


def _last_kept(tools: Tools) -> datetime:
    """Return until when the request of a run that is stored now is there for certain."""
    return tools.now() + timedelta(days=tools.settings.findings_days - 1)


def _failed(outcome: Outcome) -> bool:
    return outcome.outcome in _UNSETTLED or any(d.outcome in _UNSETTLED for d in outcome.devices)
