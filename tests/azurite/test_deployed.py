"""The app as it is deployed, with its state and its queues in a storage account that identities alone open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.tenant import incidents
from sandbox.tenant.state import Limits
from tests.support.azurite import Calls, calls
from tests.support.deployed import finished, hosted, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.azurite.emulator import Account
    from sandbox.tenant.state import Tenant

pytestmark = pytest.mark.azurite
#: Seconds; host.json polls at least every 2.
QUIET = 2.5


@pytest.fixture(scope="module")
def deployed(
    cloud: tuple[str, Tenant],
    storage_account: tuple[Account, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    """Run the app in the tenant of `cloud`, on the account, and yield a client with the function key."""
    timers = {"AzureWebJobs.WatchIncidents.Disabled": "", "WATCH_SCHEDULE": "0 0 0 1 1 *"}
    settings = {**storage_account[0].settings, **identity(cloud[0]), **timers, "HUNTS_PER_MINUTE": "100000"}
    cloud[1].limits = Limits(calls_per_minute=None)
    with hosted(tmp_path_factory.mktemp("app"), **settings) as client:
        yield client


def comments(incident: dict[str, Any]) -> list[str]:
    """Return the comments on an incident."""
    return [each["comment"] for each in incident["comments"]]


def ended(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """Start a run with a POST, and return its result once it is done."""
    return finished(client, client.post(path, json=body).headers["location"])


def test_nothing_is_missing(deployed: httpx.Client) -> None:
    """The self-test has tried the container and every queue."""
    needs = {need["name"]: need["met"] for need in deployed.get("/api/selftest").json()["needs"]}

    assert (True, True) == (needs["object store"], needs["queues"])


def test_an_incident_is_hunted_and_commented(deployed: httpx.Client, cloud: tuple[str, Tenant]) -> None:
    """The run and its rows are read from the container, and the comment is on the incident once."""
    run = ended(deployed, "/api/enrich", incidentId="4101")
    found = deployed.get(f"/api/runs/{run['runId']}/findings", params={"hunt": "archive-then-upload"})

    assert ("completed", ["written"]) == (run["status"], [each["status"] for each in run["comments"]])
    assert (200, 1) == (found.status_code, len(found.json()["rows"]))
    assert [run["runId"]] == [text.split()[-2] for text in comments(cloud[1].incidents["4101"])]


def test_the_fleet_is_swept(deployed: httpx.Client) -> None:
    """All parts of the fleet are stored, read again and covered."""
    run = ended(deployed, "/api/sweep")

    assert "completed" == run["status"]
    assert run["verdict"].endswith("; coverage 100 %")


def look(deployed: httpx.Client) -> None:
    """Let the watch look for incidents, as its timer does."""
    assert 202 == deployed.post("/admin/functions/WatchIncidents", json={}).status_code


def settled(account: Account, since: int) -> Calls:
    """Return the calls since a place in the account's log, once a run has been taken off its queue."""
    end = time.monotonic() + 30
    while not calls(account, since).settled:
        assert time.monotonic() < end
        time.sleep(0.1)
    return calls(account, since)


def quiet(account: Account) -> None:
    """Wait until nothing has called the account, but polls, for longer than a queue waits between two of those."""
    last, before = time.monotonic(), calls(account)
    while time.monotonic() - last < QUIET:
        time.sleep(0.1)
        if calls(account) != before:
            last, before = time.monotonic(), calls(account)


def test_the_watch_finds_an_incident_once(
    deployed: httpx.Client,
    storage_account: tuple[Account, dict[str, str]],
    cloud: tuple[str, Tenant],
) -> None:
    """A look starts a run for what opened, through the queue, and a second one starts none."""
    incident = incidents.generate(cloud[1], severity="high")
    look(deployed)
    end = time.monotonic() + 30
    while not comments(incident):
        assert time.monotonic() < end
        time.sleep(0.1)
    look(deployed)
    quiet(storage_account[0])

    assert 1 == len(comments(incident))


def test_what_one_incident_costs(
    deployed: httpx.Client, storage_account: tuple[Account, dict[str, str]], cloud: tuple[str, Tenant]
) -> None:
    """
    A call writes 10 objects at most, whatever the number of hunts, and deletes one, if nobody looks.

    One of these is its place in the tenant's quota, one the request of its late look. A run of the watch writes 9, and the
    watch twice its own object. Each sends two messages, one of them for the late look.
    """
    tenant, costs = cloud[1], []
    for by_watch in (False, True):
        look(deployed)
        quiet(storage_account[0])
        incident = incidents.generate(tenant, severity="high")
        incident["alerts"] = tenant.incidents["4101"]["alerts"]
        since = len(storage_account[0].log.read_text())
        if by_watch:
            look(deployed)
        else:
            deployed.post("/api/enrich", json={"incidentId": incident["id"]})
        costs.append(settled(storage_account[0], since))
    called, watched = costs
    print(f"\ncalled:   {called}\nby watch: {watched}")

    assert called.written <= 10
    assert called.deleted <= 1
    assert watched.written <= 11
    assert watched.deleted == 0
    assert (2, 2) == (called.sent, watched.sent)
