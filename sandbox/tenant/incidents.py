"""
Make incidents change: they open, grow, merge, are resolved and reopened.

Nothing is random: every choice is a hash of the tenant's seed and of what is chosen. Each function except
`happen` takes the time of its change, by default the tenant's clock, so that a caller can choose it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sandbox.telemetry.engine import timestamp
from sandbox.telemetry.generation import device_id

from . import evidence
from .intrusions import DROP_ADDRESS, LURE_URL, RELAY_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .evidence import Evidence, Incident
    from .state import Tenant

_T = TypeVar("_T")

_SEVERITIES = ("informational", "low", "medium", "high")
_VERDICTS = ("malicious", "suspicious", "suspicious", "unknown")
_STORIES = (
    ("Connection to an address on a threat list", "CommandAndControl"),
    ("Suspicious file written by a script", "Execution"),
    ("Unusual outbound transfer", "Exfiltration"),
    ("Discovery commands in quick succession", "Discovery"),
    ("Sign-in from an unfamiliar device", "InitialAccess"),
)
_SEEN = (
    evidence.ip(DROP_ADDRESS, "malicious"),
    evidence.ip(RELAY_ADDRESS, "malicious"),
    evidence.url(LURE_URL, "malicious"),
)


def generate(tenant: Tenant, *, at: datetime | None = None, severity: str = "") -> Incident:
    """
    Open an incident about a device of the fleet, with the next free id.

    One in four names an indicator that the planted intrusions left in the telemetry; the others name one that
    was never seen. *severity* is made up unless it is given.
    """
    at, number = at or tenant.clock(), tenant.next_id()
    title, category = _pick(tenant, f"{number} story", _STORIES)
    opened = evidence.incident(
        number,
        title,
        severity or _pick(tenant, f"{number} severity", _SEVERITIES),
        category,
        at - timedelta(minutes=20),
        at - timedelta(minutes=5),
        *_found(tenant, f"{number} 1"),
        opened=at,
    )
    tenant.incidents[opened["id"]] = opened
    return opened


def grow(
    tenant: Tenant, incident: Incident, *found: Evidence, at: datetime | None = None, severity: str = ""
) -> None:
    """
    Add an alert to *incident*, with the evidence *found*, or evidence made up.

    A *severity* that is higher than the incident's becomes the incident's.
    """
    at, ordinal = at or tenant.clock(), len(incident["alerts"]) + 1
    about = f"{incident['id']} {ordinal}"
    title, category = _pick(tenant, about, _STORIES)
    severity = severity or incident["severity"]
    incident["alerts"].append(
        evidence.alert(
            int(incident["id"]),
            ordinal,
            title,
            severity,
            category,
            at - timedelta(minutes=10),
            at - timedelta(minutes=1),
            *(found or _found(tenant, about)),
            opened=at,
        )
    )
    update(tenant, incident, at=at, severity=max(severity, str(incident["severity"]), key=_SEVERITIES.index))


def merge(tenant: Tenant, incident: Incident, into: Incident, *, at: datetime | None = None) -> None:
    """Merge *incident* *into* another, which takes its alerts; *incident* redirects to it from now on."""
    into["alerts"] += [{**alert, "incidentId": into["id"]} for alert in incident["alerts"]]
    update(tenant, into, at=at)
    update(tenant, incident, at=at, status="redirected", redirectIncidentId=into["id"], alerts=[])


def update(tenant: Tenant, incident: Incident, *, at: datetime | None = None, **fields: object) -> None:
    """Change *fields* of *incident*, such as its status, and with them its lastUpdateDateTime."""
    incident.update(fields, lastUpdateDateTime=timestamp(at or tenant.clock()))


def happen(tenant: Tenant) -> tuple[str, Incident]:
    """
    Open or change one incident, and return what happened, such as `grew`, and the incident.

    Six times in ten an incident opens: the next planted one, or one made up. Otherwise one of the newest 20
    grows or, less often, is merged, resolved or reopened.
    """
    tenant.happenings += 1
    about = f"happening {tenant.happenings}"
    newest = list(tenant.incidents.values())[-20:]
    active = [one for one in newest if one["status"] == "active"]
    resolved = [one for one in newest if one["status"] == "resolved"]
    chance = _number(tenant, about) % 100
    if chance < 60 or len(active) < 2:
        return "opened", tenant.open() or generate(tenant)
    incident = _pick(tenant, f"{about} which", active)
    if chance < 85:
        grow(tenant, incident)
        return "grew", incident
    if chance < 90:
        others = [one for one in active if one is not incident]
        merge(tenant, incident, _pick(tenant, f"{about} into", others))
        return "merged", incident
    if chance < 95 or not resolved:
        update(tenant, incident, status="resolved")
        return "resolved", incident
    incident = _pick(tenant, f"{about} which", resolved)
    update(tenant, incident, status="active")
    return "reopened", incident


def _found(tenant: Tenant, about: str) -> list[Evidence]:
    """Make up the evidence of one alert: a device, if the fleet has any, and one or two indicators."""
    number = _number(tenant, f"{about} evidence")
    verdict = _pick(tenant, f"{about} verdict", _VERDICTS)
    unseen = (
        evidence.ip(f"203.0.113.{100 + number % 100}", verdict),
        evidence.url(f"https://site-{number % 9973}.example/login", verdict),
    )
    seen = number % 4 == 0
    found = [_pick(tenant, f"{about} indicator", _SEEN if seen else unseen)]
    if tenant.fleet:
        name, platform = _pick(tenant, f"{about} device", tenant.fleet)
        found.insert(0, evidence.device(name, platform))
        if number % 3 == 0:
            sha1 = device_id(f"{tenant.seed} {about} file")
            found.append(evidence.file(name, "/tmp/", f"update-{number % 97}", sha1, verdict))
    return found


def _pick(tenant: Tenant, about: str, options: Sequence[_T]) -> _T:
    return options[_number(tenant, about) % len(options)]


def _number(tenant: Tenant, about: str) -> int:
    return int(device_id(f"{tenant.seed} {about}"), 16)
