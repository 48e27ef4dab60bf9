"""Run records: each part is written once, and who comes second gets what the first has written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from shared.errors import KeyReused, NotSent, RunNotFound
from shared.model.finding import Found
from shared.model.outcome import Outcome, Window
from shared.model.record import Done, Plan, Run, Wait, Work
from shared.state.objects import Store
from shared.state.runs import Runs, run_id

RUN = "0a" * 16
NOW = datetime.now(UTC)
WORK = Work(RUN, NOW, "digest", incident_id="4101", hunts=("a",), queue="runs")
DONE = Done("completed", "nothing", NOW)


class Sent(Runs):
    """Runs of 30 days in memory, which remember what they sent."""

    def __init__(self, *, refused: bool = False) -> None:
        self.messages: list[tuple[str, str, int]] = []
        self.refused = refused
        super().__init__(Store(MemoryStore()), self.deliver)

    def deliver(self, queue: str, run: str, delay: int) -> None:
        """Remember a message, or refuse it."""
        if self.refused:
            raise ConnectionError("secret")
        self.messages.append((queue, run, delay))


@pytest.fixture
def runs() -> Sent:
    """No run yet."""
    return Sent()


def test_a_key_always_names_the_same_run() -> None:
    """Other keys name others, and without a key every run is new; all have 32 hex digits."""
    named = [run_id("a"), run_id("a"), run_id("b"), run_id(""), run_id("")]

    assert named[0] == named[1]
    assert "95d6d9d99159530daa5329870a3a1750" == named[0]
    assert 4 == len(set(named))
    assert {32} == {len(bytes.fromhex(name)) * 2 for name in named}


async def test_a_run_is_stored_and_sent_to_its_queue(runs: Sent) -> None:
    """The message holds the id alone, and is due at once."""
    assert await runs.start(WORK, chosen_key=True) == WORK
    assert await runs.work(RUN) == WORK
    assert [("runs", RUN, 0)] == runs.messages


async def test_a_run_that_is_started_again_is_only_sent_again(runs: Sent) -> None:
    """What was asked first counts, and the message goes to that run's queue."""
    await runs.start(WORK, chosen_key=True)
    other = replace(WORK, hunts=("b",), queue="urgent")

    assert await runs.start(other, chosen_key=True) == WORK
    assert [("runs", RUN, 0)] * 2 == runs.messages


async def test_a_run_that_has_ended_is_not_sent_again(runs: Sent) -> None:
    """Its work is returned, so that the caller finds the result."""
    await runs.start(WORK, chosen_key=True)
    await runs.finish(WORK, DONE)

    assert await runs.start(WORK, chosen_key=True) == WORK
    assert 1 == len(runs.messages)


async def test_a_chosen_key_takes_one_body(runs: Sent) -> None:
    """With another body it is refused and nothing is sent; a key of our own making is not."""
    await runs.start(WORK, chosen_key=True)
    other = replace(WORK, body_digest="other")

    with pytest.raises(KeyReused, match="use a new key for new work"):
        await runs.start(other, chosen_key=True)
    assert 1 == len(runs.messages)
    assert await runs.start(other, chosen_key=False) == WORK
    assert 2 == len(runs.messages)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (timedelta(seconds=90, milliseconds=900), 90),
        (timedelta(days=6), 518_400),
        (timedelta(days=7), 518_400),
    ],
)
async def test_a_delay_is_whole_seconds_and_at_most_six_days(
    runs: Sent, delay: timedelta, seconds: int
) -> None:
    """Azure deletes a message after seven days."""
    await runs.send(WORK, delay)

    assert [("runs", RUN, seconds)] == runs.messages


async def test_a_message_that_cannot_be_sent_is_an_error_without_its_words() -> None:
    """It names the run and the kind of error, and the run is stored."""
    runs = Sent(refused=True)

    with pytest.raises(NotSent) as refused:
        await runs.start(WORK, chosen_key=True)

    assert f"run {RUN} is stored but could not be sent: ConnectionError" == str(refused.value)
    assert await runs.work(RUN) == WORK


