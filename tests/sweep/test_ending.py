"""How the hunts of a sweep end: what was not looked at must never read as nothing found."""

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
from shared.sweep.summary import Lost, NewRow, SweepSummary

END = datetime(2026, 11, 24, 6, tzinfo=UTC)
WHOLE = SweepSummary(
    "egress", "Egress", "id", "1.0.0", Window(END - timedelta(days=7), END), END - timedelta(days=1), 5, 1.0, 1,
    rows=9, devices=3,
)  # fmt: skip
LINUX, EMPTY = Fleet((DeviceKind("Linux", "Server", 5),)), Fleet()
REASON = "its query runs longer than the 3 minutes that Graph allows"
UNDATED = "9 of 9 rows have no time in the column that tells what is new, so nobody knows whether they are"
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
        ({"rows": 0, "fleet": None}, Fleet(failure="no"), "notRun", "it returned no rows, but how many devices there are could not be read, so nobody knows whether any sent anything"),
        ({"undated": 9}, LINUX, "notRun", UNDATED),
        ({"undated": 9, "new_rows": 2}, LINUX, "found", UNDATED),
    ],
)  # fmt: skip
def test_nothing_found_needs_the_whole_fleet_looked_at(
    fields: dict[str, Any], fleet: Fleet, ending: str, reason: str
) -> None:
    """A part that was not looked at, or a fleet without devices for the hunt, is never *nothing found*."""
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
def test_a_sweep_completes_only_without_any_failure(
    fields: list[dict[str, Any]], comments: tuple[CommentResult, ...], status: str
) -> None:
    """A hunt cut short or a comment not written is a failure; where no hunt ran, the whole sweep failed."""
    summaries = [replace(WHOLE, **each) for each in fields]
    outcomes = [sweep_outcome(summary, LINUX) for summary in summaries]

    assert status == sweep_status(outcomes, coverage(summaries), comments)


def test_the_verdict_names_news_failures_and_coverage() -> None:
    """It counts what is new for each hunt and the hunts cut short, and says how much was looked at."""
    new = replace(WHOLE, new_rows=20, new_destinations=12, new_devices=1)
    every = [new, replace(WHOLE, hunt="archive", **PARTLY)]
    outcomes = [sweep_outcome(summary, LINUX) for summary in every]

    assert "sweep of 1 hunt: nothing new; coverage 100 %" == sweep_verdict([WHOLE], [outcomes[0]])
    assert (
        "sweep of 2 hunts: egress 12 new destinations on 1 device; not run in full: archive; coverage 75 %"
    ) == sweep_verdict(every, outcomes)
    assert "none that can be used has a sweep block" in sweep_verdict([], [])


def test_rows_without_an_address_are_no_destinations() -> None:
    """A command that deleted shadow copies went nowhere: the headline counts rows of such a hunt."""
    details = {"AccountName": "user1", "Command": "vssadmin delete shadows"}
    row = NewRow("pc-1", "a", "", "user1 · vssadmin delete shadows", (), details, 1, "", "", 1, 1, 1, 1)
    new = replace(WHOLE, new_rows=4, new_destinations=3, new_devices=1, ranked=(row,))
    outcomes = [sweep_outcome(new, LINUX)]
    talks = replace(new, ranked=(replace(row, destination="203.0.113.9"),))

    assert "egress 4 new rows on 1 device; " in sweep_verdict([new], outcomes)
    assert "egress 3 new destinations on 1 device; " in sweep_verdict([talks], outcomes)


@pytest.mark.fault(
    "A26", before="sweep of 2 hunts: egress 12 new destinations …; 1 could not be run; coverage 0 %"
)
def test_one_hunt_not_run_does_not_read_as_coverage_of_nothing() -> None:
    """The headline names the hunt that was not run, and gives the coverage of those that ran."""
    new = replace(WHOLE, new_rows=20, new_destinations=12, new_devices=1)
    every = [new, replace(WHOLE, hunt="archive", coverage=0.0, lost=(Lost("00-ff", 1.0, REASON),))]
    outcomes = [sweep_outcome(summary, LINUX) for summary in every]

    assert (
        "sweep of 2 hunts: egress 12 new destinations on 1 device; not run: archive; coverage 100 % of the hunts that ran"
    ) == sweep_verdict(every, outcomes)
    assert "sweep of 1 hunt: not run: archive" == sweep_verdict(every[1:], outcomes[1:])


@pytest.mark.fault("A26", before="sweep of 2 hunts: nothing new; 1 could not be run; coverage 0 %")
def test_nothing_new_is_said_of_hunts_that_ran_alone() -> None:
    """Where one hunt found nothing new and another was not run, the headline does not say nothing new of both."""
    every = [WHOLE, replace(WHOLE, hunt="archive", coverage=0.0, lost=(Lost("00-ff", 1.0, REASON),))]
    outcomes = [sweep_outcome(summary, LINUX) for summary in every]

    assert "sweep of 2 hunts: nothing new in the hunts that ran; not run: archive; " in sweep_verdict(
        every, outcomes
    )


@pytest.mark.fault("A26", before="27 new destinations on 1 device")
@pytest.mark.parametrize(
    ("devices", "said"),
    [
        (0, "egress 27 new destinations in rows that name no device; "),
        (2, "egress 27 new destinations on 2 devices, and in 30 rows without one; "),
    ],
)
def test_rows_without_a_device_are_on_no_device(devices: int, said: str) -> None:
    """The headline says that rows name no device, and counts only devices that are named."""
    new = replace(WHOLE, new_rows=40, new_destinations=27, new_devices=devices, nameless=30)

    assert said in sweep_verdict([new], [sweep_outcome(new, LINUX)])


def test_devices_of_unknown_type_count_for_every_hunt() -> None:
    """They may be of the kind that a hunt is for; a fleet that could not be counted has no size."""
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
