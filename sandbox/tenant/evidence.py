"""Make incidents, alerts and evidence as Graph returns them (microsoft.graph.security)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.telemetry.engine import timestamp
from sandbox.telemetry.generation import device_id

TENANT_ID = "5b5a146c-eba8-46af-96f8-e31b50d15a3f"

Evidence = dict[str, Any]
Incident = dict[str, Any]


def incident(
    number: int,
    title: str,
    severity: str,
    category: str,
    first: datetime,
    last: datetime,
    *found: Evidence,
    opened: datetime | None = None,
) -> Incident:
    """
    Return incident *number* with one alert, whose evidence is *found*.

    Both are created at *opened*, by default four minutes after the *last* activity.
    """
    raised = alert(number, 1, title, severity, category, first, last, *found, opened=opened)
    shared = ("tenantId", "severity", "assignedTo", "classification", "determination", "description")
    return {
        **{name: raised[name] for name in (*shared, "createdDateTime", "lastUpdateDateTime")},
        "id": str(number),
        "status": "active",
        "redirectIncidentId": None,
        "displayName": title,
        "incidentWebUrl": f"https://security.microsoft.com/incidents/{number}?tid={TENANT_ID}",
        "customTags": [],
        "systemTags": [],
        "summary": None,
        "resolvingComment": None,
        "lastModifiedBy": "Microsoft 365 Defender-AlertCorrelation",
        "comments": [],
        "alerts": [raised],
    }


def alert(
    number: int,
    ordinal: int,
    title: str,
    severity: str,
    category: str,
    first: datetime,
    last: datetime,
    *found: Evidence,
    opened: datetime | None = None,
) -> dict[str, Any]:
    """
    Return the *ordinal*-th alert of incident *number*, active from *first* to *last*.

    Its evidence is *found*. It is created at *opened*, by default four minutes after the *last* activity.
    """
    at, name = timestamp(opened or last + timedelta(minutes=4)), f"da{number}_{ordinal}"
    return {
        "id": name,
        "providerAlertId": name,
        "incidentId": str(number),
        "tenantId": TENANT_ID,
        "status": "new",
        "severity": severity,
        "assignedTo": None,
        "classification": "unknown",
        "determination": "unknown",
        "serviceSource": "microsoftDefenderForEndpoint",
        "title": title,
        "description": None,
        "category": category,
        "mitreTechniques": [],
        "createdDateTime": at,
        "lastUpdateDateTime": at,
        "firstActivityDateTime": timestamp(first),
        "lastActivityDateTime": timestamp(last),
        "alertWebUrl": f"https://security.microsoft.com/alerts/{name}?tid={TENANT_ID}",
        "incidentWebUrl": f"https://security.microsoft.com/incidents/{number}?tid={TENANT_ID}",
        "comments": [],
        "evidence": [{"createdDateTime": at, **item} for item in found],
    }


def device(name: str, platform: str = "Linux") -> Evidence:
    """Return the evidence of a device, by its full *name*."""
    host, _, domain = name.partition(".")
    return _evidence(
        "device",
        "unknown",
        mdeDeviceId=device_id(name),
        deviceDnsName=name,
        hostName=host,
        dnsDomain=domain,
        osPlatform=platform,
        onboardingStatus="onboarded",
        healthStatus="active",
        riskScore="medium",
    )


def ip(address: str, verdict: str) -> Evidence:
    """Return the evidence of an IP address."""
    return _evidence("ip", verdict, ipAddress=address, countryLetterCode=None)


def url(text: str, verdict: str) -> Evidence:
    """Return the evidence of a URL."""
    return _evidence("url", verdict, url=text)


def file(on: str, folder: str, name: str, sha1: str, verdict: str) -> Evidence:
    """Return the evidence of a file that was found on the device *on*."""
    details = _image(folder, name, sha1)
    return _evidence(
        "file", verdict, mdeDeviceId=device_id(on), detectionStatus="detected", fileDetails=details
    )


def process(
    on: str, at: datetime, image: str, command: str, account: str, folder: str = "/usr/bin/"
) -> Evidence:
    """Return the evidence of a process that started on the device *on*."""
    return _evidence(
        "process",
        "unknown",
        mdeDeviceId=device_id(on),
        processId=4711,
        processCommandLine=command,
        processCreationDateTime=timestamp(at),
        userAccount={"accountName": account},
        imageFile=_image(folder, image, device_id(f"{folder}{image}")),
    )


def _evidence(kind: str, verdict: str, **fields: Any) -> Evidence:
    return {
        "@odata.type": f"#microsoft.graph.security.{kind}Evidence",
        "verdict": verdict,
        "remediationStatus": "none",
        "roles": [],
        "detailedRoles": [],
        "tags": [],
        **fields,
    }


def _image(folder: str, name: str, sha1: str) -> dict[str, Any]:
    return {"fileName": name, "filePath": folder, "sha1": sha1, "sha256": None, "md5": None, "fileSize": 1204}
