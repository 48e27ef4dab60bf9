"""An incident's run is three requests, however many hunts and devices it has, and the quota is one call an incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenant import evidence
from tests.support.hunt_files import many_hunts
from tests.support.quick import quick
from tests.support.rush import Rush
from tests.support.tenant import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tenant import Fleet


def opened(app: Deployment, devices: int) -> dict[str, Any]:
    """Open an incident about so many devices."""
    number, at = app.tenant.next_id(), app.now() - timedelta(hours=1)
    found = [evidence.device(f"srv-{number}-{n}.contoso.com") for n in range(devices)]
    incident = evidence.incident(number, "Wide", "high", "Execution", at, at, *found, opened=app.now())
    app.tenant.incidents[str(number)] = incident
    return incident


@pytest.mark.parametrize("hunts", [1, 5, 40])
@pytest.mark.parametrize("devices", [1, 50])
async def test_a_run_is_three_requests(fleet: Fleet, tmp_path: Path, hunts: int, devices: int) -> None:
    """One reads the incident, one hunts, one comments."""
    app = Deployment(
        quick(fleet, many_hunts(tmp_path, hunts)), planted_open=False, MAX_HUNTS="50", MAX_DEVICES="50"
    )
    done = await app.enrich(incidentId=opened(app, devices)["id"])

    assert ("completed", hunts, "written") == (done.status, len(done.outcomes), done.comments[0].status)
    assert {devices} == {len(each.devices) for each in done.outcomes}
    assert (1, 1, 1) == tuple(app.calls(kind) for kind in ("incident", "hunt", "comment"))
    await app.close()


async def test_forty_incidents_of_forty_hunts_fit_into_a_minute(fleet: Fleet, tmp_path: Path) -> None:
    """With 45 calls a minute, as Graph may allow."""
    app = Rush(quick(fleet, many_hunts(tmp_path, 40)), HUNTS_PER_MINUTE="45", MAX_HUNTS="50")
    app.watching = False
    incidents = [opened(app, 1) for _ in range(45)]
    for incident in incidents:
        await app.ask(incidentId=incident["id"])
    await app.seconds(60)

    assert 45 == sum(len(app.comments(incident["id"])) for incident in incidents)
    assert 45 == app.calls("hunt")
    await app.close()
