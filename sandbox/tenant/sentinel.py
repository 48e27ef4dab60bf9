"""
Microsoft Sentinel's view of the incidents, as Resource Manager and the incident trigger show it.

Shapes are those of azure-rest-api-specs, SecurityInsights 2023-02-01. As in a connected workspace, every
incident of Defender's is mirrored, beside the workspace's own; comments are not synchronised.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Evidence, Incident
    from .state import Tenant

Resource = dict[str, Any]

SUBSCRIPTION, GROUP, WORKSPACE = "d0cfe6b2-9ac0-4464-9919-dccaee2e48c0", "rg-secops", "law-sentinel"
PROVIDER = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.OperationalInsights"
    f"/workspaces/{WORKSPACE}/providers/Microsoft.SecurityInsights"
)
_STATUSES = {"active": "New", "inProgress": "Active", "resolved": "Closed", "redirected": "Closed"}
_PRODUCTS = {
    "microsoftDefenderForEndpoint": "Microsoft Defender Advanced Threat Protection",
    "microsoftSentinel": "Azure Sentinel",
}
_PASCAL = {"hashValue": "Value", "fileName": "Name", "osFamily": "OSFamily"}


def sources(tenant: Tenant) -> list[Incident]:
    """Return the incidents that the workspace shows: its own, then Defender's."""
    return [*tenant.standalone, *tenant.incidents.values()]


