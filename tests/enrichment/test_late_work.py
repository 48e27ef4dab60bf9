"""Which late look follows a run, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.enrichment.ending import Decision
from shared.enrichment.late import late_note, late_work
from shared.model.outcome import DeviceEnding, Ending, Outcome, Window
from shared.model.record import Plan, Work
from tests.support.tenant import Deployment

PLAN = Plan(incident_id="4101")
LATER = timedelta(hours=2)


def decided(app: Deployment, ending: Ending, *, over: bool = False, device: Ending | None = None) -> Decision:
    """Return a decision of one hunt that ended so, over a window that is *over* in a day or was over."""
    now = app.now()
    until = now + timedelta(days=1) if over else None
    each = (DeviceEnding("srv-1", "found"), DeviceEnding("srv-2", device)) if device else ()
    outcome = Outcome("a-hunt", "A hunt", ending, window=Window(now - LATER, now, over=until), devices=each)
    return Decision((outcome,), (), (), {"a-hunt@1 device:srv-1": until} if ending == "found" or over else {})


def work(app: Deployment, **fields: object) -> Work:
    """Return a run of the watch."""
    return replace(Work("0a" * 16, app.now(), "digest", incident_id="4101", source="watch"), **fields)


async def test_an_open_window_is_looked_at_when_it_is_over(app: Deployment) -> None:
    """So it is after a late look, too; its note names the time, with its zone."""
    decision = decided(app, "found", over=True)
    first = late_work(app.tools, work(app), PLAN, decision, unsaid=False)
    second = late_work(app.tools, work(app, source="late"), PLAN, decision, unsaid=False)
    (note,) = late_note(app.tools, work(app), PLAN, decision)

    assert first
    assert second
    assert (app.now() + timedelta(days=1), "late", "runs", "") == (
        first.requested, first.source, first.queue, first.body_digest
    )  # fmt: skip
    assert f"Looks again at {first.requested:%Y-%m-%d %H:%M} UTC, and" in note


@pytest.mark.parametrize(
    ("ending", "device"),
    [("notRun", None), ("noTelemetry", None), ("found", "notRun"), ("found", "noTelemetry")],
)
async def test_what_failed_is_tried_again_two_hours_later(
    app: Deployment, ending: Ending, device: Ending | None
) -> None:
    """Once, and not after a late look; where nothing failed and the window was over, nothing follows."""
    decision = decided(app, ending, device=device)
    again = late_work(app.tools, work(app), PLAN, decision, unsaid=False)

    assert again
    assert app.now() + LATER == again.requested
    assert not late_work(app.tools, work(app, source="late"), PLAN, decision, unsaid=False)
    assert not late_work(app.tools, work(app), PLAN, decided(app, "found"), unsaid=False)


async def test_what_was_not_told_or_left_is_tried_two_hours_later(app: Deployment) -> None:
    """What is left to a later run follows a late look, too; what was not told does not."""
    decision, late = decided(app, "found"), work(app, source="late")
    untold = late_work(app.tools, work(app), PLAN, decision, unsaid=True)
    left = late_work(app.tools, late, replace(PLAN, left=True), decision, unsaid=False)

    assert untold
    assert left
    assert app.now() + LATER == untold.requested == left.requested
    assert not late_work(app.tools, late, PLAN, decision, unsaid=True)


async def test_a_run_that_settles_nothing_is_not_followed(app: Deployment) -> None:
    """Nor is one without an incident, or that had nothing to hunt."""
    decision = decided(app, "found", over=True)

    assert not late_work(app.tools, work(app, comment=False), PLAN, decision, unsaid=False)
    assert not late_work(app.tools, work(app, lookback=LATER), PLAN, decision, unsaid=False)
    assert not late_work(app.tools, work(app), Plan(), decision, unsaid=False)
    assert not late_work(app.tools, work(app), PLAN, Decision((), (), ()), unsaid=True)
