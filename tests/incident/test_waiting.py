"""How long a run waits: each trouble counts from when it began, and all of them together have an end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenant.state import HUNT
from shared.model.finding import Found
from shared.model.record import Work
from shared.state.entry import Standing
from shared.state.runs import run_id
from shared.state.standing import after, share
from shared.work import work_on
from tests.support.endings import BENIGN, EXFILTRATION, FILE_ORIGIN, outcome
from tests.support.tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.record import Done, Wait

ORIGIN = "file-origin"
LONGEST = timedelta(hours=24, minutes=30)


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Deployment]:
    """Outrider without a pace of its own, since a test lets hours pass within a second."""
    app = Deployment(fleet, HUNTS_PER_MINUTE="100000")
    yield app
    await app.close()


async def deliver(app: Deployment, run: str, after: timedelta) -> Wait | None:
    """Deliver a run *after* its start; return its wait, None if it is done."""
    app.ahead = after
    await work_on(app.tools, run)
    read = await app.read(run)
    return None if read.done else read.wait


async def waited_out(app: Deployment, run: str) -> Done:
    """Deliver a run every ten minutes until it is done, and return how it ended."""
    for _ in range(200):
        if await deliver(app, run, app.ahead) is None:
            return await app.done(run)
        app.ahead += timedelta(minutes=10)
    raise AssertionError("the run waits for ever")


def refuse(app: Deployment, status: int, *, hours: float, match: str = "hunt", **fault: Any) -> None:
    """Have the tenant refuse all such calls until *hours* after the run began."""
    app.tenant.faults.clear()
    app.tenant.faults.add(match=match, status=status, until=app.clock + timedelta(hours=hours), **fault)


@pytest.mark.fault("A14", before="assert None: the run had ended, its hunt not run after 2 hours")
async def test_seconds_of_an_outage_do_not_count_as_hours(app: Deployment) -> None:
    """After two and a half hours of throttling, a 503 for some seconds is waited for, and the hunt is run."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 429, hours=2.5, contains=FILE_ORIGIN)
    for hours in (0, 1, 2, 2.49):
        await deliver(app, run, timedelta(hours=hours))
    refuse(app, 503, hours=2.51, contains=FILE_ORIGIN)
    wait = await deliver(app, run, timedelta(hours=2.5))
    await deliver(app, run, timedelta(hours=2.55))

    assert wait
    assert wait.reason.startswith("Microsoft Graph does not answer")
    assert "found" == outcome(await app.done(run), ORIGIN).outcome


@pytest.mark.parametrize("match", ["incident", "hunt", "comment"])
async def test_an_outage_of_two_hours_ends_a_run(app: Deployment, match: str) -> None:
    """Whatever a run lacks, the incident, a hunt or its comment: it stops waiting two hours after its first 503."""
    run = await app.ask(incidentId=BENIGN)
    refuse(app, 503, hours=100, match=match)
    began = app.now()
    done = await waited_out(app, run)
    reasons = [done.reason, *(o.reason for o in done.outcomes), *(c.reason for c in done.comments)]

    assert timedelta(hours=2) <= done.finished - began <= timedelta(hours=2, minutes=10)
    assert any(reason.startswith("Microsoft Graph has not answered for 2 hours") for reason in reasons)


@pytest.mark.fault("A14", before="assert timedelta(seconds=10800) <= (… 2 h 10 min …)")
async def test_an_answer_begins_the_two_hours_anew(app: Deployment) -> None:
    """A comment that meets an outage is waited for as long as any, though the hunts waited before it."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 503, hours=1, contains=FILE_ORIGIN)
    for minutes in (0, 20, 40):
        await deliver(app, run, timedelta(minutes=minutes))
    refuse(app, 503, hours=100, match="comment")
    app.ahead = timedelta(hours=1)
    done = await waited_out(app, run)

    assert "found" == outcome(done, ORIGIN).outcome
    assert timedelta(hours=3) <= done.finished - app.clock < timedelta(hours=3, minutes=10)


@pytest.mark.fault("A14", before="assert None: the run had ended, its hunt not run after 2 hours")
async def test_an_answer_before_a_crash_ends_a_trouble(app: Deployment) -> None:
    """An answer that was stored by a worker which then died interrupts the silence as any other does."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 503, hours=1.5)
    for minutes in (0, 60):
        await deliver(app, run, timedelta(minutes=minutes))
    await app.tools.runs.record(run, (Found("device-card", at=app.clock + timedelta(minutes=100)),))
    refuse(app, 503, hours=100)
    wait = await deliver(app, run, timedelta(minutes=125))

    assert wait
    assert [app.now()] == list(wait.troubles.values())


