"""What the local tenant's Microsoft Sentinel workspace shows of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.telemetry.generation import device_id
from sandbox.tenant.incidents import generate, merge
from sandbox.tenant.intrusions import RELAY_ADDRESS, STAGE_SHA1
from sandbox.tenant.sentinel import arm_id, trigger
from tests.support.tenant_client import ARM, VERSION, ArmClient, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[ArmClient]:
    """A client of a tenant in which every planted incident is open."""
    async with ArmClient() as client:
        yield client


async def test_sentinels_own_incident_is_provided_by_azure_sentinel(client: ArmClient) -> None:
    """The provider's id for it is the incident's own number."""
    body = (await client.get(client.own + VERSION)).json()

    assert client.own == body["id"]
    assert "Microsoft.SecurityInsights/incidents" == body["type"]
    assert ("Azure Sentinel", "812", 812) == tuple(
        body["properties"][name] for name in ("providerName", "providerIncidentId", "incidentNumber")
    )
    assert ("Medium", "New", ["Azure Sentinel"]) == (
        body["properties"]["severity"],
        body["properties"]["status"],
        body["properties"]["additionalData"]["alertProductNames"],
    )


async def test_a_mirrored_incident_names_its_defender_id(client: ArmClient) -> None:
    """Its number belongs to the workspace, and it links to the incident's page in Defender."""
    properties = (await client.get(client.mirrored + VERSION)).json()["properties"]

    assert ("Microsoft XDR", "4101") == (properties["providerName"], properties["providerIncidentId"])
    assert 4101 != properties["incidentNumber"]
    assert properties["additionalData"]["providerIncidentUrl"].startswith(
        "https://security.microsoft.com/incidents/4101?"
    )


async def test_graph_does_not_list_sentinels_own_incidents(client: ArmClient) -> None:
    """Graph lists only the incidents of Defender."""
    client.sign_in()

    assert "812" not in await client.listed()


async def test_an_incident_is_mirrored_once_it_opens() -> None:
    """Before that it is answered with 404; incidents made up later are mirrored as well."""
    planted = Client().tenant.incidents["4101"]
    async with Client(opened=False) as client:
        client.sign_in(ARM)
        before = await client.get(arm_id(planted) + VERSION)
        client.tenant.open("exfiltration")
        after = await client.get(arm_id(planted) + VERSION)
        made = await client.get(arm_id(generate(client.tenant)) + VERSION)

    assert [404, 200, 200] == [answer.status_code for answer in (before, after, made)]


async def test_sentinel_closes_what_defender_merged(client: ArmClient) -> None:
    """The closed incident gets the tag Redirected."""
    one, into = generate(client.tenant), generate(client.tenant)
    merge(client.tenant, one, into)
    properties = (await client.get(arm_id(one) + VERSION)).json()["properties"]

    assert ("Closed", ["Redirected"]) == (
        properties["status"],
        [label["labelName"] for label in properties["labels"]],
    )


async def test_entities_are_listed_and_counted_by_kind(client: ArmClient) -> None:
    """A file's hash is an entity of its own, which the file refers to."""
    body = (await client.post(f"{client.own}/entities{VERSION}")).json()
    found = {one["kind"]: one["properties"] for one in body["entities"]}
    ids = {one["kind"]: one["id"] for one in body["entities"]}

    assert ["Host", "Ip", "Url", "FileHash", "File"] == list(found)
    assert [{"entityKind": kind, "count": 1} for kind in found] == body["metaData"]
    assert ("srv-2", "contoso.com", "Linux", device_id("srv-2.contoso.com")) == (
        found["Host"]["hostName"],
        found["Host"]["dnsDomain"],
        found["Host"]["osFamily"],
        found["Host"]["additionalData"]["MdatpDeviceId"],
    )
    assert RELAY_ADDRESS == found["Ip"]["address"]
    assert "https://relay.evil.example/x" == found["Url"]["url"]
    assert (STAGE_SHA1, "SHA1") == (found["FileHash"]["hashValue"], found["FileHash"]["algorithm"])
    assert [ids["FileHash"]] == found["File"]["fileHashEntityIds"]


async def test_alerts_are_security_alert_entities(client: ArmClient) -> None:
    """They have the id and the severity of Defender's alerts."""
    alert = (await client.post(f"{client.mirrored}/alerts{VERSION}")).json()["value"][0]

    assert ("SecurityAlert", "da4101_1", "High") == (
        alert["kind"],
        alert["properties"]["systemAlertId"],
        alert["properties"]["severity"],
    )


def test_a_playbook_gets_the_incident_with_its_entities() -> None:
    """The trigger's body has alerts and entities in the form that Resource Manager uses."""
    client = ArmClient()
    body = trigger(client.tenant, client.tenant.standalone[0])
    properties = body["object"]["properties"]

    assert ("Incident", "law-sentinel") == (body["objectSchemaType"], body["workspaceInfo"]["WorkspaceName"])
    assert client.own.replace("/incidents/", "/Incidents/") == body["object"]["id"]
    assert ["Host", "Ip", "Url", "FileHash", "File"] == [one["kind"] for one in properties["relatedEntities"]]
    assert 1 == len(properties["alerts"])
    assert [] == properties["comments"]


def test_a_trigger_in_pascal_case_has_flat_entities() -> None:
    """
    In the connector's other form, an entity has its Type beside its fields, and alerts are under Alerts.
    """
    client = ArmClient()
    properties = trigger(client.tenant, client.tenant.standalone[0], pascal=True)["object"]["properties"]
    host, address, url, digest, file = properties["relatedEntities"]

    assert ("alerts" not in properties, 1) == (True, len(properties["Alerts"]))
    assert {
        "$id": "2", "Type": "host", "HostName": "srv-2", "DnsDomain": "contoso.com", "OSFamily": "Linux",
        "FQDN": "srv-2.contoso.com", "DeviceDnsName": "srv-2.contoso.com",
        "MdatpDeviceId": device_id("srv-2.contoso.com"),
    } == host  # fmt: skip
    assert {"$id": "3", "Type": "ip", "Address": RELAY_ADDRESS} == address
    assert {"$id": "4", "Type": "url", "Url": "https://relay.evil.example/x"} == url
    assert {"$id": "5", "Type": "filehash", "Value": STAGE_SHA1, "Algorithm": "SHA1"} == digest
    assert ("file", ".stage.sh", "/tmp/") == (file["Type"], file["Name"], file["Directory"])


async def test_the_trigger_body_is_served_over_http(client: ArmClient) -> None:
    """An incident is named by its provider's id, and served in either form; an unknown one is a 404."""
    plain = (await client.get("/sandbox/incidents/4101/trigger")).json()
    pascal = (await client.get("/sandbox/incidents/812/trigger?pascal")).json()
    unknown = await client.get("/sandbox/incidents/1/trigger")

    assert "4101" == plain["object"]["properties"]["providerIncidentId"]
    assert "Process" in {one["kind"] for one in plain["object"]["properties"]["relatedEntities"]}
    assert "Alerts" in pascal["object"]["properties"]
    assert 404 == unknown.status_code
