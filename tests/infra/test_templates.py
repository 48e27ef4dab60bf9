"""
The Bicep templates, as far as they can be checked without the compiler and a subscription.

The workflow of the repository compiles and lints them; what only a deployment proves is listed in `infra/README.md`.
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
        "COMMENT_MAX_CHARS", "HUNTS_DIR", "HUNTS_PER_MINUTE", "HUNT_CONCURRENCY", "IGNORE_INDICATORS", "MASK_SECRETS",
        "MAX_DEVICES", "MAX_INDICATORS", "MAX_ROWS", "SWEEP_SCHEDULE", "WATCH_LOOKBACK", "WATCH_MIN_SEVERITY",
        "WATCH_SCHEDULE",
    },
}  # fmt: skip

#: What the host and the platform read; none of it is ours.
HOST_SETTINGS = {
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
    """Return the parameters of a template: whether each must be given."""
    return {name: "=" not in rest for _, name, _, rest in PARAMETER.findall(template)}


def set_by(block: str) -> set[str]:
    """Return the names of the settings that an object in Bicep sets."""
    return set(re.findall(r"^ +([A-Z]\w+): ", block, re.MULTILINE))


def app_settings() -> set[str]:
    """Return every setting that the function app gets."""
    of_module = re.search(r"name: 'appsettings'\n(.*?)\n}\n", text("modules/function-app.bicep"), re.DOTALL)
    of_main = re.search(r"settings: union\(settings, \{(.*?)\}\)", text("main.bicep"), re.DOTALL)

    assert of_module is not None
    assert of_main is not None

    return set_by(of_module[1]) | set_by(of_main[1])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_described(template: Path) -> None:
    """Every parameter says what it is and whether it is needed, in the manner of Azure Verified Modules."""
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
def test_no_secret(template: Path) -> None:
    """No secret goes in by a parameter, comes out by an output, or is asked for."""
    source = template.read_text(encoding="utf-8")
    names = re.findall(r"^(?:param|output) (\w+)", source, re.MULTILINE)
    suspicious = re.compile(r"secret|password|key|token|credential|connectionString", re.IGNORECASE)

    assert [] == [name for name in names if suspicious.search(name)]
    assert [] == re.findall(r"@secure|\blist\w*\(|\.list\w+\(|InstrumentationKey|sharedKey\b", source)


def test_settings() -> None:
    """The templates set settings that there are, and each that they leave out has its reason."""
    ours = app_settings() - HOST_SETTINGS
    reasons = {name for group in LEFT_OUT.values() for name in group}

    assert set() == ours - set(NAMES)
    assert set() == set(NAMES) - ours - reasons
    assert set() == ours & reasons
    assert set() == HOST_SETTINGS - app_settings()


def test_roles() -> None:
    """Every id of a role is the documented one of the role it is named for, and no other role is assigned."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    named = re.findall(rf"^(?:var|  ) *(?!appId)(\w+)(?: = |: )'({GUID.pattern})'", everything, re.MULTILINE)
    graph = re.findall(rf"name: '([\w.]+)', id: '({GUID.pattern})'", everything)

    assert ROLES == dict(named) | dict(graph)
    assert {*ROLES.values(), GRAPH} == set(GUID.findall(everything))


def test_queues() -> None:
    """Every queue that a function waits on is made, with its poison queue."""
    triggers = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "functions").glob("*.py"))
    waited_on = set(re.findall(r'queue_trigger\(\s*"\w+", "([\w-]+)"', triggers))
    listed = re.search(r"queueNames: \[(.*)\]", text("main.bicep"))

    assert listed is not None

    names = re.findall(r"'([\w-]+)'", listed[1])

    assert waited_on <= {*names, *(f"{name}-poison" for name in names)}
    assert "'${queueName}-poison'" in text("modules/storage.bicep")


def test_containers() -> None:
    """The package and the state each have their container, and runs expire from the state after FINDINGS_DAYS."""
    storage, app = text("modules/storage.bicep"), text("modules/function-app.bicep")

    assert ["deployments", "state"] == re.findall(r"\{ name: '(\w+)' \}", storage)
    assert {"deployments", "state"} == set(re.findall(r"\$\{blobEndpoint\}(\w+)'", app))
    assert [["state/runs/"], ["state/incidents/", "state/comments/"]] == [
        re.findall(r"'([^']+)'", found) for found in re.findall(r"prefixMatch: \[(.*)\]", storage)
    ]
    assert "delete: { daysAfterCreationGreaterThan: findingsDays }" in storage
    assert 'f"runs/{run_id}' in (ROOT / "shared" / "state" / "runs.py").read_text(encoding="utf-8")


def test_runtime() -> None:
    """The app runs on a Python that the packages are pinned for."""
    runtime = re.search(r"name: 'python'\n +version: '([\d.]+)'", text("modules/function-app.bicep"))

    assert runtime is not None
    assert runtime[1] == "3.13"
    assert 'python_version >= "3.13"' in (ROOT / "requirements.txt").read_text(encoding="utf-8")


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
def test_hardened(module: str, line: str) -> None:
    """What keeps others out is said outright, not left to a default."""
    assert line in [each.strip() for each in text(f"modules/{module}.bicep").splitlines()]


def test_no_passwords() -> None:
    """Neither FTP nor the deployment site takes a user name and password."""
    policy = r"basicPublishingCredentialsPolicies@[\d-]+' = \{\n  parent: app\n  name: '(\w+)'\n  properties: \{ allow: false \}"

    assert ["ftp", "scm"] == re.findall(policy, text("modules/function-app.bicep"))


def test_modules() -> None:
    """Every module of ours is used, with the parameters it has, and with all that it needs."""
    main = text("main.bicep")
    calls = re.findall(
        r"^module \w+ '\./([\w/-]+\.bicep)'.*?^  params: \{\n(.*?)^  \}", main, re.DOTALL | re.MULTILINE
    )
    problems = []
    for path, block in calls:
        has, given = parameters(text(path)), set(re.findall(r"^    (\w+):", block, re.MULTILINE))
        problems += [f"{path} has no {name}" for name in given - has.keys()]
        problems += [f"{path} needs {name}" for name, needed in has.items() if needed and name not in given]

    assert [] == problems
    assert set() == {f"modules/{path.name}" for path in MODULES} - {path for path, _ in calls}


def test_order() -> None:
    """The Graph roles are assigned before there is an app that could ask for a token without them."""
    app = re.search(r"^module functionApp .*?^}", text("main.bicep"), re.DOTALL | re.MULTILINE)

    assert app is not None
    assert "dependsOn: [graphRoles, sentinelRole]" in app[0]


def test_instances() -> None:
    """One instance is the default: Graph's quota, not the machine, is the ceiling."""
    found = re.search(
        r"@minValue\((\d+)\)\n@maxValue\((\d+)\)\n.*\nparam maximumInstanceCount int = (\d+)",
        text("main.bicep"),
    )

    assert found is not None
    assert ("1", "1000", "1") == found.groups()


def test_parameter_file() -> None:
    """The parameter file sets parameters that there are, and all that are needed."""
    has = parameters(text("main.bicep"))
    given = set(re.findall(r"^param (\w+) =", text("main.bicepparam"), re.MULTILINE))

    assert set() == given - has.keys()
    assert set() == {name for name, needed in has.items() if needed} - given


def test_reviewed() -> None:
    """The review in `infra/README.md` has every resource type at its version, and every module from the registry."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    used = re.findall(r"'(Microsoft\.[\w./]+@[\w.-]+|br/public:[\w./:-]+)'", everything)

    assert [] == sorted({each for each in used if f"`{each}`" not in text("README.md")})
