"""Incidents in the local tenant open, grow, merge, close and reopen when the caller wants them to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.telemetry.generation import device_id
from sandbox.tenant import evidence
from sandbox.tenant.incidents import generate, grow, happen, merge, update
from sandbox.tenant.intrusions import DROP_ADDRESS, LURE_URL, RELAY_ADDRESS
from tests.support.tenant_client import NOW, ROOT, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SEEN = {DROP_ADDRESS, RELAY_ADDRESS, LURE_URL}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a tenant in which every planted incident is open."""
    async with Client() as client:
        yield client


def found(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the evidence of all alerts of *incident*."""
    return [item for alert in incident["alerts"] for item in alert["evidence"]]


async def test_a_made_up_incident_is_new_and_names_a_device(client: Client) -> None:
    """It has the next id and the current time, and its device is one of the fleet."""
    client.now += timedelta(minutes=3)
    one, two = generate(client.tenant), generate(client.tenant)
    device = found(one)[0]

    assert ("4108", "4109") == (one["id"], two["id"])
    assert "2026-03-10T12:03:00.0000000Z" == one["createdDateTime"] == one["lastUpdateDateTime"]
    assert device["deviceDnsName"] in {f"srv-{number}.contoso.com" for number in range(5)}
    assert device_id(device["deviceDnsName"]) == device["mdeDeviceId"]
    assert ["4109", "4108"] == (await client.listed())[:2]


async def test_made_up_incidents_have_every_field(client: Client) -> None:
    """They and their alerts have all the fields that planted ones have."""
    made, planted = generate(client.tenant), client.tenant.incidents["4101"]

    assert planted.keys() == made.keys()
    assert planted["alerts"][0].keys() == made["alerts"][0].keys()


async def test_most_made_up_incidents_are_noise(client: Client) -> None:
    """About one in four names an indicator that the telemetry contains; severities and evidence are mixed."""
    made = [generate(client.tenant) for _ in range(200)]
    real = [i for i in made if any(SEEN & {e.get("ipAddress"), e.get("url")} for e in found(i))]

    assert 30 < len(real) < 70
    assert {"informational", "low", "medium", "high"} == {one["severity"] for one in made}
    assert {"device", "ip", "url", "file"} == {
        item["@odata.type"].rpartition(".")[2].removesuffix("Evidence") for one in made for item in found(one)
    }


async def test_the_same_seed_makes_the_same_incidents() -> None:
    """Another seed makes other incidents."""
    tenants = [Client(seed=seed).tenant for seed in (1, 1, 2)]
    one, same, other = ([generate(tenant) for _ in range(5)] for tenant in tenants)

    assert one == same
    assert one != other


async def test_an_incident_can_be_dated_by_another_clock(client: Client) -> None:
    """Here its clock is seven minutes ahead of the tenant's."""
    made = generate(client.tenant, at=NOW + timedelta(minutes=7), severity="high")

    assert ("2026-03-10T12:07:00.0000000Z", "high") == (made["createdDateTime"], made["severity"])
    assert [made["id"]] == await client.listed(filter="createdDateTime gt 2026-03-10T12:00:00Z")


async def test_a_new_alert_updates_its_incident(client: Client) -> None:
    """Its evidence is added, the time of the last update moves, and the severity rises."""
    incident = generate(client.tenant, severity="low")
    client.now += timedelta(minutes=30)
    grow(client.tenant, incident, evidence.ip("203.0.113.5", "malicious"), severity="high")

    newest = incident["alerts"][-1]
    assert ["203.0.113.5"] == [item["ipAddress"] for item in newest["evidence"]]
    assert (f"da{incident['id']}_2", incident["id"]) == (newest["id"], newest["incidentId"])
    assert "2026-03-10T12:00:00.0000000Z" == incident["createdDateTime"]
    assert "2026-03-10T12:30:00.0000000Z" == incident["lastUpdateDateTime"] == newest["createdDateTime"]
    assert "high" == incident["severity"]


async def test_a_new_alert_never_lowers_the_severity(client: Client) -> None:
    """Without given evidence, it makes up other evidence than that of the first alert."""
    incident = generate(client.tenant, severity="high")
    grow(client.tenant, incident, severity="low")
    first, second = (alert["evidence"] for alert in incident["alerts"])

    assert "high" == incident["severity"]
    assert second
    assert first != second


async def test_a_merged_incident_redirects_to_the_other(client: Client) -> None:
    """Its alerts move to the other incident, and both count as updated."""
    one, into = generate(client.tenant), generate(client.tenant)
    client.now += timedelta(minutes=1)
    merge(client.tenant, one, into)
    shown = (await client.get(f"{ROOT}/incidents/{one['id']}?$expand=alerts")).json()

    assert ("redirected", into["id"], []) == (shown["status"], shown["redirectIncidentId"], shown["alerts"])
    assert [into["id"]] * 2 == [alert["incidentId"] for alert in into["alerts"]]
    assert {one["id"], into["id"]} == set(
        await client.listed(filter="lastUpdateDateTime ge 2026-03-10T12:01:00Z")
    )


async def test_resolving_and_reopening_are_updates(client: Client) -> None:
    """Both change the status; reopening is dated as the caller says."""
    incident = client.tenant.incidents["4106"]
    client.now += timedelta(minutes=1)
    update(client.tenant, incident, status="resolved")
    resolved = await client.listed(filter="status eq 'resolved'")
    update(client.tenant, incident, status="active", at=NOW + timedelta(minutes=2))

    assert ["4106"] == resolved
    assert ("active", "2026-03-10T12:02:00.0000000Z") == (incident["status"], incident["lastUpdateDateTime"])


async def test_a_tenant_on_its_own_opens_planted_incidents_first() -> None:
    """After that it makes incidents up; others grow, merge, are resolved and reopen, but less often."""
    async with Client(opened=False) as client:
        happened = [happen(client.tenant) for _ in range(200)]

    kinds = [what for what, _ in happened]
    opened = [incident["id"] for what, incident in happened if what == "opened"]
    assert {"opened", "grew", "merged", "resolved", "reopened"} == set(kinds)
    assert kinds.count("opened") > kinds.count("grew") > kinds.count("merged")
    assert "4101" == opened[0]
    assert len(set(opened)) == len(opened) > 100


async def test_opening_continues_after_the_planted_incidents() -> None:
    """If none of them is left, the tenant makes an incident up."""
    async with Client(opened=False) as client:
        answers = [await client.post("/sandbox/incidents/open") for _ in range(8)]

    assert {201} == {answer.status_code for answer in answers}
    assert ["4107", "4108"] == [answer.json()["id"] for answer in answers][-2:]


async def test_one_live_call_changes_one_incident(client: Client) -> None:
    """The answer says what happened, and to which incident."""
    answer = (await client.post("/sandbox/incidents/live")).json()

    assert answer["happened"] in {"opened", "grew", "merged", "resolved", "reopened"}
    assert answer["incident"] == client.tenant.incidents[answer["incident"]["id"]]
