"""
Options and names that the templates are deployed with in the tests, and all that must hold of each deployment.

`python -m tests.support.deployment_cases "vnet and zones"` prints what that case would ask Azure for, as a template
without modules, conditions and parameters, to look at, or for Checkov.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import azure_rules, deployment_laws, playbook_laws, rights_laws
from tests.support.bicep import Bicep
from tests.support.predicted import Templates

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.predicted import Deployment

    Options = dict[str, Any]

_WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-00000000000c/resourceGroups/rg-sentinel-{0}/providers"
    "/Microsoft.OperationalInsights/workspaces/log-sentinel-{0}"
)
WORKSPACE, SECOND, THIRD = (_WORKSPACE.format(number) for number in (1, 2, 3))

READERS, ANALYSTS, OPERATORS, STARTER, CALLER, CLIENT, OTHER = (
    f"00000000-0000-0000-0000-0000000000{number}" for number in ("a1", "a2", "a3", "b1", "b2", "c1", "c2")
)

GROUPS = {"readersGroupId": READERS, "analystsGroupId": ANALYSTS, "operatorsGroupId": OPERATORS}
SENTINEL = {
    "deployPlaybooks": True,
    "sentinelWorkspaceId": WORKSPACE,
    "securityInsightsPrincipalId": STARTER,
}
#: As much as one deployment can have.
ALL: Options = {
    **GROUPS,
    **SENTINEL,
    "alertEmail": "soc@contoso.com",
    "callerClientIds": [OTHER],
    "callerPrincipalIds": [CALLER],
    "callsFromAz": True,
    "furtherSentinelWorkspaceIds": [SECOND, THIRD],
    "operatorsReadStorage": True,
    "vnet": True,
    "zoneRedundant": True,
}

#: azd takes letters, digits, '-', '.', '_' and parentheses, up to 64 of them (cli/azd/pkg/environment: the pattern of a name).
LONG = "The_Environment-of.(the)Security-Operations.Centre_in_West-Europe"[:64]

CASES: dict[str, Options] = {
    "default": {},
    "all": ALL,
    "vnet": {"vnet": True},
    "vnet and zones": {"vnet": True, "zoneRedundant": True},
    "zones": {"zoneRedundant": True},
    "keys": {"httpAuth": "key", "deployPlaybooks": True, "sentinelWorkspaceId": WORKSPACE},
    "a registration that is there": {
        "existingClientId": CLIENT, "callerClientIds": [OTHER], "analystsGroupId": ANALYSTS, "deployPlaybooks": True,
    },
    "groups": {**GROUPS, "callerPrincipalIds": [CALLER]},
    "people who call from a shell": {**GROUPS, "callsFromAz": True},
    "operators who read storage": {**GROUPS, "operatorsReadStorage": True},
    "nothing granted": {"grantGraphRoles": False, "assignSentinelRole": False, "sentinelWorkspaceId": WORKSPACE},
    "Sentinel": SENTINEL,
    "Sentinel, by hand": {**SENTINEL, "assignSentinelRole": False, "assignAutomationRole": False},
    "Sentinel, created alone": {**SENTINEL, "incidentTriggers": ["Created"]},
    "Sentinel, several": {"sentinelWorkspaceId": WORKSPACE, "furtherSentinelWorkspaceIds": [SECOND, THIRD]},
    "the callout alone": {"deployPlaybooks": True},
    "mail": {"alertEmail": "soc@contoso.com"},
    "no watch": {"settings": {"AzureWebJobs.WatchIncidents.Disabled": "True"}},
    "settings": {"settings": {"IGNORE_INDICATORS": "192.0.2.0/24", "COMMENTS": "on", "STATE_URL": "memory://"}},
    "elsewhere": {"location": "northeurope", "comments": "on", "findingsDays": 365, "maximumInstanceCount": 1},
    "usgov": {"azureCloud": "usgov"},
    "DoD": {"azureCloud": "usgovdod", "grantGraphRoles": False},
    "64 letters": {**ALL, "environmentName": LONG, "namePrefix": "soc123456"},
    "odd letters": {**ALL, "environmentName": "Prod_EU.1"},
    "a name that ends with a period": {**ALL, "environmentName": "-_(test)."},
    "one letter": {**ALL, "environmentName": "x", "namePrefix": "7s"},
}  # fmt: skip

LAWS: dict[str, Callable[[Deployment], list[str]]] = {
    law.__name__: law
    for law in (
        azure_rules.names, azure_rules.refused, deployment_laws.closed, deployment_laws.settings, deployment_laws.stored,
        deployment_laws.hosted, deployment_laws.placed, deployment_laws.alerts, rights_laws.roles, rights_laws.callers,
        rights_laws.registration, rights_laws.sign_in, playbook_laws.workflows, playbook_laws.started,
    )
}  # fmt: skip


def main(case: str) -> None:
    """Print the resources of a case, but those of Microsoft Graph, as an ARM template."""
    with tempfile.TemporaryDirectory() as folder, Bicep() as bicep:
        found = Templates(bicep, Path(folder) / "infra").deploy(CASES[case])
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [each for each in found.resources if "apiVersion" in each],
    }
    print(json.dumps(template, indent=2))


if __name__ == "__main__":
    main(sys.argv[1])
