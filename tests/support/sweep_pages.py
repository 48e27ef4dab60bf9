"""Sweeps that have ended, with made-up results, to be shown on their pages."""

from __future__ import annotations

from datetime import timedelta

from shared.model.outcome import Window
from shared.model.record import Done, Plan, PlannedHunt, Run, Work
from shared.sweep import ending
from shared.sweep.fleet import Fleet
from shared.sweep.parts import Part
from shared.sweep.report import Swept
from shared.sweep.summary import Day, Destination, Lost, NewRow, Process, SweepSummary

from .said import NOW, RUN_ID
from .sweeping import SERVERS

WEEK = Window(NOW - timedelta(days=7), NOW)

TIME = "2026-03-10T02:14:05.1234567Z"

QUARTERS = [(Part(first, first + 63), 90_000) for first in range(0, 256, 64)]


def new_row(text: str = "x", process: str = "curl", rarity: int = 1) -> NewRow:
    """Return a new row with this *process* and *rarity*, whose other free texts are *text*."""
    details = {"Protocol": "Tcp", "NetCmd": f"{process} --silent --show-error {text}"}
    return NewRow(
        text, "a" * 40, process, text, (text,), details, 3, TIME, TIME, rarity, 1, 1, rarity
    )  # fmt: skip


def sweep_summary(
    hunt: str = SERVERS, text: str = "x", rows: int = 12, lost: tuple[Lost, ...] = ()
) -> SweepSummary:
    """
    Return a hunt's summary with *rows* new rows, of which at most 1,000 are listed.

    Its free texts are *text*. *lost* are the parts of the fleet that were not searched.
    """
    return SweepSummary(
        hunt, "A title", "id", "1.0.0", WEEK, NOW - timedelta(days=1), 400, 1 - sum(each.share for each in lost), 4, lost,
        rows=12_345, devices=380, destinations=900, new_rows=rows, new_devices=7, new_destinations=rows, first_destinations=3,
        days=tuple(Day(WEEK.start + timedelta(days=n), 90 - 10 * n, 90 * n) for n in range(7)),
        processes=(Process(text, 1_000, 80, 70), Process("x", 1, 1, 1)),
        rarest=(Destination(text, 1, 1, TIME, TIME, (text,), (text,), new=True),),
        ranked=tuple(new_row(text, f"tool-{n}", n + 1) for n in range(min(rows, 1_000))),
    )  # fmt: skip


def swept(
    *summaries: SweepSummary, parts: list[tuple[Part, int]] | None = None
) -> tuple[Run, dict[str, Swept]]:
    """
    Return a sweep that has ended, and the summary and the parts of each hunt, by the hunt's name.

    *parts* are those of every hunt, each with its number of rows; by default, one part has 12,345 rows.
    """
    outcomes = [ending.sweep_outcome(each, Fleet()) for each in summaries]
    status = ending.sweep_status(outcomes, ending.coverage(summaries), ())
    done = Done(status, ending.sweep_verdict(summaries, outcomes), NOW, tuple(outcomes))
    plan = Plan(hunts=tuple(PlannedHunt(each.hunt, WEEK) for each in summaries))
    whole = parts or [(Part(), 12_345)]
    return Run(sweep_work(), plan, done=done), {each.hunt: Swept(each, whole) for each in summaries}


def sweep_work() -> Work:
    """Return the work of a sweep of all hunts."""
    return Work(RUN_ID, NOW, "", queue="sweeps", kind="sweep")
