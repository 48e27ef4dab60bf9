"""Make the rows of telemetry that an intrusion leaves behind, each as (table, row)."""

from __future__ import annotations

from datetime import datetime

from .engine import Row
from .generation import device_id


def ran(on: str, at: datetime, image: str, command: str, account: str) -> tuple[str, Row]:
    """Return the row of a process that started on the device *on*."""
    return "DeviceProcessEvents", {
        **_on(on, at, "ProcessCreated"),
        "FileName": image,
        "FolderPath": f"/usr/bin/{image}",
        "ProcessCommandLine": command,
        "AccountName": account,
        "ProcessId": 4711,
        "SHA1": device_id(f"/usr/bin/{image}"),
        "InitiatingProcessFileName": "bash",
    }


def connected(
    on: str, at: datetime, image: str, command: str, account: str, address: str, name: str = ""
) -> tuple[str, Row]:
    """Return the row of a connection from the device *on* to *address*, under the domain name *name*."""
    return "DeviceNetworkEvents", {
        **_on(on, at, "ConnectionSuccess"),
        "RemoteIP": address,
        "RemotePort": 443,
        "RemoteUrl": name,
        "RemoteIPType": "Public",
        "Protocol": "Tcp",
        "LocalIPType": "Private",
        "LocalPort": 40112,
        "InitiatingProcessFileName": image,
        "InitiatingProcessFolderPath": f"/usr/bin/{image}",
        "InitiatingProcessCommandLine": command,
        "InitiatingProcessAccountName": account,
        "InitiatingProcessId": 4712,
    }


def wrote(
    on: str, at: datetime, folder: str, name: str, sha1: str, origin: str, referrer: str, address: str
) -> tuple[str, Row]:
    """Return the row of a file that came from the URL *origin*, through the page *referrer*, at *address*."""
    return "DeviceFileEvents", {
        **_on(on, at, "FileCreated"),
        "FileName": name,
        "FolderPath": folder + name,
        "SHA1": sha1,
        "FileOriginUrl": origin,
        "FileOriginReferrerUrl": referrer,
        "FileOriginIP": address,
        "FileSize": 1204,
    }


def _on(name: str, at: datetime, action: str) -> Row:
    return {"Timestamp": at, "DeviceId": device_id(name), "DeviceName": name, "ActionType": action}
