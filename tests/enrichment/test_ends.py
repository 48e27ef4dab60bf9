"""Runs end truthfully when workers die, time runs out, answers are huge or the device card fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from sandbox.telemetry.engine import Engine
from shared.work import give_up, work_on
from tests.support.mortal import Killed, Life
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EXFILTRATION, BENIGN = "4101", "4106"
# Only file-origin asks for this column, and only the device card for that one.
FILE_ORIGIN, DEVICE_CARD = "FileOriginUrl", "SensorHealthState"
REASON = "it stopped the worker 5 times"


class Clockwork(asyncio.SelectorEventLoop):
    """An event loop whose clock can be moved forward."""

    ahead = 0.0

    def time(self) -> float:
        """Return the time in seconds, moved forward by `ahead`."""
        return super().time() + self.ahead


def at_length(scenario: Callable[[Clockwork], Awaitable[None]]) -> None:
    """Run *scenario* in an event loop whose clock it can move forward."""
    loop = Clockwork()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(loop))


@pytest.mark.parametrize("posting", [False, True])
async def test_giving_up_survives_a_worker_killed_at_any_call(fleet: Fleet, posting: bool) -> None:
    """Whichever call kills the worker, the next one ends the run, and no comment is written twice."""
    comments = set()
    for calls in range(1_000):
        app = Deployment(fleet, HUNT_BATCH="off")
        app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
        run = await app.ask(incidentId=EXFILTRATION, hunts=["archive-then-upload", "file-origin"])
        await work_on(app.tools, run)
        life = Life(calls)
        with suppress(Killed):
            await give_up(app.worker(life), run, REASON, posting=True)
        app.ahead = timedelta(minutes=10)
        await give_up(app.worker(), run, REASON, posting=posting)
        done, said = await app.done(run), len(app.comments(EXFILTRATION))
        await app.close()
        comments.add(said)

        assert {"file-origin": REASON} == {o.hunt: o.reason for o in done.outcomes if o.outcome == "notRun"}
        assert "completedWithFailures" == done.status, calls
        if not life.over:
            break

    assert calls > 8
    assert ({1} if posting else {0, 1}) == comments


def test_a_run_resumes_where_it_was_after_ten_minutes(fleet: Fleet) -> None:
    """At its deadline a run returns to its queue with what it has found; the next worker does the rest."""

    async def scenario(loop: Clockwork) -> None:
        """Let ten minutes pass while a hunt is still being answered."""
        app = Deployment(fleet, HUNT_BATCH="off")
        app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, delay=170)
        run = await app.ask(incidentId=EXFILTRATION)
        task = asyncio.create_task(work_on(app.tools, run))
        while len((await app.read(run)).found) < 4:
            await asyncio.sleep(0.01)
        loop.ahead = 601
        await task
        early, hunts = await app.read(run), app.calls("hunt")
        await work_on(app.tools, run)
        done, again = await app.done(run), app.calls("hunt") - hunts
        await app.close()

        assert early.wait
        assert "it takes longer than 10 minutes and goes on where it was" == early.wait.reason
        assert ("urgent", run, 0) == app.messages[1]
        assert (4, 1) == (len(early.found), again)
        assert "completed" == done.status
        assert 1 == len(app.comments(EXFILTRATION))

    at_length(scenario)


def test_giving_up_ends_after_ten_minutes_without_a_comment(fleet: Fleet) -> None:
    """Where the incident cannot be read, the run ends at its deadline and its comment counts as failed."""

    async def scenario(loop: Clockwork) -> None:
        """Let ten minutes pass while the incident is still being read."""
        app = Deployment(fleet, HUNT_BATCH="off")
        app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
        run = await app.ask(incidentId=EXFILTRATION)
        await work_on(app.tools, run)
        app.tenant.faults.add(match="incident", delay=170)
        task = asyncio.create_task(give_up(app.tools, run, REASON, posting=True))
        while app.tenant.faults.plan:
            await asyncio.sleep(0.01)
        loop.ahead = 601
        await task
        done = await app.done(run)
        await app.close()
        (comment,) = done.comments

        assert ("failed", "the run ended before it was known whether its comment was written") == (
            comment.status,
            comment.reason,
        )
        assert "completedWithFailures" == done.status
        assert [] == app.all_comments

    at_length(scenario)


class Counted(asyncio.Lock):
    """A lock that counts how often it was acquired."""

    taken = 0

    async def acquire(self) -> Literal[True]:
        """Acquire the lock and count it."""
        self.taken += 1
        return await super().acquire()


async def test_an_answer_over_two_megabytes_is_counted_in_full(fleet: Fleet) -> None:
    """Large answers are summarised one at a time, but grouped and shown like any other."""
    large = copy(fleet)
    large.engine = Engine()
    large.engine.load(
        "DeviceFileEvents",
        [
            {
                "Timestamp": fleet.end - timedelta(minutes=n),
                "DeviceId": f"{n % 3:040x}",
                "DeviceName": f"pc-{n % 3}.contoso.com",
                "FileName": f"{'part' if n else 'odd'}.bin",
                "FileOriginUrl": f"https://mirror.example{'/x' * 4_500}",
                "FileOriginIP": "203.0.113.200",
                "SHA1": f"{1:040x}",
            }
            for n in range(300)
        ],
    )
    app = Deployment(large)
    lock = Counted()
    run = await app.ask(incidentId=BENIGN)
    await work_on(msgspec.structs.replace(app.tools, large_answers=lock), run)
    done, raw = await app.done(run), await app.tools.runs.findings(run, "file-origin")
    (text,), (outcome,) = app.comments(BENIGN), done.outcomes
    await app.close()

    assert raw
    assert len(raw) > 2_000_000
    assert 1 == lock.taken
    assert ("completed", "found", 300, False) == (
        done.status, outcome.outcome, outcome.found.rows, outcome.found.more
    )  # fmt: skip
    # An indicator hunt's rows are counted by what they matched.
    assert {"203.0.113.200": 300} == {key: part.rows for key, part in outcome.found.per_entity.items()}
    assert [1, 99, 100, 100] == [group.count for group in outcome.found.groups]
    assert "\nFOUND (medium): file-origin: 300 rows on pc-0, pc-1, pc-2\n" in text
    assert len(text) <= 30_000


async def test_findings_stand_when_the_device_card_fails(fleet: Fleet) -> None:
    """Without the device card, a device hunt that returned no rows counts as not run."""
    app = Deployment(fleet)
    app.tenant.faults.add(match="hunt", contains=DEVICE_CARD, status=400, times=1_000)
    done = await app.enrich(incidentId=EXFILTRATION)
    (text,) = app.comments(EXFILTRATION)
    await app.close()
    note, again = done.notes

    assert "completedWithFailures" == done.status
    assert {
        "archive-then-upload": "found",
        "file-origin": "found",
        "linux-desktop-egress-baseline": "notRun",
        "linux-server-egress-baseline": "found",
    } == {outcome.hunt: outcome.outcome for outcome in done.outcomes}
    assert note.startswith("The device card could not be read: Graph refused the query (400)")
    assert again.startswith("Looks again at ")
    assert note in text
    assert "\nNOT RUN: linux-desktop-egress-baseline (it returned no rows, but the device card" in text