@pytest.mark.fault("A14", before="assert None: the run had ended 24 hours after the request")
async def test_a_role_is_waited_for_a_day_from_when_it_was_missed(app: Deployment) -> None:
    """An hour of throttling before it does not shorten the day; the hunts then end as not run."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 429, hours=0.4)
    await deliver(app, run, timedelta(0))
    app.tenant.roles.discard(HUNT)
    early = await deliver(app, run, timedelta(minutes=25))
    late = await deliver(app, run, timedelta(hours=24, minutes=20))
    ended = await deliver(app, run, timedelta(hours=24, minutes=25))
    done = await app.done(run)

    assert early
    assert late
    assert ended is None
    assert "failed" == done.status
    assert "lacked the Graph application role ThreatHunting.Read.All for 24 hours" in done.outcomes[0].reason


@pytest.mark.fault("A14", before="'Microsoft Graph has not answered for 2 hours: Service Unavailable'")
async def test_troubles_that_take_turns_are_not_waited_for_for_ever(app: Deployment) -> None:
    """However they alternate, the run ends before the ledger frees, after 25 hours, what it took."""
    work = Work(run_id(""), app.now(), "", incident_id=EXFILTRATION, source="watch")
    await app.tools.runs.start(work, chosen_key=False)
    run = work.run_id
    for number in range(60):
        refuse(app, (429, 503)[number % 2], hours=1_000, contains=FILE_ORIGIN)
        wait = await deliver(app, run, app.ahead)
        if wait is None:
            break
        app.ahead = max(wait.until - app.clock, min(app.ahead + timedelta(hours=1), LONGEST))
    done = await app.done(run)
    entries = await app.tools.ledger.entries(f"defender-{EXFILTRATION}")
    taken = [key for entry in entries for key in entry.taken]
    just_before = after(Standing(), 0, entries[0]), dict.fromkeys(taken), done.finished

    assert "it has waited for more than 24 hours in all" in outcome(done, ORIGIN).reason
    assert timedelta(hours=24) < done.finished - app.clock < timedelta(hours=25)
    assert frozenset() == share(*just_before).due


@pytest.mark.fault("A14", before="assert timedelta(seconds=82801) <= timedelta(seconds=1)")
async def test_a_wait_never_outlasts_the_end_of_a_run(app: Deployment) -> None:
    """Where Graph says to wait for a day, an hour before the run's end, the run tries again at its end."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 429, hours=23, contains=FILE_ORIGIN)
    await deliver(app, run, timedelta(0))
    refuse(app, 429, hours=100, contains=FILE_ORIGIN, retry_after=86_400)
    wait = await deliver(app, run, timedelta(hours=23.5))

    assert wait
    assert abs(wait.until - app.clock - LONGEST) <= timedelta(seconds=1)


@pytest.mark.fault("A17", before="Microsoft Graph throttles this tenant (429)")
async def test_our_own_pace_is_not_told_as_throttling(fleet: Fleet) -> None:
    """A run that HUNTS_PER_MINUTE holds back says that it waits for its turn, and so do its hunts if it never comes."""
    app = Deployment(fleet, HUNTS_PER_MINUTE="1")
    await app.tools.graph.run_hunting_query("DeviceInfo | take 1", "PT1H")
    run = await app.ask(incidentId=EXFILTRATION)
    wait = await deliver(app, run, timedelta(0))
    await deliver(app, run, timedelta(hours=24))
    done = await app.done(run)
    await app.close()
    why = "waiting for its turn: HUNTS_PER_MINUTE (1) is used up"

    assert wait
    assert why == wait.reason
    assert f"the run could not go on for 24 hours: {why}" in [o.reason for o in done.outcomes]


@pytest.mark.fault("A17", before="Microsoft Graph throttles this tenant (429)")
@pytest.mark.fault("H7", before="another worker is posting this comment: of the run's own earlier attempt")
async def test_a_runs_own_earlier_attempt_to_post_is_told_as_such(app: Deployment) -> None:
    """A run that meets its own comment's claim waits until that attempt is surely over, and says so."""
    app.tenant.faults.add(match="comment", status=503)
    run = await app.ask(incidentId=BENIGN)
    await deliver(app, run, timedelta(0))
    wait = await deliver(app, run, timedelta(seconds=50))

    assert wait
    assert "an earlier attempt of this run to post it may still get through" == wait.reason


@pytest.mark.fault("A14", before="assert False: 'Microsoft Graph does not answer: …', though it answered 400")
async def test_a_refusal_is_not_told_as_silence(app: Deployment) -> None:
    """Where Graph answers, but refuses to show the incident, the run says that, with the status."""
    run = await app.ask(incidentId=EXFILTRATION)
    refuse(app, 400, hours=100, match="incident")
    wait = await deliver(app, run, timedelta(0))
    done = await waited_out(app, run)

    assert wait
    assert wait.reason.startswith("Microsoft Graph refuses (400): ")
    assert done.reason.startswith("Microsoft Graph has refused (400) for 2 hours: ")
