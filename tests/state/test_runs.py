"""Runs in the store: which calls are the same run, and how a run stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore

from shared.errors import KeyReused
from shared.model.record import Done, Plan, Run, Wait, Work
from shared.pages.summary import progress_of, summary
from shared.state.objects import Store
from shared.state.runs import Runs

DAYS = timedelta(days=30)
NOW = datetime.now(UTC)


class Kept:
    """Runs that are served for 30 days, and the ids that were sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        # Who asks whether a run has expired asks the machine's own clock: this one must not stand far behind it.
        self.now = datetime.now(UTC)
        self.runs = Runs(Store(MemoryStore()), lambda _queue, run, _delay: self.sent.append(run), days=30)

    async def post(self, ago: timedelta = timedelta(0), *, body: str = "body", key: str = "key") -> str:
        """Start what a call with this *key* and *body* asked for some time *ago*, and return its run."""
        run, before = self.runs.ids(key, self.now - ago)
        work = Work(run, self.now - ago, body)
        return (await self.runs.start(work, chosen_key=True, before=before)).run_id


@pytest.mark.fault("A27", before="RunNotFound: run … has expired: runs are kept for 30 days (FINDINGS_DAYS)")
@pytest.mark.parametrize("days", [30.01, 45, 59, 61, 400])
async def test_an_expired_key_starts_new_work(days: float) -> None:
    """Its new run is one, however often the call is repeated, and has nothing of the old one's record."""
    kept = Kept()
    old = await kept.post(timedelta(days=days))
    await kept.runs.finish(Work(old, NOW, ""), Done("completed", "nothing found", NOW - timedelta(days=days)))
    new = {await kept.post(body="another") for _ in range(3)}

    assert {old} != new
    assert 1 == len(new)
    assert (await kept.runs.read(new.pop())).done is None


@pytest.mark.parametrize("days", [0, 1, 15, 29.99])
async def test_a_key_is_one_run_until_it_expires(days: float) -> None:
    """This holds whenever in these days the call is repeated; another body is refused."""
    kept = Kept()
    run = await kept.post(timedelta(days=days))

    assert run == await kept.post()
    with pytest.raises(KeyReused):
        await kept.post(body="another")


async def test_calls_without_a_key_are_runs_of_their_own() -> None:
    """So are calls with two keys."""
    kept = Kept()
    runs = {await kept.post(key=key) for key in ("", "", "a", "b")}

    assert 4 == len(runs) == len(kept.sent)


@pytest.mark.fault("A27", before="'running' == 'waiting'")
@pytest.mark.parametrize(
    ("plan", "left", "expected"),
    [
        (Plan(), timedelta(seconds=-1), "running"),
        (None, timedelta(0), "queued"),
        (Plan(), timedelta(minutes=1), "waiting"),
    ],
)
def test_a_run_waits_no_longer_than_until(plan: Plan | None, left: timedelta, expected: str) -> None:
    """Once the wait is over, the run is worked on again, and its body has no reason to wait."""
    run = Run(Work("0" * 32, NOW, ""), plan, wait=Wait("Graph throttles", NOW + left)).as_of(NOW)

    assert expected == progress_of(run)
    assert ("waiting" == expected) == ("waiting" in summary(run, NOW, "https://outrider.example.com"))