def guid(source: Incident) -> str:
    """Return the GUID that is the name of the incident *source* in the workspace."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PROVIDER}/{source['id']}"))


def arm_id(source: Incident) -> str:
    """Return the path of the incident *source* in Resource Manager."""
    return f"{PROVIDER}/incidents/{guid(source)}"


def incident(tenant: Tenant, source: Incident) -> Resource:
    """Return the incident *source* as the workspace shows it."""
    number, mirrored = int(source["id"]), source["id"] in tenant.incidents
    raised, merged = source["alerts"], source["status"] == "redirected"
    more = {"providerIncidentUrl": source["incidentWebUrl"]} if mirrored else {}
    created = source["createdDateTime"]
    return {
        "id": arm_id(source),
        "name": guid(source),
        "etag": f'"{guid({"id": source["lastUpdateDateTime"]})}"',
        "type": "Microsoft.SecurityInsights/incidents",
        "properties": {
            "title": source["displayName"],
            "severity": source["severity"].capitalize(),
            "status": _STATUSES[source["status"]],
            "owner": {"objectId": None, "email": None, "assignedTo": None, "userPrincipalName": None},
            # Sentinel closes what Defender merged, and says so in a tag.
            "labels": [{"labelName": "Redirected", "labelType": "User"}] if merged else [],
            "createdTimeUtc": created,
            "lastModifiedTimeUtc": source["lastUpdateDateTime"],
            "firstActivityTimeUtc": min((one["firstActivityDateTime"] for one in raised), default=created),
            "lastActivityTimeUtc": max((one["lastActivityDateTime"] for one in raised), default=created),
            # The workspace has numbers of its own; they are never the ids in Defender.
            "incidentNumber": number + 10_000 if mirrored else number,
            "incidentUrl": "https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident"
            + arm_id(source),
            "providerName": "Microsoft XDR" if mirrored else "Azure Sentinel",
            "providerIncidentId": source["id"],
            "relatedAnalyticRuleIds": [],
            "additionalData": {
                "alertsCount": len(raised),
                "bookmarksCount": 0,
                "commentsCount": len(tenant.sentinel_comments.get(guid(source), {})),
                "alertProductNames": sorted({one["properties"]["productName"] for one in alerts(source)}),
                "tactics": sorted({one["category"] for one in raised}),
                **more,
            },
        },
    }


def trigger(tenant: Tenant, source: Incident, *, pascal: bool = False) -> Resource:
    """
    Return what Sentinel's incident trigger sends a playbook for *source*, its `triggerBody()`.

    *pascal* writes the entities as the connector's alert trigger and its "Entities" actions do (`Type`,
    `HostName`, `Address`), and the alerts under `Alerts`.
    """
    shown, named = incident(tenant, source), entities(source)
    if pascal:
        named = [{"$id": str(number), **_flat(one)} for number, one in enumerate(named, 2)]
    more = {"Alerts" if pascal else "alerts": alerts(source), "bookmarks": [], "relatedEntities": named}
    comments = list(tenant.sentinel_comments.get(guid(source), {}).values())
    return {
        "eventUniqueId": str(uuid.uuid4()),
        "objectSchemaType": "Incident",
        "objectEventType": "Create",
        "workspaceInfo": {
            "SubscriptionId": SUBSCRIPTION,
            "ResourceGroupName": GROUP,
            "WorkspaceName": WORKSPACE,
        },
        "workspaceId": "5b1f7a2e-3c4d-4e8f-9a0b-1c2d3e4f5a6b",
        "object": {
            **shown,
            "id": shown["id"].replace("/incidents/", "/Incidents/"),
            "type": "Microsoft.SecurityInsights/Incidents",
            "properties": {**shown["properties"], **more, "comments": comments},
        },
    }


def alerts(source: Incident) -> list[Resource]:
    """Return the alerts of the incident *source* as the workspace shows them."""
    return [
        _resource(
            "SecurityAlert",
            one["title"],
            systemAlertId=one["id"],
            alertDisplayName=one["title"],
            severity=one["severity"].capitalize(),
            status="New",
            tactics=[one["category"]],
            vendorName="Microsoft",
            productName=_PRODUCTS[one["serviceSource"]],
            startTimeUtc=one["firstActivityDateTime"],
            endTimeUtc=one["lastActivityDateTime"],
            timeGenerated=one["createdDateTime"],
        )
        for one in source["alerts"]
    ]


def entities(source: Incident) -> list[Resource]:
    """Return the entities in the evidence of *source* as the workspace shows them, each once."""
    found = (one for alert in source["alerts"] for item in alert["evidence"] for one in _read(item))
    return list({one["id"]: one for one in found}.values())


def _read(item: Evidence) -> Iterator[Resource]:
    match item["@odata.type"].rpartition(".")[2]:
        case "deviceEvidence":
            name = item["deviceDnsName"]
            yield _resource(
                "Host",
                item["hostName"],
                hostName=item["hostName"],
                dnsDomain=item["dnsDomain"],
                osFamily="Windows" if item["osPlatform"].startswith("Windows") else "Linux",
                additionalData={"MdatpDeviceId": item["mdeDeviceId"], "FQDN": name, "DeviceDnsName": name},
            )
        case "ipEvidence":
            yield _resource("Ip", item["ipAddress"], address=item["ipAddress"])
        case "urlEvidence":
            yield _resource("Url", item["url"], url=item["url"])
        case "fileEvidence":
            details = item["fileDetails"]
            sha1 = details["sha1"]
            digest = _resource("FileHash", f"{sha1}(SHA1)", hashValue=sha1, algorithm="SHA1")
            yield digest
            yield _resource(
                "File",
                details["fileName"],
                directory=details["filePath"],
                fileName=details["fileName"],
                fileHashEntityIds=[digest["id"]],
                additionalData={"MdatpDeviceId": item["mdeDeviceId"]},
            )
        case "processEvidence":
            command = item["processCommandLine"]
            yield _resource("Process", command, processId=str(item["processId"]), commandLine=command)


def _resource(kind: str, friendly: str, **properties: Any) -> Resource:
    name = guid({"id": kind + json.dumps(properties)})
    return {
        "id": f"{PROVIDER}/Entities/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/Entities",
        "kind": kind,
        "properties": {"friendlyName": friendly, **properties},
    }


def _flat(entity: Resource) -> Resource:
    fields = {**entity["properties"], **entity["properties"].get("additionalData", {})}
    del fields["friendlyName"]
    flat = {_PASCAL.get(n, n[0].upper() + n[1:]): text for n, text in fields.items() if isinstance(text, str)}
    return {"Type": entity["kind"].lower(), **flat}
