"""What must hold of the playbooks that a deployment makes: each law returns what breaks it, and nothing if it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.bicep import TENANT
from tests.support.deployment_laws import differences, short
from tests.support.predicted import name_of
from tests.support.rights_laws import playbooks
from tests.support.templates import text

if TYPE_CHECKING:
    from tests.support.predicted import Deployment, Resource


def workflows(deployment: Deployment) -> list[str]:
    """Those that are due, as their files say, but for the identity that calls and, of an entity's, its path and body."""
    found = {
        name_of(each).removeprefix(f"{deployment.stem}-"): each
        for each in deployment.of("Microsoft.Logic/workflows")
    }
    broken = differences(playbooks(deployment), set(found), "playbooks")
    entities = json.loads(text("playbooks/entities.json"))
    for ending, workflow in found.items():
        if ending not in playbooks(deployment):
            continue
        expected = json.loads(text(f"playbooks/{'entity' if ending in entities else ending}.json"))
        identity = next(iter(workflow["identity"]["userAssignedIdentities"]))
        expected["actions"]["Hunt"]["inputs"]["authentication"]["identity"] = identity
        if ending in entities:
            expected["triggers"]["Microsoft_Sentinel_entity"]["inputs"]["path"] = entities[ending]["path"]
            expected["actions"]["Hunt"]["inputs"]["body"] = entities[ending]["body"]
        broken += (
            [] if expected == workflow["properties"]["definition"] else [f"{ending}: another definition"]
        )
        broken += [] if identity.endswith(f"/id-{deployment.stem}-playbooks") else [f"{ending}: {identity}"]
        broken += differences(_given(deployment, workflow), _parameters(deployment, workflow), ending)
    for callout in (each["properties"] for ending, each in found.items() if "callout" == ending):
        # No address at all: other Logic Apps alone may start it.
        access = {"triggers": {"allowedCallerIpAddresses": []}}
        broken += differences(access, callout.get("accessControl"), "callout")
    return broken


def _given(deployment: Deployment, workflow: Resource) -> dict[str, Any]:
    client = deployment.option("existingClientId")
    given: dict[str, Any] = {
        "appUrl": f"https://{{func-{deployment.stem}}}.defaultHostName",
        "audience": f"api://{client or f'{TENANT}/func-{deployment.stem}'}",
    }
    if not name_of(workflow).endswith("-callout"):
        given["$connections"] = f"azuresentinel-{deployment.stem}"
    return given


def _parameters(deployment: Deployment, workflow: Resource) -> dict[str, Any]:
    values = {name: each["value"] for name, each in workflow["properties"]["parameters"].items()}
    return {
        name: value["azuresentinel"]["connectionName"]
        if isinstance(value, dict)
        else short(deployment, value)
        for name, value in values.items()
    }


def started(deployment: Deployment) -> list[str]:
    """Sentinel starts the playbook for incidents when it is told to; for an updated incident only where alerts came."""
    due = deployment.option("incidentTriggers")
    by_itself = deployment.option("securityInsightsPrincipalId") and "incident" in playbooks(deployment)
    rules = [each["properties"] for each in deployment.of("Microsoft.SecurityInsights/automationRules")]
    broken = differences(
        due if by_itself else [], [rule["triggeringLogic"]["triggersWhen"] for rule in rules], "rules"
    )
    added = {"arrayType": "Alerts", "changeType": "Added"}
    for rule in rules:
        when, conditions = rule["triggeringLogic"]["triggersWhen"], rule["triggeringLogic"]["conditions"]
        said = [each["conditionProperties"] for each in conditions]
        (action,) = rule["actions"]
        playbook = action["actionConfiguration"]["logicAppResourceId"]
        # Outrider's own comment is an update as well, and must not send the incident again.
        broken += differences([added] if "Updated" == when else [], said, when)
        broken += [] if playbook.endswith(f"/{deployment.stem}-incident") else [f"{when}: {playbook}"]
    return broken
