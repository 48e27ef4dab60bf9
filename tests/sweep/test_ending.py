"""How a sweep's hunts end, so that nothing which was not looked at reads as nothing found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.model.hunt import AppliesTo
from shared.model.outcome import Window
from shared.model.record import CommentResult
from shared.sweep.ending import coverage, sweep_outcome, sweep_status, sweep_verdict
from shared.sweep.fleet import DeviceKind, Fleet
from shared.sweep.summary import Lost, SweepSummary

END = datetime(2026, 11, 24, 6, tzinfo=UTC)
WHOLE = SweepSummary(
    "egress", "Egress", "id", "1.0.0", Window(END - timedelta(days=7), END), END - timedelta(days=1), 5, 1.0, 1,
    rows=9, devices=3,
)  # fmt: skip
LINUX, EMPTY = Fleet((DeviceKind("Linux", "Server", 5),)), Fleet()
REASON = "its query runs longer than the 3 minutes that Graph allows"
PARTLY = {"coverage": 0.75, "lost": (Lost("c0-ff", 0.25, REASON),)}


@pytest.mark.parametrize(
    ("fields", "fleet", "ending", "reason"),
    [
        ({}, LINUX, "nothingFound", ""),
        ({"new_rows": 2}, LINUX, "found", ""),
        ({"new_rows": 2, **PARTLY}, LINUX, "found", f"75 % of the fleet was looked at: {REASON}"),
        (PARTLY, LINUX, "notRun", f"nothing new in 75 % of the fleet; in the rest: {REASON}"),
        ({"coverage": 0.0, "lost": (Lost("00-ff", 1.0, REASON),)}, LINUX, "notRun", REASON),
        ({"rows": 0, "fleet": 0}, LINUX, "notApplicable", "the fleet has no device of the kind that the hunt is for"),
        ({"rows": 0, "fleet": 0}, EMPTY, "noTelemetry", "no device has reported to Defender in the window"),
        ({"rows": 0, "fleet": None}, Fleet(failure="no"), "nothingFound", ""),
    ],
)  # fmt: skip
def test_ending(fields: dict[str, Any], fleet: Fleet, ending: str, reason: str) -> None:
    """A hunt found nothing only where the whole fleet was looked at, and there is one."""
    ended = sweep_outcome(replace(WHOLE, **fields), fleet)

    assert (ending, reason) == (ended.outcome, ended.reason)


@pytest.mark.parametrize(
    ("fields", "comments", "status"),
    [
        ([{}], (), "completed"),
        ([{}, {"coverage": 0.0}], (), "completedWithFailures"),
        ([{"coverage": 0.0}], (), "failed"),
        ([{"new_rows": 1, **PARTLY}], (), "completedWithFailures"),
        ([{}], (CommentResult("1", "failed", "no"),), "completedWithFailures"),
    ],
)
def test_status(fields: list[dict[str, Any]], comments: tuple[CommentResult, ...], status: str) -> None:
    """A sweep is completed where every hunt looked at all, and every comment was written."""
    summaries = [replace(WHOLE, **each) for each in fields]
    outcomes = [sweep_outcome(summary, LINUX) for summary in summaries]

    assert status == sweep_status(outcomes, coverage(summaries), comments)


def test_verdict() -> None:
    """The verdict says what is new where, what could not be run, and how much of the fleet that is about."""
    new = replace(WHOLE, new_rows=20, new_destinations=12, new_devices=1)
    every = [new, replace(WHOLE, hunt="archive", **PARTLY)]
    outcomes = [sweep_outcome(summary, LINUX) for summary in every]

    assert "sweep of 1 hunt: nothing new; coverage 100 %" == sweep_verdict([WHOLE], [outcomes[0]])
    assert (
        "sweep of 2 hunts: egress 12 new destinations on 1 device; 1 could not be run in full; coverage 75 %"
    ) == sweep_verdict(every, outcomes)
    assert "none has a sweep block" in sweep_verdict([], [])


def test_fleet_size() -> None:
    """Devices of a kind that is not known count as those that a hunt may be for."""
    fleet = Fleet(
        (
            DeviceKind("Linux", "Server", 5),
            DeviceKind("Linux", "", 2),
            DeviceKind("Windows11", "Workstation", 4),
        )
    )
    assert 7 == fleet.size(AppliesTo(("Linux",), ("Server",)))
    assert 11 == fleet.size(AppliesTo())
    assert None is Fleet(failure="no").size(AppliesTo())
