"""
The Bicep templates, as far as they can be checked without the compiler and a subscription.

The repository's workflow compiles and lints them; `infra/README.md` lists what only a deployment proves.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.settings import NAMES
from tests.support.templates import MODULES, ROOT, TEMPLATES, text

#: Built-in roles, from "Azure built-in roles", and Graph's application roles, from "Microsoft Graph permissions reference".
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "microsoftSentinelResponder": "3e150937-b8fe-4cfb-8069-0eaf05ecd056",
    "microsoftSentinelAutomationContributor": "f4c81013-99ee-4d62-a7ee-b3f1f648599a",
    "ThreatHunting.Read.All": "dd98c7f5-2d42-42d3-a0e4-633161547251",
    "SecurityIncident.ReadWrite.All": "34bf0e97-1971-4929-b999-9e2442d941d7",
}

#: Microsoft Graph itself, the same in every tenant.
GRAPH = "00000003-0000-0000-c000-000000000000"

#: Settings of ours that the templates leave to their defaults, and why; the parameter `settings` sets any of them.
LEFT_OUT = {
    "the cloud's own, which AZURE_CLOUD chooses": {"GRAPH_URL", "ARM_URL", "PORTAL_URL"},
    "a connection string holds a key; the identity opens the queues by their address": {"AzureWebJobsStorage"},
    "the platform names the host": {"PUBLIC_URL"},
    "the default suits a first deployment": {
        "COMMENT_MAX_CHARS", "COMMENT_NOTHING_TO_HUNT", "HUNTS_AUTO", "HUNTS_DIR", "HUNTS_PER_MINUTE", "HUNT_CONCURRENCY", "IGNORE_INDICATORS", "LATE_LOOK",
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

PARAMETER = re.compile(r"((?:^@.*\n|^//.*\n)*)^param (\w+) (\w+)(.*)$", re.MULTILINE)

DESCRIPTION = re.compile(r"@description\('((?:[^'\\]|\\.)+)'\)")

GUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")


def parameters(template: str) -> dict[str, bool]:
    """Return the parameters of a template, and whether each is required."""
    return {name: "=" not in rest for _, name, _, rest in PARAMETER.findall(template)}


def set_by(block: str) -> set[str]:
    """Return the names of the settings that an object in Bicep sets."""
    return set(re.findall(r"^ +([A-Z]\w+): ", block, re.MULTILINE))


def app_settings() -> set[str]:
    """Return the names of all settings that the function app gets."""
    of_module = re.search(r"name: 'appsettings'\n(.*?)\n}\n", text("modules/function-app.bicep"), re.DOTALL)
    of_main = re.search(r"settings: union\(settings, \{(.*?)\}\)", text("main.bicep"), re.DOTALL)

    assert of_module is not None
    assert of_main is not None

    return set_by(of_module[1]) | set_by(of_main[1])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_parameter_is_described_as_required_or_optional(template: Path) -> None:
    """As in Azure Verified Modules, its description starts with that word; outputs are described, too."""
    source = template.read_text(encoding="utf-8")
    wanted, found = [], []
    for before, name, _, rest in PARAMETER.findall(source):
        described = DESCRIPTION.search(before)
        wanted.append((name, "Optional." if "=" in rest else "Required."))
        found.append((name, described[1].split()[0] if described else ""))

    assert wanted == found
    assert len(re.findall(r"^param ", source, re.MULTILINE)) == len(found)
    assert len(re.findall(r"^output ", source, re.MULTILINE)) == len(re.findall(r"'\)\noutput ", source))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_takes_or_returns_a_secret(template: Path) -> None:
    """No parameter or output is named like a secret, and no template reads keys."""
    source = template.read_text(encoding="utf-8")
    names = re.findall(r"^(?:param|output) (\w+)", source, re.MULTILINE)
    suspicious = re.compile(r"secret|password|key|token|credential|connectionString", re.IGNORECASE)

    assert [] == [name for name in names if suspicious.search(name)]
    assert [] == re.findall(r"@secure|\blist\w*\(|\.list\w+\(|InstrumentationKey|sharedKey\b", source)


def test_templates_set_every_setting_or_say_why_not() -> None:
    """A setting of the app that they do not set is listed here with the reason."""
    ours = app_settings() - HOST_SETTINGS
    reasons = {name for group in LEFT_OUT.values() for name in group}

    assert set() == ours - set(NAMES)
    assert set() == set(NAMES) - ours - reasons
    assert set() == ours & reasons
    assert set() == HOST_SETTINGS - app_settings()


def test_role_ids_are_the_documented_ones() -> None:
    """The templates contain no other ids, apart from that of Microsoft Graph."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    named = re.findall(rf"^(?:var|  ) *(?!appId)(\w+)(?: = |: )'({GUID.pattern})'", everything, re.MULTILINE)
    graph = re.findall(rf"name: '([\w.]+)', id: '({GUID.pattern})'", everything)

    assert ROLES == dict(named) | dict(graph)
    assert {*ROLES.values(), GRAPH} == set(GUID.findall(everything))


def test_every_queue_a_function_waits_on_is_made() -> None:
    """Each is made together with its poison queue."""
    triggers = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "functions").glob("*.py"))
    waited_on = set(re.findall(r'queue_trigger\(\s*"\w+", "([\w-]+)"', triggers))
    listed = re.search(r"queueNames: \[(.*)\]", text("main.bicep"))

    assert listed is not None

    names = re.findall(r"'([\w-]+)'", listed[1])

    assert waited_on <= {*names, *(f"{name}-poison" for name in names)}
    assert "'${queueName}-poison'" in text("modules/storage.bicep")


