"""What the grant scripts are told wrongly is named before anything is assigned, and their help says what is right."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from shared.model.role import ROLES
from tests.support.granting import (
    ANALYSTS,
    APPLICATION,
    CLIENT,
    GRANTED,
    GRAPH_ROLES,
    IDENTITY,
    INFRA,
    MICROSOFT,
    NOBODY,
    PLAYBOOKS,
    SCRIPTS,
    Tenant,
    tenant,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tenant"]

powershell = pytest.mark.parametrize(
    "tenant", [pytest.param("pwsh", marks=pytest.mark.powershell)], indirect=True
)


class Typed(NamedTuple):
    """Arguments as they are typed, and what is then said."""

    arguments: str
    said: str


TRANSFORM, VALIDATE = (
    "Cannot process argument transformation on parameter",
    "Cannot validate argument on parameter",
)

#: By what is wrong, the same mistake in Bash and in PowerShell.
MISTAKES = {
    "nobody": (Typed("", "whose roles?"), Typed("", "Whose roles?")),
    "two principals": (
        Typed(f"{IDENTITY} {PLAYBOOKS}", "one principal at a time"),
        Typed(f"{IDENTITY} {PLAYBOOKS}", "positional parameter"),
    ),
    "a principal that is no id": (
        Typed("outrider", "PRINCIPAL_ID needs an id"),
        Typed("outrider", f"{TRANSFORM} 'PrincipalId'"),
    ),
    "a caller without an application": (
        Typed(f"{IDENTITY} --caller {ANALYSTS}", "--caller and --sweeper need --app"),
        Typed(f"{IDENTITY} -Caller {ANALYSTS}", "-Caller and -Sweeper need -App"),
    ),
    "an application without a caller": (
        Typed(f"{IDENTITY} --app {CLIENT}", "--app needs --reader"),
        Typed(f"{IDENTITY} -App {CLIENT}", "-App needs -Reader"),
    ),
    "text in a query": (
        Typed(f"{IDENTITY} --app \"x' or appId ne '\" --caller {ANALYSTS}", "--app needs an id"),
        Typed(f"{IDENTITY} -App \"x' or appId ne '\" -Caller {ANALYSTS}", f"{TRANSFORM} 'App'"),
    ),
    "an unset variable": (
        Typed(f'{IDENTITY} --app {CLIENT} --caller "$unset"', "--caller needs an id"),
        Typed(f"{IDENTITY} -App {CLIENT} -Caller $unset", f"{VALIDATE} 'Caller'"),
    ),
    "an empty caller": (
        Typed(f"{IDENTITY} --app {CLIENT} --reader ''", "--reader needs an id"),
        Typed(f"{IDENTITY} -App {CLIENT} -Reader ''", f"{TRANSFORM} 'Reader'"),
    ),
    "a missing value": (
        Typed(f"{IDENTITY} --app {CLIENT} --sweeper", "--sweeper needs an id"),
        Typed(f"{IDENTITY} -App {CLIENT} -Sweeper", "Missing an argument for parameter 'Sweeper'"),
    ),
    "a forgotten comma": (
        Typed(f"{IDENTITY} --app {CLIENT} --caller {ANALYSTS} {PLAYBOOKS}", "one principal at a time"),
        Typed(f"{IDENTITY} -App {CLIENT} -Caller {ANALYSTS} {PLAYBOOKS}", "positional parameter"),
    ),
    "a forgotten comma among callers alone": (
        Typed(f"--callers-only --app {CLIENT} --caller {ANALYSTS} {PLAYBOOKS}", f"what is {PLAYBOOKS}?"),
        Typed(f"-CallersOnly -App {CLIENT} -Caller {ANALYSTS} {PLAYBOOKS}", f"what is {PLAYBOOKS}?"),
    ),
    "callers alone, and none": (
        Typed("--callers-only", "--callers-only needs --reader"),
        Typed("-CallersOnly", "-CallersOnly needs -Reader"),
    ),
    "an address that is none": (
        Typed(f"{IDENTITY} --graph graph.microsoft.us", "--graph needs an address"),
        Typed(f"{IDENTITY} -Graph graph.microsoft.us", f"{VALIDATE} 'Graph'"),
    ),
    "an unknown option": (
        Typed(f"{IDENTITY} --what", "unknown option --what"),
        Typed(f"{IDENTITY} -What", "parameter name 'What'"),
    ),
}


@pytest.mark.fault("G1", before="exit code 0, 'Done.', and nobody was assigned; --app alone did the same")
@pytest.mark.fault("G2", before="the second id was the address that az's token was sent to")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_call_is_named_and_asks_nothing(tenant: Tenant, mistake: str) -> None:
    """The script fails, says which option is wrong, and does not even look anything up."""
    typed = MISTAKES[mistake][tenant.shell == "pwsh"]
    done = tenant.run(typed.arguments)

    assert 0 != done.code
    assert done.says(typed.said), done.error
    assert [] == tenant.log


@pytest.mark.fault("G3", before="the two Graph roles were assigned before the application was looked up")
@pytest.mark.parametrize(
    ("change", "given", "said"),
    [
        ({}, {"identity": NOBODY}, "is it the identity's object id, and not its client id?"),
        ({}, {"identity": ANALYSTS}, "is it the identity's object id, and not its client id?"),
        ({}, {"app": NOBODY}, f"no enterprise application with the client id {NOBODY}"),
        ({}, {"app": MICROSOFT}, f"the application {MICROSOFT} has no role Outrider.Use"),
        ({}, {"caller": [ANALYSTS, NOBODY]}, f"{NOBODY} could not be read"),
        ({}, {"caller": APPLICATION}, "is of the type application, which has no roles"),
        ({"applications": []}, {}, f"no enterprise application with the client id {MICROSOFT}"),
        ({"graph": ""}, {}, "az's cloud has no address of Microsoft Graph"),
    ],
)
def test_what_the_tenant_does_not_have_is_named_and_assigns_nothing(
    tenant: Tenant, change: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    """Everything is looked up before the first role is assigned: a wrong id leaves nothing half done."""
    tenant.change(**change)
    done = tenant.grant(**{"identity": IDENTITY, "app": CLIENT, "caller": ANALYSTS} | given)

    assert 1 == done.code
    assert done.says(said), done.error
    assert [] == tenant.assigned


def test_without_the_azure_cli_it_says_so(tenant: Tenant, tmp_path: Path) -> None:
    """Where az is not on the PATH, the script stops there."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "tr"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = tenant.run(IDENTITY, path=str(tools))

    assert 1 == done.code
    assert done.says("az, the Azure CLI, is not on the PATH"), done.error


