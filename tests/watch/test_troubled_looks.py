"""The watch where incidents hang, cannot be read or are odd, and where time or a queue runs out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sandbox.telemetry.engine import timestamp
from sandbox.tenant import incidents
from shared.watch import LookCounts, Within, look
from shared.work import work_on
from tests.support.tenant import Deployment

SHORT = Within(listing=1.5, starting=1.2, asking=0.3)


async def known(app: Deployment, severity: str = "high") -> dict[str, Any]:
    """Open an incident on which something was hunted before, so that the watch reads it."""
    incident = incidents.generate(app.tenant, severity=severity)
    await app.tools.ledger.take(f"defender-{incident['id']}", "0" * 32, {"x": None}, app.now())
    return incident


def hang(app: Deployment, incident: dict[str, Any]) -> None:
    """Let no call that reads *incident* be answered."""
    app.tenant.faults.add(match="incident", contains=f"/incidents/{incident['id']}", times=99, delay=3_600)


async def started(app: Deployment) -> list[str]:
    """Return the incident of each run that was sent, and forget the messages."""
    runs = [(await app.read(run)).work.incident_id for _, run, _ in app.messages]
    app.messages.clear()
    return runs


@pytest.mark.fault("A29", before="TimeoutError: the look hung")
async def test_incidents_that_hang_hold_up_neither_the_look_nor_others(app: Deployment) -> None:
    """Forty that cannot be read go to the end of the line, and one behind them is started by the third look."""
    stuck = [await known(app) for _ in range(40)]
    other = incidents.generate(app.tenant, severity="high")
    for incident in stuck:
        hang(app, incident)
    async with asyncio.timeout(20):
        looks = [await look(app.tools, SHORT) for _ in range(3)]
    told = await started(app)

    assert [other["id"]] == told
    assert 40 == looks[-1].waiting


@pytest.mark.parametrize("tried", [0, 1])
async def test_an_incident_that_is_not_readable_goes_to_the_end_of_the_line(
    app: Deployment, tried: int
) -> None:
    """
    It is older than the others, but those that wait with it have their runs before its next try.

    This holds whether it was listed together with them or was *tried* before.
    """
    odd = await known(app)
    incidents.update(app.tenant, odd, createdDateTime=timestamp(app.now() - timedelta(minutes=1)))
    app.tenant.faults.add(match="incident", contains=f"/incidents/{odd['id']}", status=404, times=1 + tried)
    for _ in range(tried):
        await look(app.tools)
        app.clock += timedelta(minutes=1)
    for _ in range(12):
        incidents.generate(app.tenant, severity="high")
    await look(app.tools)
    first = await started(app)
    app.clock += timedelta(minutes=1)
    await look(app.tools)
    second = await started(app)

    assert (9, 4) == (len(first), len(second))
    assert odd["id"] == second[-1]


@pytest.mark.fault("A29", before="TimeoutError: the look hung")
async def test_an_incident_that_hangs_is_given_its_run_after_five_looks(app: Deployment) -> None:
    """Nothing is lost: the run reads the incident itself, and goes where no caller waits."""
    stuck = await known(app)
    hang(app, stuck)
    async with asyncio.timeout(20):
        looks = [await look(app.tools, SHORT) for _ in range(6)]

    assert [0, 0, 0, 0, 0, 1] == [each.started for each in looks]
    assert [1, 1, 1, 1, 1, 0] == [each.waiting for each in looks]
    assert ["runs"] == [queue for queue, _, _ in app.messages]
    assert [stuck["id"]] == await started(app)


@pytest.mark.fault("A29", before="TimeoutError: the look hung")
async def test_a_list_that_hangs_holds_up_no_incident_that_waits(app: Deployment) -> None:
    """What an earlier look listed is started, and the look after that lists what this one could not."""
    first = incidents.generate(app.tenant)
    send, app.messages = app.messages, None  # type: ignore[assignment]  # what is sent fails
    await look(app.tools, SHORT)
    app.messages = send
    second = incidents.generate(app.tenant)
    app.tenant.faults.add(match="incident", delay=3_600)
    async with asyncio.timeout(20):
        hung = await look(app.tools, SHORT)
    one = await started(app)
    await look(app.tools, SHORT)

    assert LookCounts(started=1) == hung
    assert [first["id"]] == one
    assert [second["id"]] == await started(app)


async def test_a_look_that_is_cut_short_keeps_what_it_listed(app: Deployment) -> None:
    """Each step of the list is stored: when time is up, the next look goes on behind it."""
    await look(app.tools)
    opened = app.now()
    incidents.generate(app.tenant, at=opened + timedelta(hours=1))
    app.clock = opened + timedelta(hours=20)
    later = incidents.generate(app.tenant)
    app.tenant.faults.add(match="incident", delay=0)
    app.tenant.faults.add(match="incident", times=1, delay=3_600)
    cut = await look(app.tools, SHORT)
    rest = await look(app.tools, SHORT)

    assert (1, 1) == (cut.changed, cut.started)
    assert (1, 1) == (rest.changed, rest.started)
    assert later["id"] == (await started(app))[-1]


@pytest.mark.fault("A29", before="DecodeError: Input data was truncated, and no run was started")
async def test_one_odd_incident_holds_up_no_other(app: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    """Where its ledger is broken, the log names the type of the error; the others get their runs."""
    odd = await known(app)
    await app.tools.store.put(f"incidents/defender-{odd['id']}/000001", b'{"taken": ["secret')
    other = incidents.generate(app.tenant, severity="low")
    counts = await look(app.tools)

    assert LookCounts(changed=2, started=1, waiting=1) == counts
    assert [other["id"]] == await started(app)
    assert f"watch: incident {odd['id']} waits for another look: DecodeError" in caplog.messages
    assert "secret" not in caplog.text


@pytest.mark.fault("A29", before="(0, 1) == (1, 0): settled, and the incident's news was never hunted")
async def test_a_known_incident_that_is_not_readable_waits(app: Deployment) -> None:
    """Graph lists it and answers 404 for it: it counts as waiting, and is looked at again."""
    incident = await known(app)
    app.tenant.faults.add(match="incident", contains=f"/incidents/{incident['id']}", status=404)
    first, second = await look(app.tools), await look(app.tools)

    assert (0, 1) == (first.settled, first.waiting)
    assert (1, 0) == (second.started, second.waiting)


@pytest.mark.fault("A29", before="'failed' where the run should have waited")
async def test_a_run_of_the_watch_waits_until_its_incident_is_readable(app: Deployment) -> None:
    """A 404 right after listing is no end: the run waits 15 seconds, and then comments."""
    incident = app.tenant.open("exfiltration")
    assert incident
    await look(app.tools)
    run = app.messages.pop()[1]
    app.tenant.faults.add(match="incident", contains=f"/incidents/{incident['id']}", status=404)
    await work_on(app.tools, run)
    waiting = await app.read(run)
    delays = [delay for _, _, delay in app.messages]
    app.clock = app.now() + timedelta(seconds=15)
    await work_on(app.tools, run)

    assert (None, [15]) == (waiting.done, delays)
    assert waiting.wait
    assert f"incident {incident['id']} is not readable yet" in waiting.wait.reason
    assert "completed" == (await app.done(run)).status
    assert 1 == len(app.comments(incident["id"]))


async def test_a_run_stops_waiting_for_its_incident_after_half_an_hour(app: Deployment) -> None:
    """Its delays double up to 5 minutes; then it fails, and says which incident could not be read."""
    incident = incidents.generate(app.tenant)
    await look(app.tools)
    run, delays = app.messages.pop()[1], []
    del app.tenant.incidents[incident["id"]]
    await work_on(app.tools, run)
    while app.messages:
        delays.append(app.messages.pop()[2])
        app.clock += timedelta(seconds=delays[-1])
        await work_on(app.tools, run)
    done = await app.done(run)

    assert [15, 15, 30, 60, 120, 240, 300, 300, 300, 300, 300] == delays
    assert "failed" == done.status
    assert done.reason.startswith(f"incident {incident['id']} cannot be read: ")


async def test_a_run_of_a_person_does_not_wait_for_an_unknown_incident(app: Deployment) -> None:
    """A number that was mistyped fails at once."""
    done = await app.enrich(incidentId="999999")

    assert "failed" == done.status
    assert 1 == len(app.messages)
