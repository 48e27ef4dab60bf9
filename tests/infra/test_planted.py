"""Mistakes planted in the templates, one at a time: the law that is there for it breaks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.bicep import Bicep
from tests.support.deployment_cases import CASES, LAWS
from tests.support.predicted import Templates
from tests.support.template_laws import TEMPLATE_LAWS

pytestmark = pytest.mark.bicep


class Mistake(NamedTuple):
    """In *file*, *old* becomes *new*; deployed as *case*, it breaks *law*."""

    law: str
    case: str
    file: str
    old: str
    new: str


MISTAKES = {
    "a role too weak": Mistake(
        "roles", "default", "modules/storage.bicep",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    ),
    "a role to the wrong identity": Mistake(
        "roles", "Sentinel", "main.bicep",
        "    workspaceName: sentinel[8]\n    principalId: identity.outputs.principalId",
        "    workspaceName: sentinel[8]\n    principalId: identity.outputs.clientId",
    ),
    "a role of Graph too many": Mistake(
        "callers", "default", "modules/graph-roles.bicep",
        "var roles = [", "var roles = [\n  { name: 'Directory.Read.All', id: '7ab1d382-f21e-4acd-a863-ba3e13f7da61' }",
    ),
    "readers who start runs": Mistake(
        "callers", "groups", "modules/app-registration.bicep", "roleIds['Outrider.Read']", "roleIds['Outrider.Use']"
    ),
    "keys of the account": Mistake(
        "closed", "default", "modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"
    ),
    "a public account behind private endpoints": Mistake(
        "closed", "vnet", "modules/storage.bicep", "private ? 'Deny' : 'Allow'", "'Allow'"
    ),
    "telemetry by a key": Mistake(
        "closed", "default", "modules/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false"
    ),
    "passwords for deployments": Mistake(
        "closed", "default", "modules/function-app.bicep",
        "name: 'scm'\n  properties: { allow: false }", "name: 'scm'\n  properties: { allow: true }",
    ),
    "a name too long": Mistake(
        "names", "64 letters", "playbooks/playbooks.bicep", "'${namePrefix}-${entity.key}'", "'${namePrefix}-for-an-entity-${entity.key}'"
    ),
    "a name that ends with a period": Mistake(
        "names", "a name that ends with a period", "modules/alerts.bicep", "'ag-${namePrefix}'", "'ag-${environmentName}'",
    ),
    "a setting lost": Mistake(
        "settings", "default", "modules/function-app.bicep", "    STATE_URL: '${blobEndpoint}state'\n", ""
    ),
    "settings that win over ours": Mistake(
        "settings", "settings", "main.bicep", "COMMENTS: comments", "COMMENTS: settings[?'COMMENTS'] ?? comments"
    ),
    "a property that the plan refuses": Mistake(
        "refused", "default", "modules/function-app.bicep", "siteConfig: {", "siteConfig: {\n      ftpsState: 'Disabled'"
    ),
    "a setting that the plan refuses": Mistake(
        "refused", "default", "modules/function-app.bicep",
        "AzureWebJobsDisableHomepage: 'true'", "AzureWebJobsDisableHomepage: 'true'\n    FUNCTIONS_WORKER_RUNTIME: 'python'",
    ),
    "a queue that is missing": Mistake("stored", "default", "main.bicep", "'runs', 'sweeps'", "'runs'"),
    "an expiry that takes all": Mistake(
        "stored", "default", "modules/storage.bicep", "'state/runs/', 'state/open/'", "'state/'"
    ),
    "another Python": Mistake("hosted", "default", "modules/function-app.bicep", "'3.13'", "'3.12'"),
    "one call at a time": Mistake(
        "hosted", "default", "modules/function-app.bicep", "perInstanceConcurrency: 16", "perInstanceConcurrency: 1"
    ),
    "no consent": Mistake(
        "registration", "default", "modules/app-registration.bicep",
        "oauth2PermissionGrants@v1.0' = {", "oauth2PermissionGrants@v1.0' = if (false) {",
    ),
    "an app for everybody": Mistake(
        "registration", "default", "modules/app-registration.bicep",
        "appRoleAssignmentRequired: true", "appRoleAssignmentRequired: false",
    ),
    "another cloud's audience": Mistake(
        "registration", "default", "modules/app-registration.bicep", "TokenExchangeUSGov", "TokenExchangeUSGovernment"
    ),
    "tokens from az that nobody asked for": Mistake(
        "registration", "default", "main.bicep", "var shells = callsFromAz ? [", "var shells = !callsFromAz ? ["
    ),
    "no sign-in": Mistake(
        "sign_in", "default", "modules/authentication.bicep", "'Return401'", "'AllowAnonymous'"
    ),
    "a callout that anybody starts": Mistake(
        "workflows", "the callout alone", "playbooks/playbooks.bicep",
        "allowedCallerIpAddresses: []", "allowedCallerIpAddresses: [{ addressRange: '0.0.0.0/0' }]",
    ),
    "its own comment starts the playbook": Mistake(
        "started", "Sentinel", "playbooks/automation-rules.bicep", "arrayType: 'Alerts'", "arrayType: 'Comments'"
    ),
    "alerts that cost three times as much": Mistake("alerts", "default", "modules/alerts.bicep", "'PT15M'", "'PT5M'"),
    "a region of its own": Mistake(
        "placed", "elsewhere", "modules/identity.bicep", "location: location",
        "location: empty(location) ? location : resourceGroup().location",
    ),
}  # fmt: skip

#: The same, where compiling alone shows it.
COMPILED = {
    "telemetry on": Mistake(
        "silent", "", "modules/storage.bicep",
        "    enableTelemetry: false\n    storageAccountName: account.name\n    queues",
        "    storageAccountName: account.name\n    queues",
    ),
    "a name that every environment has": Mistake(
        "apart", "", "main.bicep", "'./modules/identity.bicep' = {", "'./modules/identity.bicep' = {\n  name: 'identity'"
    ),
    "roles before Entra knows the identity": Mistake(
        "ordered", "", "main.bicep", "  dependsOn: [monitoring, storage]\n", ""
    ),
    "the app before its roles": Mistake("ordered", "", "main.bicep", "dependsOn: [graphRoles, ", "dependsOn: ["),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_breaks_the_law_that_is_there_for_it(
    name: str, bicep: Bicep, tmp_path: Path
) -> None:
    """What would be deployed with it is not what is meant, and that law says so."""
    mistake = MISTAKES[name]
    templates = Templates(bicep, tmp_path / "infra")
    templates.change(mistake.file, mistake.old, mistake.new)
    found = templates.deploy(CASES[mistake.case])

    assert mistake.law in [law for law, broken in LAWS.items() if broken(found)]


@pytest.mark.parametrize("name", COMPILED)
def test_a_planted_mistake_shows_when_the_templates_are_compiled(
    name: str, bicep: Bicep, tmp_path: Path
) -> None:
    """Only the law that is there for it breaks."""
    mistake = COMPILED[name]
    templates = Templates(bicep, tmp_path / "infra")
    templates.change(mistake.file, mistake.old, mistake.new)
    main = bicep.compile(templates.folder / "main.bicep").content

    assert [mistake.law] == [law for law, broken in TEMPLATE_LAWS.items() if broken(main)]
