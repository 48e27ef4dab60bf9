"""What the local tenant's workspace of Microsoft Sentinel shows of incidents."""

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
    """A client of a tenant where every planted incident is open."""
    async with ArmClient() as client:
        yield client


async def test_own_incident(client: ArmClient) -> None:
    """An incident of Sentinel's own names Azure Sentinel as its provider, and its number as that one's id."""
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


async def test_mirrored_incident(client: ArmClient) -> None:
    """An incident of Defender's has that id at its provider, and a number of the workspace's own."""
    properties = (await client.get(client.mirrored + VERSION)).json()["properties"]

    assert ("Microsoft XDR", "4101") == (properties["providerName"], properties["providerIncidentId"])
    assert 4101 != properties["incidentNumber"]
    assert properties["additionalData"]["providerIncidentUrl"].startswith(
        "https://security.microsoft.com/incidents/4101?"
    )


async def test_not_of_defenders(client: ArmClient) -> None:
    """What is Sentinel's own, Graph does not list."""
    client.sign_in()

    assert "812" not in await client.listed()


async def test_mirrored_when_opened() -> None:
    """The workspace knows an incident of Defender's once it is open, one that is made up as well."""
    planted = Client().tenant.incidents["4101"]
    async with Client(opened=False) as client:
        client.sign_in(ARM)
        before = await client.get(arm_id(planted) + VERSION)
        client.tenant.open("exfiltration")
        after = await client.get(arm_id(planted) + VERSION)
        made = await client.get(arm_id(generate(client.tenant)) + VERSION)

    assert [404, 200, 200] == [answer.status_code for answer in (before, after, made)]


async def test_merged_incident(client: ArmClient) -> None:
    """What Defender merged, Sentinel closes with a tag."""
    one, into = generate(client.tenant), generate(client.tenant)
    merge(client.tenant, one, into)
    properties = (await client.get(arm_id(one) + VERSION)).json()["properties"]

    assert ("Closed", ["Redirected"]) == (
        properties["status"],
        [label["labelName"] for label in properties["labels"]],
    )


async def test_entities(client: ArmClient) -> None:
    """Entities come with their kinds counted; a file's hash is an entity of its own, which the file names."""
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


async def test_alerts(client: ArmClient) -> None:
    """Alerts are entities of the kind SecurityAlert."""
    alert = (await client.post(f"{client.mirrored}/alerts{VERSION}")).json()["value"][0]

    assert ("SecurityAlert", "da4101_1", "High") == (
        alert["kind"],
        alert["properties"]["systemAlertId"],
        alert["properties"]["severity"],
    )


def test_trigger() -> None:
    """A playbook is handed the incident with its alerts and entities, as Resource Manager would show them."""
    client = ArmClient()
    body = trigger(client.tenant, client.tenant.standalone[0])
    properties = body["object"]["properties"]

    assert ("Incident", "law-sentinel") == (body["objectSchemaType"], body["workspaceInfo"]["WorkspaceName"])
    assert client.own.replace("/incidents/", "/Incidents/") == body["object"]["id"]
    assert ["Host", "Ip", "Url", "FileHash", "File"] == [one["kind"] for one in properties["relatedEntities"]]
    assert 1 == len(properties["alerts"])
    assert [] == properties["comments"]


def test_trigger_in_pascal_case() -> None:
    """In the connector's other form, entities are flat, named by Type, and the alerts stand under Alerts."""
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


async def test_trigger_over_http(client: ArmClient) -> None:
    """The body is there for the demo too, for an incident by its provider's id, in either form."""
    plain = (await client.get("/sandbox/incidents/4101/trigger")).json()
    pascal = (await client.get("/sandbox/incidents/812/trigger?pascal")).json()
    unknown = await client.get("/sandbox/incidents/1/trigger")

    assert "4101" == plain["object"]["properties"]["providerIncidentId"]
    assert "Process" in {one["kind"] for one in plain["object"]["properties"]["relatedEntities"]}
    assert "Alerts" in pascal["object"]["properties"]
    assert 404 == unknown.status_code
