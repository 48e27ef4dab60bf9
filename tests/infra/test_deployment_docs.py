"""What the guides for a deployment mention exists: in the templates, the scripts, the app and the tools they call."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from shared import settings
from tests.support.azure_commands import Command, commands, fault
from tests.support.openapi import operations

ROOT = Path(__file__).parents[2]


def text(path: str) -> str:
    """Return a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


GUIDE, MAIN, PARAMETERS = text("DEPLOYMENT.md"), text("infra/main.bicep"), text("infra/main.bicepparam")
#: Those that somebody follows who deploys.
PAGES = ("DEPLOYMENT.md", "infra/README.md", "infra/live-check.md", "README.md", "SECURITY.md")
OUTPUTS = set(re.findall(r"^output (\w+)", MAIN, re.MULTILINE))
TEMPLATES = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "infra").rglob("*.bicep")))


def test_azd_deploys_this_folder_as_the_function_app() -> None:
    """The service is named as the template tags the app, and azd must be new enough to read .funcignore."""
    project = yaml.safe_load(text("azure.yaml"))
    tags = re.findall(r"'azd-service-name': '(\w+)'", text("infra/modules/function-app.bicep"))
    service = {"project": ".", "host": "function", "language": "python", "remoteBuild": True}

    assert dict.fromkeys(tags, service) == project["services"]
    assert {"azd": ">= 1.23.13"} == project["requiredVersions"]
    assert "| `azd` | 1.23.13 |" in re.sub(r"\[.*?\]\(.*?\) ", "", GUIDE)
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_parameters_outputs_and_settings_that_exist(page: str) -> None:
    """So do the variables of the parameter file, and what stands in angle brackets to be put in."""
    known = set(re.findall(r"^(?:param|output) (\w+)", MAIN, re.MULTILINE)) | {"runId"}
    put_in = set(re.findall(r"<([a-z]+[A-Z]\w*)>", text(page)))
    variables = set(re.findall(r"\b(?:OUTRIDER|AZURE)_[A-Z_]+\b", text(page))) - set(settings.NAMES)
    screaming = set(re.findall(r"`(?:\{\")?([A-Z]+_[A-Z_]+)\b", text(page))) - variables
    disabled = set(re.findall(r"AzureWebJobs\.(\w+)\.Disabled", text(page)))

    assert set() == put_in - known
    assert set() == variables - set(re.findall(r"'((?:OUTRIDER|AZURE)_\w+)'", PARAMETERS))
    assert set() == screaming - set(settings.NAMES) - PLATFORM
    assert set() == disabled - {"WatchIncidents", "SweepFleet"}


#: Settings that Azure's platform reads: of sign-in, of telemetry, and two that the plan does not have.
PLATFORM = {
    "WEBSITE_AUTH_ENABLED", "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE",
}  # fmt: skip


def test_the_guide_names_only_parameters_and_outputs_that_exist() -> None:
    """Each name in camel case that it sets as code."""
    known = set(re.findall(r"^(?:param|output) (\w+)", MAIN, re.MULTILINE))

    assert set() == set(re.findall(r"`([a-z]+[A-Z]\w*)`", GUIDE)) - known


def test_the_guide_lists_every_variable_of_the_parameter_file() -> None:
    """Each stands beside its parameter; those that azd sets by itself stand below."""
    read = dict(re.findall(r"param (\w+) = .*?'(\w+_\w+)'", PARAMETERS))
    listed = dict(re.findall(r"^\| `(OUTRIDER_\w+)` \| `(\w+)` \|", GUIDE, re.MULTILINE))
    by_azd = dict(re.findall(r"`(AZURE_\w+)` is `(\w+)`", GUIDE))

    assert {variable: name for name, variable in read.items()} == listed | by_azd


