"""Bodies of Microsoft Sentinel's incident trigger, and the entities in them."""

from __future__ import annotations

from typing import Any

GUID = "73e01a99-5cd7-4139-a149-9f2736ff2ab5"
PROVIDER = (
    "/subscriptions/d0cfe6b2-9ac0-4464-9919-dccaee2e48c0/resourceGroups/rg-secops/providers"
    "/Microsoft.OperationalInsights/workspaces/law-sentinel/providers/Microsoft.SecurityInsights"
)
ARM_ID = f"{PROVIDER}/Incidents/{GUID}"
DEVICE_ID = "95ffd3240bde37ef347cf836db74b13f85cbf185"
SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"


def entity(kind: str, **properties: Any) -> dict[str, Any]:
    """Return an entity of this *kind* as Resource Manager writes it."""
    return {
        "id": f"{PROVIDER}/Entities/eda4",
        "type": "Microsoft.SecurityInsights/Entities",
        "kind": kind,
        "properties": properties,
    }


ENTITIES = [
    entity(
        "Host",
        hostName="wks-0042",
        dnsDomain="corp.contoso.com",
        netBiosName="WKS-0042",
        osFamily="Windows",
        additionalData={
            "MdatpDeviceId": DEVICE_ID,
            "DeviceDnsName": "wks-0042.corp.contoso.com",
            "FQDN": "wks-0042.corp.contoso.com",
        },
    ),
    entity("Ip", address="203.0.113.7"),
    entity("Url", url="https://evil.example/login"),
    entity("DnsResolution", domainName="evil.example"),
    entity("FileHash", hashValue=SHA1, algorithm="SHA1"),
    entity("File", directory="C:\\Users\\Public", fileName="a.exe", fileHashEntityIds=["…"]),
]
FLAT = [
    {
        "$id": "2",
        "Type": "host",
        "HostName": "wks-0042",
        "DnsDomain": "corp.contoso.com",
        "MdatpDeviceId": DEVICE_ID.upper(),
        "FQDN": "wks-0042.corp.contoso.com",
    },
    {"$id": "3", "Type": "ip", "Address": "203.0.113.7"},
    {"$id": "4", "Type": "url", "Url": "https://evil.example/login"},
    {"$id": "5", "Type": "dns", "DomainName": "evil.example"},
    {"$id": "6", "Type": "file", "Name": "a.exe", "FileHashes": [{"Algorithm": "SHA1", "Value": SHA1}]},
]


def trigger(**properties: Any) -> dict[str, Any]:
    """
    Return the incident trigger's body for a Defender incident that Sentinel mirrors.

    *properties* replace properties of the incident, or add to them.
    """
    return {
        "objectSchemaType": "Incident",
        "objectEventType": "Create",
        "workspaceInfo": {"WorkspaceName": "law-sentinel"},
        "object": {
            "id": ARM_ID,
            "name": GUID,
            "type": "Microsoft.SecurityInsights/Incidents",
            "properties": {
                "title": "Multi-stage incident",
                "severity": "High",
                "status": "New",
                "incidentNumber": 812,
                "providerName": "Microsoft XDR",
                "providerIncidentId": "3177",
                "createdTimeUtc": "2026-03-09T02:14:07.1234567Z",
                "firstActivityTimeUtc": "2026-03-09T01:00:00+01:00",
                "lastActivityTimeUtc": "2026-03-09T02:00:00",
                "incidentUrl": "https://portal.azure.com/#asset/Incident",
                "alerts": [{"kind": "SecurityAlert", "properties": {"systemAlertId": "2f9c"}}],
                "relatedEntities": ENTITIES,
                **properties,
            },
        },
    }


def pascal(value: Any) -> Any:
    """Return *value* with the names in all its JSON objects in PascalCase."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(item) for key, item in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value
