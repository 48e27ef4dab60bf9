"""The templates as Microsoft's compiler reads them: without a warning, formatted, described, and in an order that works."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import Answer, Bicep
from tests.support.predicted import DEFAULTS
from tests.support.template_laws import TEMPLATE_LAWS, nested
from tests.support.templates import INFRA, TEMPLATES

PARAMETERS = INFRA / "main.bicepparam"

#: What each variable of azd's environment is set to, and what the parameter then is.
VARIABLES: dict[str, tuple[str, str, Any]] = {
    "AZURE_ENV_NAME": ("environmentName", "trial", "trial"),
    "AZURE_LOCATION": ("location", "northeurope", "northeurope"),
    "OUTRIDER_ALERT_EMAIL": ("alertEmail", "soc@contoso.com", "soc@contoso.com"),
    "OUTRIDER_ANALYSTS_GROUP_ID": ("analystsGroupId", "analysts", "analysts"),
    "OUTRIDER_ASSIGN_AUTOMATION_ROLE": ("assignAutomationRole", "false", False),
    "OUTRIDER_ASSIGN_SENTINEL_ROLE": ("assignSentinelRole", "false", False),
    "OUTRIDER_CALLER_CLIENT_IDS": ("callerClientIds", "one, two", ["one", "two"]),
    "OUTRIDER_CALLER_PRINCIPAL_IDS": ("callerPrincipalIds", "one,two,", ["one", "two"]),
    "OUTRIDER_CALLS_FROM_AZ": ("callsFromAz", "true", True),
    "OUTRIDER_CLIENT_ID": ("existingClientId", "client", "client"),
    "OUTRIDER_CLOUD": ("azureCloud", "usgovdod", "usgovdod"),
    "OUTRIDER_COMMENTS": ("comments", "on", "on"),
    "OUTRIDER_DEPLOY_PLAYBOOKS": ("deployPlaybooks", "true", True),
    "OUTRIDER_FINDINGS_DAYS": ("findingsDays", "7", 7),
    "OUTRIDER_FURTHER_SENTINEL_WORKSPACE_IDS": ("furtherSentinelWorkspaceIds", "/one,/two", ["/one", "/two"]),
    "OUTRIDER_GRANT_GRAPH_ROLES": ("grantGraphRoles", "false", False),
    "OUTRIDER_HTTP_AUTH": ("httpAuth", "key", "key"),
    "OUTRIDER_INCIDENT_TRIGGERS": ("incidentTriggers", "Created", ["Created"]),
    "OUTRIDER_MAX_INSTANCES": ("maximumInstanceCount", "1", 1),
    "OUTRIDER_NAME_PREFIX": ("namePrefix", "soc", "soc"),
    "OUTRIDER_OPERATORS_GROUP_ID": ("operatorsGroupId", "operators", "operators"),
    "OUTRIDER_OPERATORS_READ_STORAGE": ("operatorsReadStorage", "true", True),
    "OUTRIDER_READERS_GROUP_ID": ("readersGroupId", "readers", "readers"),
    "OUTRIDER_SECURITY_INSIGHTS_PRINCIPAL_ID": ("securityInsightsPrincipalId", "insights", "insights"),
    "OUTRIDER_SENTINEL_WORKSPACE_ID": ("sentinelWorkspaceId", "/workspace", "/workspace"),
    "OUTRIDER_SETTINGS": ("settings", '{"MAX_ROWS": "500"}', {"MAX_ROWS": "500"}),
    "OUTRIDER_VNET": ("vnet", "true", True),
    "OUTRIDER_ZONE_REDUNDANT": ("zoneRedundant", "true", True),
}

pytestmark = pytest.mark.bicep


@pytest.fixture(scope="module")
def compiled(bicep: Bicep) -> Callable[[Path], Answer]:
    """A function that compiles a file, once."""
    return cache(bicep.compile)


@pytest.fixture(scope="module")
def main(compiled: Callable[[Path], Answer]) -> dict[str, Any]:
    """The ARM template that main.bicep compiles to."""
    return compiled(INFRA / "main.bicep").content


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_compiles_without_a_warning(file: Path, compiled: Callable[[Path], Answer]) -> None:
    """Neither the compiler nor a rule of its linter, as bicepconfig.json chooses them, has anything to say."""
    assert [] == compiled(file).diagnostics


@pytest.mark.parametrize("file", [*TEMPLATES, PARAMETERS], ids=lambda path: path.name)
def test_every_file_is_formatted_as_the_compiler_does(file: Path, bicep: Bicep) -> None:
    """`bicep format` would change nothing."""
    assert bicep.format(file) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda path: path.stem)
def test_every_parameter_is_described_as_required_or_optional(
    file: Path, compiled: Callable[[Path], Answer]
) -> None:
    """As in Azure Verified Modules, its description starts with that word; outputs are described, too."""
    template = compiled(file).content
    parameters = template.get("parameters", {})
    said = {
        name: each.get("metadata", {}).get("description", "-").split()[0] for name, each in parameters.items()
    }
    outputs = template.get("outputs", {})

    assert {
        name: "Optional." if "defaultValue" in each else "Required." for name, each in parameters.items()
    } == said
    assert [] == [name for name, each in outputs.items() if not each.get("metadata", {}).get("description")]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_takes_or_returns_a_secret(file: Path, compiled: Callable[[Path], Answer]) -> None:
    """No parameter or output is of a secure type or named like a secret."""
    template = compiled(file).content
    both = template.get("parameters", {}) | template.get("outputs", {})
    suspicious = re.compile(r"secret|password|key|token|credential|connectionString", re.IGNORECASE)

    assert [] == [name for name, each in both.items() if "secure" in each.get("type", "").lower()]
    assert [] == [name for name in both if suspicious.search(name)]


@pytest.mark.fault("T4", before="12 of 21 parameters had a variable; the region of the group did not count")
def test_every_parameter_can_be_set_by_a_variable(bicep: Bicep, main: dict[str, Any]) -> None:
    """With azd by `azd env set`, without it in the shell; unset, each is as main.bicep has it by itself."""
    with Bicep(**{name: value for name, (_, value, _) in VARIABLES.items()}) as other:
        given = other.parameters(PARAMETERS)
    unset = bicep.parameters(PARAMETERS)
    defaults = {
        name: each["defaultValue"] for name, each in main["parameters"].items() if "defaultValue" in each
    }

    assert ([], []) == (given.diagnostics, unset.diagnostics)
    assert {name: value for name, _, value in VARIABLES.values()} == given.content
    assert DEFAULTS == unset.content
    assert {name: value for name, value in DEFAULTS.items() if name != "environmentName"} == defaults


@pytest.mark.fault(
    "T2", before="apart: 18 names, such as identity: identity, were those of every environment"
)
@pytest.mark.fault(
    "T5", before="silent: storage/blobService: None, and not False, and so storage/queueService"
)
@pytest.mark.fault("T6", before="ordered: graphRoles waited for identity alone")
@pytest.mark.parametrize("law", TEMPLATE_LAWS)
def test_the_templates_keep_the_law(law: str, main: dict[str, Any]) -> None:
    """No module tells Microsoft of a deployment, no name is another environment's, and roles come in time."""
    assert [] == TEMPLATE_LAWS[law](main)


def test_the_modules_that_could_tell_are_all_looked_at(main: dict[str, Any]) -> None:
    """The law of silence is about five modules of the registry."""
    able = [path for path, module in nested(main) if "enableTelemetry" in module["properties"]["parameters"]]

    assert {
        "alerts/actionGroup", "alerts/alerts", "network/zones", "storage/blobService", "storage/queueService",
    } == {path for path in able if 1 == path.count("/")}  # fmt: skip