def test_package_and_state_have_containers_of_their_own() -> None:
    """Storage deletes runs from the state after FINDINGS_DAYS."""
    storage, app = text("modules/storage.bicep"), text("modules/function-app.bicep")

    assert ["deployments", "state"] == re.findall(r"\{ name: '(\w+)' \}", storage)
    assert {"deployments", "state"} == set(re.findall(r"\$\{blobEndpoint\}(\w+)'", app))
    assert [["state/runs/", "state/open/"], ["state/incidents/", "state/comments/"]] == [
        re.findall(r"'([^']+)'", found) for found in re.findall(r"prefixMatch: \[(.*)\]", storage)
    ]
    assert "delete: { daysAfterCreationGreaterThan: findingsDays }" in storage
    assert 'f"runs/{run_id}' in (ROOT / "shared" / "state" / "runs.py").read_text(encoding="utf-8")


def test_the_app_runs_on_the_pinned_python() -> None:
    """The templates choose Python 3.13, for which the app's requirements pin versions."""
    runtime = re.search(r"name: 'python'\n +version: '([\d.]+)'", text("modules/function-app.bicep"))

    assert runtime is not None
    assert runtime[1] == "3.13"
    assert 'python_version >= "3.13"' in (ROOT / "requirements.in").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("storage", "allowSharedKeyAccess: false"),
        ("storage", "allowBlobPublicAccess: false"),
        ("storage", "minimumTlsVersion: 'TLS1_2'"),
        ("storage", "supportsHttpsTrafficOnly: true"),
        ("storage", "publicNetworkAccess: private ? 'Disabled' : 'Enabled'"),
        ("function-app", "httpsOnly: true"),
        ("function-app", "minTlsVersion: '1.2'"),
        ("function-app", "scmMinTlsVersion: '1.2'"),
        ("function-app", "ftpsState: 'Disabled'"),
        ("function-app", "AzureWebJobsStorage__credential: 'managedidentity'"),
        ("monitoring", "DisableLocalAuth: true"),
        ("monitoring", "disableLocalAuth: true"),
        ("authentication", "requireAuthentication: true"),
        ("authentication", "unauthenticatedClientAction: 'Return401'"),
        ("authentication", "clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'"),
        ("app-registration", "appRoleAssignmentRequired: true"),
        ("app-registration", "signInAudience: 'AzureADMyOrg'"),
    ],
)
def test_every_protection_is_set_explicitly(module: str, line: str) -> None:
    """What keeps others out must not depend on a default."""
    assert line in [each.strip() for each in text(f"modules/{module}.bicep").splitlines()]


def test_no_deployment_takes_a_password() -> None:
    """Neither FTP nor the deployment site accepts a user name and password."""
    policy = r"basicPublishingCredentialsPolicies@[\d-]+' = \{\n  parent: app\n  name: '(\w+)'\n  properties: \{ allow: false \}"

    assert ["ftp", "scm"] == re.findall(policy, text("modules/function-app.bicep"))


def test_every_module_is_used_with_its_own_parameters() -> None:
    """Each gets all that it requires, and nothing that it does not have."""
    main = text("main.bicep")
    calls = re.findall(
        r"^module \w+ '\./([\w/-]+\.bicep)'.*?^( +)params: \{\n(.*?)^\2\}", main, re.DOTALL | re.MULTILINE
    )
    problems = []
    for path, indent, block in calls:
        has, given = parameters(text(path)), set(re.findall(rf"^{indent}  (\w+):", block, re.MULTILINE))
        problems += [f"{path} has no {name}" for name in given - has.keys()]
        problems += [f"{path} needs {name}" for name, needed in has.items() if needed and name not in given]

    assert [] == problems
    assert set() == {f"modules/{path.name}" for path in MODULES} - {path for path, *_ in calls}


def test_roles_are_assigned_before_the_app_exists() -> None:
    """An app that starts earlier could get tokens that lack its Graph and Sentinel roles."""
    app = re.search(r"^module functionApp .*?^}", text("main.bicep"), re.DOTALL | re.MULTILINE)

    assert app is not None
    assert "dependsOn: [graphRoles, sentinelRole, furtherSentinelRoles]" in app[0]


def test_one_instance_is_the_default() -> None:
    """More would not help: the limit is Graph's quota, not the machine."""
    found = re.search(
        r"@minValue\((\d+)\)\n@maxValue\((\d+)\)\n.*\nparam maximumInstanceCount int = (\d+)",
        text("main.bicep"),
    )

    assert found is not None
    assert ("1", "1000", "1") == found.groups()


def test_the_parameter_file_sets_every_required_parameter() -> None:
    """It sets no parameter that main.bicep does not have."""
    has = parameters(text("main.bicep"))
    given = set(re.findall(r"^param (\w+) =", text("main.bicepparam"), re.MULTILINE))

    assert set() == given - has.keys()
    assert set() == {name for name, needed in has.items() if needed} - given


def test_every_resource_version_is_in_the_review() -> None:
    """The review in `infra/README.md` lists resource types by version, and modules from the registry."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    used = re.findall(r"'(Microsoft\.[\w./]+@[\w.-]+|br/public:[\w./:-]+)'", everything)

    assert [] == sorted({each for each in used if f"`{each}`" not in text("README.md")})