@pytest.mark.parametrize("name", ["0b" * 16, "0A" * 16, f"{RUN}0", "", "../secret", "x" * 100])
async def test_an_unknown_run_is_not_found(runs: Sent, name: str) -> None:
    """Its name is shown as it was given, up to 40 characters."""
    await runs.start(WORK, chosen_key=True)

    with pytest.raises(RunNotFound) as missing:
        await runs.work(name)

    assert f"there is no run {name[:40]!r}" == missing.value.message


async def test_a_run_is_served_for_its_days(runs: Sent) -> None:
    """After that it is not found, and the message says why; an hour before, it is."""
    for number, age in enumerate((timedelta(days=30, hours=1), timedelta(days=30, hours=-1))):
        name = f"{number:032x}"
        await runs.start(replace(WORK, run_id=name, requested=NOW - age), chosen_key=True)

    with pytest.raises(RunNotFound, match=f"run {0:032x} has expired: runs are kept for 30 days"):
        await runs.read(f"{0:032x}")
    assert (await runs.read(f"{1:032x}")).work.incident_id == "4101"
    assert NOW + timedelta(days=30) == runs.expires(WORK)


async def test_a_new_run_has_nothing_but_its_work(runs: Sent) -> None:
    """No plan, no finding, no wait and no end."""
    await runs.start(WORK, chosen_key=True)
    run = await runs.read(RUN)

    assert (WORK, None, {}, None, None) == (run.work, run.plan, run.found, run.wait, run.done)
    assert None is await runs.done(RUN)


async def test_everything_of_a_run_is_read_but_its_rows(runs: Sent) -> None:
    """Its plan, every hunt's summary by its name, the latest wait and the end, and nothing of another run."""
    await runs.start(WORK, chosen_key=True)
    plan, late = Plan(incident_id="4101"), Wait("late", NOW)
    found = {name: Found(name, rows=1) for name in ("b", "a")}
    await runs.store_plan(RUN, plan)
    for each in found.values():
        await runs.record(RUN, (each,), b"rows")
    for minutes, wait in ((10, late), (1, Wait("early", NOW))):
        await runs.wait(RUN, wait, NOW + timedelta(minutes=minutes))
    await runs.wait("0b" * 16, Wait("another run's", NOW), NOW + timedelta(days=1))

    run = await runs.read(RUN)

    assert (plan, found, late, None) == (run.plan, run.found, run.wait, run.done)


async def test_the_end_of_a_run_has_all_that_is_shown_of_it(runs: Sent) -> None:
    """Its request, its plan and what its hunts found, though all else that is stored of it were gone."""
    plan, window = Plan(incident_id="4101"), Window(NOW, NOW)
    found = {name: Found(name, rows=1, columns=("A",)) for name in ("b", "device-card")}
    done = replace(DONE, outcomes=(Outcome("b", "B", "found", "", window, found=found["b"]),))
    await runs.start(WORK, chosen_key=True)
    await runs.finish(WORK, done, plan, found)
    await runs.forget(f"runs/{RUN}/request")

    assert Run(WORK, plan, found, done=done) == await runs.read(RUN)
    assert await runs.done(RUN) == done


async def test_waits_within_a_second_are_in_order(runs: Sent) -> None:
    """Of two in the same second, the later one counts."""
    await runs.start(WORK, chosen_key=True)
    start = NOW.replace(microsecond=0)
    for milliseconds in (2, 10, 1):
        await runs.wait(RUN, Wait(str(milliseconds), NOW), start + timedelta(milliseconds=milliseconds))

    assert Wait("10", NOW) == (await runs.read(RUN)).wait


async def test_the_first_plan_counts(runs: Sent) -> None:
    """A second worker gets the plan of the first."""
    first, second = Plan(incident_id="1"), Plan(incident_id="2")

    assert [first, first] == [await runs.store_plan(RUN, plan) for plan in (first, second)]


async def test_a_run_ends_once(runs: Sent) -> None:
    """The second end is not recorded, and whoever tries is told."""
    again = replace(DONE, status="failed")

    assert (True, False) == (await runs.finish(WORK, DONE), await runs.finish(WORK, again))
    assert await runs.done(RUN) == DONE