def test_the_help_names_every_option(tenant: Tenant) -> None:
    """The help has the same options in both shells, and no other line of the script."""
    if tenant.shell == "bash":
        done = tenant.run("--help")
    else:
        done = tenant.run("-WhatIf", before=f"Get-Help '{SCRIPTS['pwsh']}' -Full; exit")
    options = ["callers-only", "app", "reader", "caller", "sweeper", "graph"]
    named = [
        name for name in options if re.search(rf"--?{name.replace('-', '-?')}\b", done.out, re.IGNORECASE)
    ]

    assert options == named
    assert done.says("Cloud Application Administrator")
    assert not done.says("pipefail")
    assert not done.says("$ErrorActionPreference")


@powershell
@pytest.mark.fault("G5", before="NativeCommandExitException, and not the script's own words")
@pytest.mark.parametrize(
    "before",
    [
        "Set-StrictMode -Version Latest",
        "$PSNativeCommandUseErrorActionPreference = $true",
        "$PSNativeCommandArgumentPassing = 'Legacy'",
    ],
)
def test_what_a_session_prefers_changes_nothing(tenant: Tenant, before: str) -> None:
    """What a session or a profile has set neither stops the script nor takes its words."""
    done = tenant.grant(IDENTITY, app=CLIENT, caller=ANALYSTS, before=before)
    refused = tenant.grant(NOBODY, before=before)

    assert (0, 3, 1) == (done.code, len(tenant.assigned), refused.code), done.error
    assert refused.says("is it the identity's object id, and not its client id?")
    assert [] == tenant.left


@powershell
@pytest.mark.fault(
    "G5", before="no parameter WhatIf; with the preference, an error: the path of the body was null"
)
@pytest.mark.parametrize(("before", "given"), [("", {"what_if": True}), ("$WhatIfPreference = $true", {})])
def test_what_if_says_what_would_be_assigned(tenant: Tenant, before: str, given: dict[str, Any]) -> None:
    """Everything is looked up, nothing assigned."""
    tenant.has(GRANTED[0])
    done = tenant.grant(IDENTITY, before=before, **given)

    assert (0, [GRANTED[0]]) == (done.code, tenant.assigned), done.error
    assert done.says(f"already there: {GRAPH_ROLES[0]} for {IDENTITY}")
    assert done.says(f'What if: Performing the operation "Assign {GRAPH_ROLES[1]}" on target "{IDENTITY}"')
    assert not done.says("Done.")


def test_the_bash_of_macos_reads_the_script() -> None:
    """The script has nothing that came after Bash 3.2, which macOS has: its manual's list of what is new in 4 and 5."""
    newer = r"mapfile|readarray|coproc|(declare|local) -[Agn]|\$\{\w+(,|\^|@)|&>>|\|&|;;?&|\bwait -n|\$EPOCH|\[-\d+\]"

    assert None is re.search(newer, SCRIPTS["bash"].read_text("utf-8"))


def test_both_scripts_and_bicep_assign_the_same_roles() -> None:
    """The Graph roles are the same everywhere, and so are the names of Outrider's own roles, which are the app's."""
    bicep = (INFRA / "modules" / "graph-roles.bicep").read_text("utf-8")
    registration = (INFRA / "app-roles.json").read_text("utf-8")
    shell, script = (SCRIPTS[name].read_text("utf-8") for name in ("bash", "pwsh"))

    assert GRAPH_ROLES == re.findall(r"name: '([\w.]+)'", bicep)
    assert GRAPH_ROLES == re.findall(r"graph_roles=\((.+)\)", shell)[0].split()
    assert GRAPH_ROLES == re.findall(r"'([\w.]+)'", re.findall(r"\$GraphRoles = (.+)", script)[0])
    assert list(ROLES) == re.findall(r'"value": "(Outrider\.\w+)"', registration)
    assert list(ROLES) == re.findall(r'callers\+=\("(Outrider\.\w+) ', shell)
    assert list(ROLES) == re.findall(r"'(Outrider\.\w+)' =", script)
