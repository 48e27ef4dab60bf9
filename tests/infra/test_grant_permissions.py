"""The script that assigns Graph roles and callers, with an `az` that answers as Microsoft Graph would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.model.role import ROLES

INFRA = Path(__file__).parents[2] / "infra"
SCRIPT = INFRA / "grant-permissions.sh"

IDENTITY, GROUP, PLAYBOOKS = "identity-id", "group-id", "playbooks-id"
CLIENT = "outrider-client-id"
GRAPH_ROLES = ["ThreatHunting.Read.All", "SecurityIncident.ReadWrite.All"]

# Answers as Microsoft Graph would through `az rest`, for the four queries that the script makes, and keeps a log.
AZ = f"""#!{sys.executable}
import json, pathlib, re, sys

home = pathlib.Path(__file__).parent
state = json.loads((home / "state.json").read_text())
said = sys.argv[1:]
with (home / "log").open("a") as log:
    log.write(json.dumps(said) + "\\n")
if said[:2] == ["cloud", "show"]:
    sys.exit(print(state["graph"] + "/"))
given = dict(zip(said[1::2], said[2::2]))
path = given["--url"].removeprefix(state["graph"] + "/v1.0/")
assert path != given["--url"] and given["--resource"] == state["graph"] and given["--output"] == "tsv", said
if given["--method"] == "post":
    if state["refuse"]:
        sys.exit("Forbidden(Authorization_RequestDenied)")
    state["assigned"].append(json.loads(given["--body"]) | {{"id": "assignment"}})
    (home / "state.json").write_text(json.dumps(state))
    sys.exit()
filtered = re.fullmatch(r"\\$filter=appId eq '(.+)'", given.get("--url-parameters", ""))
if filtered:
    found = [a for a in state["applications"] if a["appId"] == filtered[1]]
    role = re.fullmatch(r"value\\[0\\]\\.appRoles\\[\\?value=='(.+)'\\]\\.id \\| \\[0\\]", given["--query"])
    assert role or given["--query"] == "value[0].id", said
    print(*[r["id"] for a in found for r in a["appRoles"] if r["value"] == role[1]] if role else [a["id"] for a in found])
elif "ppRoleAssign" in path:
    pairs = dict(re.findall(r"(\\w+)=='(.+?)'", given["--query"]))
    assert given["--query"].startswith("value[?") and given["--query"].endswith("].id | [0]"), said
    print(*[a["id"] for a in state["assigned"] if pairs.items() <= a.items()][:1])
elif path.removeprefix("servicePrincipals/") not in state["principals"]:
    sys.exit("Not Found(Request_ResourceNotFound)")
"""


class Tenant:
    """A tenant behind a fake `az`, which comes before any other on PATH."""

    def __init__(self, home: Path) -> None:
        """Start with two applications, one identity and no assignment."""
        self.home = home
        self.change(
            graph="https://graph.microsoft.com",
            refuse=False,
            assigned=[],
            principals=[IDENTITY],
            applications=[
                {
                    "appId": "00000003-0000-0000-c000-000000000000",
                    "id": "graph-id",
                    "appRoles": [
                        {"value": name, "id": f"{name}-id"} for name in [*GRAPH_ROLES, "User.Read.All"]
                    ],
                },
                {
                    "appId": CLIENT,
                    "id": "outrider-id",
                    "appRoles": [{"value": name, "id": f"{name}-id"} for name in ROLES],
                },
            ],
        )
        az = home / "az"
        az.write_text(AZ)
        az.chmod(0o755)

    @property
    def state(self) -> dict[str, Any]:
        """All that the tenant knows."""
        file = self.home / "state.json"
        state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return state

    def change(self, **values: Any) -> None:
        """Change what the tenant knows."""
        (self.home / "state.json").write_text(json.dumps(self.state | values))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script against the tenant, and return how it ended."""
        path = f"{self.home}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [SCRIPT, *arguments],
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def assigned(self) -> list[tuple[str, str, str]]:
        """The assignments so far: principal, resource and role of each."""
        return [(a["principalId"], a["resourceId"], a["appRoleId"]) for a in self.state["assigned"]]

    @property
    def log(self) -> list[list[str]]:
        """The arguments of every call of `az`."""
        log = self.home / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    """A tenant in which nothing is assigned."""
    return Tenant(tmp_path)


GRANTED = [(IDENTITY, "graph-id", f"{name}-id") for name in GRAPH_ROLES]


def test_the_identity_gets_exactly_two_graph_roles(tenant: Tenant) -> None:
    """The script succeeds, prints no error, and assigns nothing else."""
    done = tenant.run(IDENTITY)

    assert (0, "") == (done.returncode, done.stderr)
    assert GRANTED == tenant.assigned


