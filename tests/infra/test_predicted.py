"""What Azure would be asked for, in each case of options and names: Microsoft's own engine works it out, without a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.settings import NAMES
from shared.state.queue import POISON
from shared.state.runs import QUEUES
from tests.support.bicep import BicepFailed
from tests.support.deployment_cases import ALL, CASES, LAWS, LONG
from tests.support.deployment_laws import QUEUES as MADE
from tests.support.predicted import Deployment, Templates, name_of
from tests.support.templates import ROOT

pytestmark = pytest.mark.bicep

Predict = Callable[[str], Deployment]

#: Settings of ours that the templates leave to their defaults, and why; the parameter `settings` sets any of them.
LEFT_OUT = {
    "the cloud's own, which AZURE_CLOUD chooses": {"GRAPH_URL", "ARM_URL", "PORTAL_URL"},
    "a connection string holds a key; the identity opens the queues by their address": {"AzureWebJobsStorage"},
    "the platform names the host": {"PUBLIC_URL"},
    "the default suits a first deployment": {
        "COMMENT_MAX_CHARS", "COMMENT_NOTHING_TO_HUNT", "HUNTS_AUTO", "HUNTS_DIR", "HUNTS_PER_MINUTE", "HUNT_BATCH", "HUNT_CONCURRENCY", "IGNORE_INDICATORS", "LATE_LOOK",
        "MASK_SECRETS", "MAX_DEVICES", "MAX_HUNTS", "MAX_INDICATORS", "MAX_ROWS", "SWEEP_SCHEDULE", "WATCH_LOOKBACK",
        "WATCH_MIN_SEVERITY", "WATCH_SCHEDULE",
    },
}  # fmt: skip

#: What the host and the platform read; none of it is ours.
HOST_SETTINGS = {
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
}


@pytest.mark.fault(
    "T1",
    before="refused, in every case: property ftpsState; names, for 64 letters: outrider-…-file-hash: 50 letters, and not 1 to 43",
)
@pytest.mark.fault(
    "T3", before="registration: asked for …: None, and not openid, profile, email; consent: [], and not one"
)
@pytest.mark.parametrize("case", CASES)
def test_what_would_be_deployed_is_what_is_meant(case: str, deployment: Predict) -> None:
    """Names, rights, sign-in, settings, storage, network, alerts and playbooks are as each law of the tests says."""
    found = deployment(case)
    broken = {name: said for name, law in LAWS.items() if (said := law(found))}

    assert {} == broken


@pytest.mark.fault("T2", before="all seven playbooks, their identity and connection were shared")
@pytest.mark.parametrize(
    "names",
    [("alpha", "beta"), (LONG[:-1], LONG[:-1] + "2"), ("Prod", "prod")],
    ids=["two", "alike", "capitals"],
)
def test_two_environments_of_one_group_share_nothing(names: tuple[str, str], templates: Templates) -> None:
    """But the private DNS zones, whose names Azure gives, and Sentinel's right to start playbooks of the group."""
    one, two = (templates.deploy(ALL | {"environmentName": name}) for name in names)
    # Azure compares ids without regard to capitals. Those of Microsoft Graph have none.
    taken = {each["id"].lower() for each in one.resources if "id" in each}
    shared = {(each["type"], name_of(each)) for each in two.resources if each.get("id", "").lower() in taken}
    (right,) = [name for kind, name in shared if "Microsoft.Authorization/roleAssignments" == kind]

    assert {
        ("Microsoft.Authorization/roleAssignments", right),
        ("Microsoft.Network/privateDnsZones", "privatelink.blob.core.windows.net"),
        ("Microsoft.Network/privateDnsZones", "privatelink.queue.core.windows.net"),
    } == shared
    assert one.one("Microsoft.Graph/applications") != two.one("Microsoft.Graph/applications")
    assert [] == [each for each in two.of("Microsoft.Network/privateDnsZones") if each.get("tags")]


def test_names_that_are_the_worlds_differ_between_groups(templates: Templates) -> None:
    """The same environment in two resource groups has another account, app and registration."""
    kinds = ("Microsoft.Storage/storageAccounts", "Microsoft.Web/sites")
    one, two = (templates.deploy({}, group) for group in ("rg-one", "rg-two"))

    assert [] == [kind for kind in kinds if name_of(one.of(kind)[0]) == name_of(two.of(kind)[0])]
    assert (
        one.one("Microsoft.Graph/applications")["uniqueName"]
        != two.one("Microsoft.Graph/applications")["uniqueName"]
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namePrefix": "Outrider"}, "namePrefix takes lower-case letters and digits alone"),
        ({"namePrefix": "my-app"}, "namePrefix takes lower-case letters and digits alone"),
        ({"namePrefix": "outrider10"}, "Compilation failed"),
        ({"incidentTriggers": ["create"]}, "Compilation failed"),
        ({"settings": {"MAX_ROWS": 500}}, "Compilation failed"),
        ({"environmentName": "x" * 65}, "Compilation failed"),
    ],
)
def test_a_mistyped_option_stops_before_anything_is_made(
    options: dict[str, Any], said: str, templates: Templates
) -> None:
    """A wrong prefix, trigger or setting is told when the templates are compiled, or by Azure's check of them."""
    with pytest.raises(BicepFailed, match=said):
        templates.deploy(options)


def test_templates_set_every_setting_or_say_why_not(deployment: Predict) -> None:
    """A setting of the app that they do not set is listed here with the reason."""
    given = set(deployment("default").settings)
    ours = given - HOST_SETTINGS
    reasons = {name for group in LEFT_OUT.values() for name in group}

    assert set() == ours - set(NAMES)
    assert set() == set(NAMES) - ours - reasons
    assert set() == ours & reasons
    assert set() == HOST_SETTINGS - given


def test_every_queue_a_function_waits_on_is_made() -> None:
    """The queues of the law are those of the app, each with its poison queue, and those that functions wait on."""
    triggers = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "functions").glob("*.py"))
    waited_on = set(re.findall(r'queue_trigger\(\s*"\w+", "([\w-]+)"', triggers))

    assert {*QUEUES, *(f"{name}{POISON}" for name in QUEUES)} == MADE
    assert set() == waited_on - MADE


def test_what_expires_is_what_the_app_stores() -> None:
    """The law of storage names the folders of runs; the app keeps them there."""
    assert 'f"runs/{run_id}' in (ROOT / "shared" / "state" / "runs.py").read_text(encoding="utf-8")


def test_the_outputs_are_those_the_guide_names(deployment: Predict) -> None:
    """What a deployment says afterwards is worked out, too: the app's name, its address, and the audience of its tokens."""
    outputs = deployment("default").outputs
    keys = deployment("keys").outputs

    assert {
        "audience", "functionAppName", "functionAppUrl", "identityClientId", "identityPrincipalId", "registrationClientId",
        "resourceGroupName", "storageAccountName",
    } == set(outputs)  # fmt: skip
    assert ("", "") == (keys["audience"], keys["registrationClientId"])
