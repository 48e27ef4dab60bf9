"""What waits for the watch: a backlog, more than the quota allows, and what is listed late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.telemetry.engine import timestamp
from sandbox.tenant import incidents
from shared.watch import LookCounts, look
from shared.work import work_on
from tests.support.quiet import started
from tests.support.tenant import Deployment, Fleet


async def one_left(app: Deployment) -> dict[str, Any]:
    """Open ten incidents of high severity, let a look start nine, and return the one that waits."""
    for _ in range(10):
        incidents.generate(app.tenant, severity="high")
    await look(app.tools)
    sent = {incident for _, incident in await started(app)}
    (left,) = app.tenant.incidents.keys() - sent
    return app.tenant.incidents[left]


async def test_a_backlog_goes_in_turns_and_delays_nothing_new(app: Deployment) -> None:
    """Each look starts what a minute's quota allows, by severity and age; a new incident starts at once."""
    await look(app.tools)
    start = app.now()
    app.clock = start + timedelta(hours=20)
    grave, ages = ("low", "high", "medium"), range(1_000)
    for age in ages:
        at = start + timedelta(minutes=age + 1)
        incidents.generate(app.tenant, at=at, severity=grave[age % 3])
    first = await look(app.tools)
    early = await started(app)
    app.clock = app.now() + timedelta(minutes=1)
    new = incidents.generate(app.tenant, severity="low")
    await look(app.tools)
    late = await started(app)
    known = app.tenant.incidents
    severities = [known[incident]["severity"] for _, incident in early]

    assert (1_000, 9, 991) == (first.changed, first.started, first.waiting)
    assert ["high", "medium", "high", "low", "high", "medium", "high", "high", "medium"] == severities
    assert {"runs"} == {queue for queue, _ in early}
    for severity in grave:
        opened = [known[i]["createdDateTime"] for _, i in early if known[i]["severity"] == severity]
        assert sorted(opened) == opened
    assert ("runs", new["id"]) in late
    assert 9 == len(late)


async def test_a_look_starts_no_more_new_incidents_than_the_quota_allows(app: Deployment) -> None:
    """With 45 calls a minute and five hunts it is nine a look; the others wait for the next ones."""
    for _ in range(20):
        incidents.generate(app.tenant, severity="high")

    assert [9, 9, 2, 0] == [(await look(app.tools)).started for _ in range(4)]


async def test_an_incident_without_news_takes_no_other_ones_start(app: Deployment) -> None:
    """Our own comments update incidents: these are settled, and nine others are started all the same."""
    for _ in range(9):
        incidents.generate(app.tenant, severity="high")
    await look(app.tools)
    for _, run, _ in tuple(app.messages):
        await work_on(app.tools, run)
    app.messages.clear()
    app.clock = app.now() + timedelta(minutes=1)
    for incident in app.tenant.incidents.values():
        incidents.update(app.tenant, incident)
    for _ in range(10):
        incidents.generate(app.tenant, severity="high")

    assert LookCounts(changed=19, started=9, settled=9, waiting=1) == await look(app.tools)


async def test_an_incident_that_changes_while_it_waits_keeps_its_place(app: Deployment) -> None:
    """It does not fall behind those that came after it."""
    last = await one_left(app)
    app.clock = app.now() + timedelta(minutes=1)
    incidents.update(app.tenant, last, createdDateTime=timestamp(app.now() + timedelta(seconds=1)))
    for _ in range(9):
        incidents.generate(app.tenant, severity="high")
    await look(app.tools)

    assert last["id"] == (await started(app))[0][1]


async def test_an_incident_that_is_closed_while_it_waits_is_not_hunted(app: Deployment) -> None:
    """It waited for the quota and was resolved meanwhile: nothing is left to start."""
    last = await one_left(app)
    app.clock = app.now() + timedelta(minutes=1)
    incidents.update(app.tenant, last, status="resolved")

    assert LookCounts() == await look(app.tools)


