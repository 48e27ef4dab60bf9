"""What a caller may say of a Sentinel incident: its workspace, under which it is known, and its times."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import sentinel
from shared.model.record import Plan
from shared.model.times import read_time, write_time
from shared.pages.run import run_page
from shared.work import work_on
from tests.support.tenant import Deployment


def own(app: Deployment) -> dict[str, Any]:
    """Return an incident of Sentinel's own, which Defender does not have."""
    return app.tenant.standalone[0]


def elsewhere(body: dict[str, Any]) -> dict[str, Any]:
    """Return the trigger's body for an incident of the same GUID in another workspace, which Defender does not have."""
    arm_id = body["object"]["id"].replace("/workspaces/", "/workspaces/other-")
    return {**body, "object": {**body["object"], "id": arm_id}}


@pytest.mark.fault(
    "B5", before="assert 2 == len({'sentinel-5e89617e-…'}): both workspaces' incidents had one name"
)
async def test_an_incident_of_another_workspace_has_a_ledger_of_its_own(app: Deployment) -> None:
    """Though its GUID is the same, which a caller may choose, its run takes nothing of this one's."""
    body = sentinel.trigger(app.tenant, own(app))
    app.tenant.faults.add(match="sentinel", contains="/workspaces/other-", status=400, times=1_000)
    other, run = await app.playbook(elsewhere(body)), await app.playbook(body)
    for each in (other, run):
        await work_on(app.tools, each)
    plans = [plan for each in (other, run) if (plan := (await app.read(each)).plan)]
    names = {plan.incident for plan in plans}

    assert 2 == len(names)
    assert [re.fullmatch(r"sentinel-[0-9a-f]{32}", name) is not None for name in names] == [True, True]
    assert plans[0].hunts == plans[1].hunts
    assert 1 == len(app.sentinel_comments(own(app)))


def test_the_name_of_an_incident_is_that_of_its_resource_in_any_case() -> None:
    """Azure's ids have letters of either case, and the playbook and Resource Manager do not write the same."""
    arm_id = "/subscriptions/0/resourceGroups/Rg/providers/x/workspaces/w/providers/y/incidents/A"
    names = {Plan(arm_id, provider="sentinel").incident, Plan(arm_id.upper(), provider="sentinel").incident}

    assert 1 == len(names)
    assert "defender-4101" == Plan("4101").incident


async def test_an_incident_hunted_under_its_old_name_is_hunted_anew_and_not_told_twice(
    app: Deployment,
) -> None:
    """The ledger of versions before was named by the GUID, which anybody could take: it is not read any more."""
    source = own(app)
    body = sentinel.trigger(app.tenant, source)
    first = await app.playbook(body)
    await work_on(app.tools, first)
    plan = (await app.read(first)).plan
    assert plan
    for key in await app.tools.store.keys(f"incidents/{plan.incident}/"):
        entry = await app.tools.store.get(key)
        assert entry
        old = key.replace(plan.incident, f"sentinel-{sentinel.guid(source)}")
        await app.tools.store.put(old, entry)
        app.forget(key)
    hunts = app.calls("hunt")
    second = await app.playbook(body)
    await work_on(app.tools, second)

    assert 2 * hunts == app.calls("hunt")
    assert ["alreadyThere"] == [result.status for result in (await app.done(second)).comments]
    assert 1 == len(app.sentinel_comments(source))


@pytest.mark.parametrize("field", ["createdTimeUtc", "firstActivityTimeUtc", "lastActivityTimeUtc"])
@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00Z",
        "0001-12-31T23:59:59-14:00",
        "0002-01-01T00:00:00Z",
    ],
)
async def test_a_time_at_the_end_of_the_calendar_ends_no_run(app: Deployment, field: str, time: str) -> None:
    """Whatever a caller says of an incident's times, the run ends, and whoever reads it gets an answer."""
    body = sentinel.trigger(app.tenant, own(app))
    body["object"]["properties"][field] = time
    run = await app.playbook(body)
    await work_on(app.tools, run)

    assert (await app.done(run)).status in ("completed", "completedWithFailures", "failed")
    run_page(await app.read(run), app.tools.catalog, app.tools.settings, refresh=False)


@pytest.mark.fault("B11", before="OverflowError: date value out of range")
@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0002-01-01T00:00:00Z"])
def test_a_year_can_be_added_to_every_time_and_taken_from_it(text: str) -> None:
    """No window of a hunt is longer: Graph keeps 30 days."""
    when = read_time(text)
    assert when

    assert when - timedelta(days=366) < when < when + timedelta(days=366)
    assert text[0] == write_time(when)[0] or write_time(when).startswith("1000-")
