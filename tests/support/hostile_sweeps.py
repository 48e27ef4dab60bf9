"""Pages of sweeps in which an attacker chose every text."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from shared.model.outcome import Outcome
from shared.model.record import CommentResult, Plan, Run, Wait
from shared.settings import Settings
from shared.sweep.report import render_sweep
from shared.sweep.summary import Destination, Lost, Process

from .browser import HOSTILE
from .said import HUNTS, NOW
from .sweep_pages import QUARTERS, TIME, new_row, sweep_summary, sweep_work, swept
from .sweeping import ARCHIVES, DESKTOPS, SERVERS


def sweeps() -> dict[str, str]:
    """
    Return three pages of sweeps as HTML, by name.

    `done` is a sweep that has ended, and an attacker chose every text on its page. `waiting` waits for a
    reason that an attacker wrote, and `empty` ended without an outcome.
    """
    full = replace(
        sweep_summary(ARCHIVES, lost=tuple(Lost(f"{n:02x}-{n:02x}", 1 / 256, text) for n, text in enumerate(HOSTILE))),
        ranked=tuple(new_row(text, text or "curl") for text in HOSTILE),
        processes=tuple(Process(text, 1_000_000, 80_000, 70_000) for text in HOSTILE),
        rarest=tuple(Destination(text, 3, 2, TIME, TIME, HOSTILE, HOSTILE[:3], new=True) for text in HOSTILE),
        new_rows=len(HOSTILE),
    )  # fmt: skip
    run, hunts = swept(full, sweep_summary(SERVERS, rows=40), sweep_summary(DESKTOPS, rows=0), parts=QUARTERS)
    assert run.done
    others = tuple(Outcome(f"gone-{n}", "gone", "notRun", text) for n, text in enumerate(HOSTILE[:3]))
    done = replace(
        run.done, outcomes=(*run.done.outcomes, *others), comments=(CommentResult("4101", "failed", HOSTILE[1]),),
        verdict=f"sweep of 6 hunts on {HOSTILE[0]}", notes=HOSTILE,
    )  # fmt: skip
    wait = Wait(HOSTILE[1], NOW + timedelta(minutes=5))
    hunt = {"hunt": SERVERS, "partsDone": 3, "partsPlanned": 4, "rows": 123_456}
    progress = {"partsDone": 3, "partsPlanned": 4, "hunts": [hunt]}
    return {
        "done": render_sweep(replace(run, done=done), hunts, HUNTS, Settings()),
        "waiting": render_sweep(Run(sweep_work(), Plan(), wait=wait), {}, HUNTS, Settings(), progress),
        "empty": render_sweep(replace(run, done=replace(run.done, outcomes=())), {}, HUNTS, Settings()),
    }