@pytest.mark.fault("C", before="with max() left out, an incident from before WATCH_LOOKBACK was given a run")
async def test_the_watermark_never_goes_back(fleet: Fleet) -> None:
    """With a lookback of 5 minutes, an incident from 10 minutes before the first look is given no run."""
    app = Deployment(fleet, planted_open=False, WATCH_LOOKBACK="PT5M")
    incidents.generate(app.tenant, at=app.now() - timedelta(minutes=10))
    looks = [await look(app.tools)]
    app.clock = app.now() + timedelta(minutes=1)
    looks.append(await look(app.tools))
    await app.close()

    assert [LookCounts()] * 2 == looks


@pytest.mark.fault(
    "C",
    before="1 == 0: after an outage of just under 6 hours the overlap shrank, and late listings were lost",
)
async def test_what_is_listed_late_is_found_after_an_outage_of_any_length(app: Deployment) -> None:
    """Whatever the step at which a look ends, the next one covers 15 minutes again."""
    await look(app.tools)
    app.clock = app.now() + timedelta(hours=6) - timedelta(minutes=10)
    await look(app.tools)
    late = incidents.generate(app.tenant, at=app.now() - timedelta(minutes=10))
    app.clock = app.now() + timedelta(minutes=1)

    assert 1 == (await look(app.tools)).started
    assert late["id"] == (await started(app))[0][1]


@pytest.mark.parametrize(
    ("late", "starts"), [(timedelta(minutes=14, seconds=50), 1), (timedelta(minutes=16), 0)]
)
async def test_looks_overlap_by_a_quarter_of_an_hour(app: Deployment, late: timedelta, starts: int) -> None:
    """An incident that is listed a little less than 15 minutes after it opened is found, a later one is not."""
    await look(app.tools)
    app.clock = app.now() + timedelta(hours=1)
    await look(app.tools)
    incidents.generate(app.tenant, at=app.now() - late)

    assert starts == (await look(app.tools)).started


async def test_looks_that_are_far_apart_start_as_much_more(app: Deployment) -> None:
    """With a look every five minutes it is 45 runs, and after a single long gap still nine."""
    counts = []
    for minutes in (1, 60, 1, 5, 5):
        app.clock = app.now() + timedelta(minutes=minutes)
        for _ in range(50):
            incidents.generate(app.tenant, severity="high")
        counts.append((await look(app.tools)).started)

    assert [9, 9, 9, 9, 45] == counts


async def test_turns_go_on_where_the_last_look_stopped(fleet: Fleet) -> None:
    """With a quota of one run a look, the second look is medium severity's."""
    app = Deployment(fleet, planted_open=False, HUNTS_PER_MINUTE="5")
    for severity in ("high", "high", "high", "medium"):
        incidents.generate(app.tenant, severity=severity)
    order = []
    for _ in range(4):
        await look(app.tools)
        order += await started(app)
    await app.close()

    assert ["high", "medium", "high", "high"] == [app.tenant.incidents[i]["severity"] for _, i in order]


async def test_a_merged_incident_has_the_ledger_of_the_one_it_went_into(app: Deployment) -> None:
    """While it waited it was merged into an incident that was hunted: it has no news."""
    into = app.tenant.open("exfiltration")
    assert into
    await app.enrich(incidentId=into["id"])
    app.messages.clear()
    await look(app.tools)
    app.clock = app.now() + timedelta(minutes=1)
    merged = incidents.generate(app.tenant)
    await app.tools.ledger.take(f"defender-{merged['id']}", "0" * 32, {"x": None}, app.now())
    incidents.update(app.tenant, merged, redirectIncidentId=into["id"], alerts=[])

    assert LookCounts(changed=1, settled=1) == await look(app.tools)


async def test_an_incident_that_was_never_hunted_is_not_read(app: Deployment) -> None:
    """Its run reads it: the look calls Graph for the list alone."""
    incidents.generate(app.tenant)
    await look(app.tools)

    assert 1 == app.calls("incident")