def test_a_second_run_assigns_only_what_is_missing(tenant: Tenant) -> None:
    """A role that is assigned already is left as it is, and the script says so."""
    tenant.change(
        assigned=[
            dict(zip(("principalId", "resourceId", "appRoleId", "id"), (*GRANTED[0], "1"), strict=True))
        ]
    )
    first, second = tenant.run(IDENTITY), tenant.run(IDENTITY)

    assert GRANTED == tenant.assigned
    assert (1, 1) == (first.stdout.count("already there:"), first.stdout.count("assigned: "))
    assert (2, 0) == (second.stdout.count("already there:"), second.stdout.count("assigned: "))


def test_each_caller_gets_its_role_once(tenant: Tenant) -> None:
    """Callers get the role of Outrider's own registration that the option stands for, however often the script runs."""
    readers, sweepers = ("--reader", "readers-id"), ("--sweeper", "operators-id")
    callers = ("--app", CLIENT, "--caller", GROUP, *readers, "--caller", PLAYBOOKS, *sweepers)
    tenant.run(IDENTITY, *callers)
    done = tenant.run(IDENTITY, *callers)
    expected = [(GROUP, "Use"), ("readers-id", "Read"), (PLAYBOOKS, "Use"), ("operators-id", "Sweep")]

    assert 0 == done.returncode
    assert [
        *GRANTED,
        *((who, "outrider-id", f"Outrider.{role}-id") for who, role in expected),
    ] == tenant.assigned


@pytest.mark.parametrize(
    ("graph", "arguments", "asked"),
    [("https://graph.microsoft.us", (), True), ("https://dod-graph.microsoft.us", ("--graph",), False)],
)
def test_roles_are_granted_in_the_chosen_cloud(
    tenant: Tenant, graph: str, arguments: tuple[str, ...], asked: bool
) -> None:
    """Graph is that of az's cloud, or the one given with --graph; every call and its token are for it."""
    tenant.change(graph=graph)
    done = tenant.run(IDENTITY, *(part for name in arguments for part in (name, graph)))

    assert 0 == done.returncode, done.stderr
    assert GRANTED == tenant.assigned
    assert asked == (["cloud", "show"] in [call[:2] for call in tenant.log])


def test_a_refused_assignment_says_who_may_assign(tenant: Tenant) -> None:
    """The script stops at the first refusal, and names the role that may assign."""
    tenant.change(refuse=True)
    done = tenant.run(IDENTITY)

    assert 1 == done.returncode
    assert "Authorization_RequestDenied" in done.stderr
    assert "Privileged Role Administrator" in done.stderr
    assert 1 == sum("post" in call for call in tenant.log)


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ({"principals": []}, (IDENTITY,), "its client id?"),
        ({"applications": []}, (IDENTITY,), "no enterprise application"),
        (
            {"applications": [{"appId": "00000003-0000-0000-c000-000000000000", "id": "g", "appRoles": []}]},
            (IDENTITY,),
            "no role ThreatHunting.Read.All",
        ),
        ({}, (), "whose roles?"),
        ({}, (IDENTITY, "another"), "one principal at a time"),
        ({}, (IDENTITY, "--caller", GROUP), "--caller and --sweeper need --app"),
        ({}, (IDENTITY, "--app", CLIENT, "--sweeper"), "--sweeper needs an object id"),
        ({}, (IDENTITY, "--app"), "--app needs a client id"),
        ({}, ("--what",), "unknown option --what"),
    ],
)
def test_wrong_input_is_named_and_assigns_nothing(
    tenant: Tenant, change: dict[str, Any], arguments: tuple[str, ...], said: str
) -> None:
    """The script fails when a principal, an application, a role or an argument is missing or unknown."""
    tenant.change(**change)
    done = tenant.run(*arguments)

    assert 0 != done.returncode
    assert said in done.stderr
    assert [] == tenant.assigned


def test_both_scripts_and_bicep_assign_the_same_roles() -> None:
    """The Graph roles are the same everywhere, and so are the names of Outrider's own roles, which are the app's."""
    bicep = (INFRA / "modules" / "graph-roles.bicep").read_text("utf-8")
    registration = (INFRA / "modules" / "app-registration.bicep").read_text("utf-8")
    shell = SCRIPT.read_text("utf-8")
    powershell = SCRIPT.with_suffix(".ps1").read_text("utf-8")

    assert GRAPH_ROLES == re.findall(r"name: '([\w.]+)'", bicep)
    assert GRAPH_ROLES == re.findall(r"graph_roles=\((.+)\)", shell)[0].split()
    assert GRAPH_ROLES == re.findall(r"'([\w.]+)'", re.findall(r"\$GraphRoles = (.+)", powershell)[0])
    assert list(ROLES) == re.findall(r"value: '(Outrider\.\w+)'", registration)
    assert list(ROLES) == re.findall(r'callers\+=\("(Outrider\.\w+) ', shell)
    assert list(ROLES) == re.findall(r"'(Outrider\.\w+)' =", powershell)