def test_every_output_is_told() -> None:
    """Whoever deploys learns what each is for, here or in the page on the templates."""
    said = GUIDE + text("infra/README.md")

    assert set() == {name for name in OUTPUTS if f"`{name}`" not in said and f"<{name}>" not in said}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_heading_and_target_that_a_page_names_exists(page: str) -> None:
    """Links, files of the project wherever they are named, headings, and targets of make."""
    here = (ROOT / page).parent
    links = re.findall(r"\]\((?!https:)([^)#]*)(?:#([\w-]+))?\)", text(page))
    linked = {(here / path).resolve() if path else ROOT / page: "" for path, _ in links}
    roots = "infra|tests|shared|functions|sandbox|modules|playbooks"
    named = re.findall(rf"(?<![\w/.])((?:{roots})/[\w./-]+\.\w+)\b", text(page))
    missing = [path for path in named if not any((base / path).is_file() for base in (ROOT, here))]
    headings = {
        (file, heading) for file in linked if file.is_file() for heading in map(_anchor, _headings(file))
    }
    targets = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?=[^\w]*[`\n\"]| \w+=)", text(page)))

    assert [] == [str(file) for file in linked if not file.exists()]
    assert [] == [
        f"{path}#{heading}"
        for path, heading in links
        if heading and ((here / path).resolve() if path else ROOT / page, heading) not in headings
    ]
    assert [] == missing
    assert set() == targets - set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def _headings(file: Path) -> list[str]:
    return (
        re.findall(r"^#+ (.+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if file.suffix == ".md"
        else []
    )


def _anchor(heading: str) -> str:
    """Return the name under which GitHub links to a heading."""
    return re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-").lower()


@pytest.mark.parametrize("page", PAGES)
def test_every_call_that_a_page_names_exists(page: str) -> None:
    """`/api/…`, as the Swagger file has it."""
    routes = {re.sub(r"\{\w+\}", "<>", call.split()[1]) for call in operations()}
    named = re.findall(r"(?<![\w{])(/api/[a-z]+(?:/[\w<>{}]+)*)", text(page))

    assert set() == {route for route in named if re.sub(r"[{<]\w+[}>]", "<>", route) not in routes}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one_of_az_or_azd(page: str) -> None:
    """With options that it has."""
    assert [] == [said for each in commands(text(page)) if (said := fault(each))]


def test_the_guide_is_read_for_its_commands() -> None:
    """Those in blocks, in lines, in `$(…)`, and after an assignment; and what is wrong is seen."""
    found = {(each.tool, each.known) for each in commands(GUIDE)}

    assert {("azd", "up"), ("az", "ad app create"), ("az", "account show"), ("azd", "down")} <= found
    assert 25 < len(found)
    assert "no such command: az functionapp publish" == fault(
        Command("az", "", ["functionapp", "publish"]),
    )
    assert [
        "--nmae of: az group create --nmae x",
        "too of: azd up too",
        "no such command: azd env list",
    ] == [fault(each) for each in commands("    az group create --nmae x\n    azd up too\n`azd env list`")]


def test_the_grant_scripts_have_the_options_that_the_guide_gives_them() -> None:
    """Bash's and PowerShell's."""
    lines = re.findall(r"infra/grant-permissions\.[^\n]*", GUIDE)
    bash = {option for line in lines for option in re.findall(r"(?<= )--[a-z-]+", line.replace("`", " "))}
    shell = {option for line in lines for option in re.findall(r"(?<=[ `])-([A-Z]\w+)", line)}
    parameters = re.findall(
        r"\$(\w+)", text("infra/grant-permissions.ps1").split("param(")[1].split("\n)")[0]
    )

    assert {"--caller", "--callers-only", "--app", "--sweeper", "--graph"} <= bash
    assert set() == bash - set(re.findall(r"--[a-z-]+", text("infra/grant-permissions.sh")))
    assert {"Caller", "CallersOnly", "App", "Sweeper"} == shell & set(parameters) == shell


def test_playbooks_alerts_workbook_and_rules_are_called_what_they_are() -> None:
    """In the guide as in the templates, whose names the portal shows."""
    playbooks = set(re.findall(r"`…-([a-z-]+)`", GUIDE))
    alerts = re.findall(r"the alert \"([a-z ]+)\"", GUIDE + text("infra/README.md"))

    entities = set(json.loads(text("infra/playbooks/entities.json")))
    assert {"incident", "callout", *entities} == playbooks
    assert all(f"name: '{alert.replace(' ', '-')}'" in TEMPLATES for alert in alerts)
    assert "silent watch" in alerts
    assert 'workbook "Outrider (<environment>)"' in GUIDE
    assert "displayName: 'Outrider (${environmentName})'" in MAIN
    assert '"Outrider: incident created" and "Outrider: incident updated"' in GUIDE
    assert "displayName: 'Outrider: incident ${toLower(when)}'" in TEMPLATES
    assert "id-…-playbooks" in GUIDE
    assert "name: 'id-${namePrefix}-playbooks'" in TEMPLATES


def test_every_provider_is_named() -> None:
    """Those of each resource in the templates; `Microsoft.App`, of which there is none, and what Azure makes by itself."""
    used = set(re.findall(r"'(Microsoft\.\w+)/[\w/]+@", TEMPLATES)) - {
        "Microsoft.Authorization",
        "Microsoft.Graph",
    }

    assert used | {"Microsoft.App", "Microsoft.AlertsManagement"} == set(
        re.findall(r"`(Microsoft\.\w+)`", GUIDE)
    )


def test_the_roles_that_are_made_by_hand_are_those_of_the_templates() -> None:
    """One file has them, for both."""
    roles = json.loads(text("infra/app-roles.json"))

    assert "loadJsonContent('../app-roles.json')" in text("infra/modules/app-registration.bicep")
    assert {role["value"] for role in roles} == set(
        re.findall(r"^\| `(Outrider\.\w+)` \|", GUIDE, re.MULTILINE)
    )


def test_the_arithmetic_of_the_cost_example_is_right() -> None:
    """The seconds, executions, operations and dollars in the guide are calculated again here."""
    minutes, incidents = 60 * 24 * 30, 1_500
    seconds = 2 * (minutes + incidents * 20)
    polls, blobs = 6 * minutes * 60 * 10 // 4, incidents * 36 + minutes * 5
    rules = len(re.findall(r"^    name: '[a-z-]+'$", text("infra/modules/alerts.bicep"), re.MULTILINE))

    assert '"maxPollingInterval": "00:00:00.400"' in text("host.json")
    assert 6 == rules
    for said in (
        f"= {seconds:,} GB-s; {seconds - 100_000:,} of them paid",
        f"× $0.000026 = ${(seconds - 100_000) * 0.000026:.2f}",
        f"43,200 + 1,500 × 8 = {minutes + incidents * 8:,} executions",
        f"6 × {polls // 6:,} = {polls:,} operations: at $0.004 for 10,000, ${polls * 0.004 / 10_000:.2f}",
        f"1,500 × 36 + 43,200 × 5 = {blobs:,} operations",
        f"{blobs:,} operations are 0.3 GB: free, else ${blobs / 1e6 * 2.3:.2f}",
        f"{rules} × $0.50 = ${rules * 0.5:.2f}",
        f"2 × 730 × $0.01 + 2 × $0.50 = ${2 * 730 * 0.01 + 2 * 0.5:.2f}",
    ):
        assert said in GUIDE
