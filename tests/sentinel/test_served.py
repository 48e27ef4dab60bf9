"""Which of a caller's links are kept, and which workspaces' incidents are served."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import Forbidden
from shared.model.incident import SentinelIncident
from shared.sentinel.body import parse, refuse_unserved
from tests.support.sentinel_bodies import ARM_ID, trigger


def read(body: Any) -> SentinelIncident:
    """Return the incident that is read from *body*."""
    return parse(json.dumps(body).encode())


@pytest.mark.fault(
    "B11", before="assert '' == 'https://evil.example/': a caller's link was live on the run's page"
)
@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://portal.azure.com/#asset/Incident", True),
        ("https://PORTAL.azure.us/#x", True),
        ("https://security.microsoft.com/incidents/1?tid=2", True),
        ("https://security.microsoft.us/incidents/1", True),
        ("https://security.apps.mil/incidents/1", True),
        ("http://portal.azure.com/", False),
        ("https://evil.example/", False),
        ("https://portal.azure.com.evil.example/", False),
        ("https://evil.example/portal.azure.com", False),
        ("https://evil.example#@portal.azure.com", False),
        ("https://portal.azure.com@evil.example/", False),
        ("https://user@portal.azure.com/", False),
        ("https://portal.azure.com:8443/", False),
        ("https://portal.azure.com\\.evil.example/", False),
        ("https:/portal.azure.com/", False),
        ("https://[portal.azure.com/", False),
        ("https://portal.azure.com/\u202e", False),
        ("//portal.azure.com/", False),
        ("javascript:alert('https://portal.azure.com/')", False),
    ],
)
def test_a_link_is_kept_if_it_leads_to_a_portal(url: str, *, kept: bool) -> None:
    """Over https, to the hosts of the clouds' portals; any other is dropped, for it would be live on the run's page."""
    assert (url if kept else "") == read(trigger(incidentUrl=url)).url


WORKSPACE = ARM_ID.lower().partition("/providers/microsoft.securityinsights")[0]
OTHER = WORKSPACE.replace("law-sentinel", "law-other")


@pytest.mark.fault("B5", before="DID NOT RAISE: the incident of any workspace was taken, listed or not")
@pytest.mark.parametrize(
    ("served", "says"),
    [((), "SENTINEL_WORKSPACE is not set"), ((OTHER,), "SENTINEL_WORKSPACE does not list it")],
)
def test_an_incident_of_a_workspace_that_is_not_listed_is_refused(served: tuple[str, ...], says: str) -> None:
    """The message names the workspace and the setting; without the setting, no workspace is served."""
    with pytest.raises(Forbidden, match=says) as raised:
        refuse_unserved(read(trigger(providerName="Azure Sentinel", providerIncidentId="")), served)

    assert WORKSPACE in raised.value.message
    assert (403, "WorkspaceNotServed") == (raised.value.status, raised.value.code)


@pytest.mark.parametrize("arm_id", [ARM_ID, ARM_ID.upper().replace("/SUBSCRIPTIONS", "/subscriptions")])
def test_an_incident_of_a_listed_workspace_is_served(arm_id: str) -> None:
    """In any case of its letters."""
    body = trigger(providerName="Azure Sentinel", providerIncidentId="")
    body["object"]["id"] = arm_id
    refuse_unserved(read(body), (OTHER, WORKSPACE))


def test_an_incident_that_mirrors_defenders_needs_no_workspace() -> None:
    """It is read and commented in Defender."""
    refuse_unserved(read(trigger(providerName="Microsoft XDR", providerIncidentId="4101")), ())
