"""A tenant behind a stand-in for `az`, and the two scripts that assign roles in it: Bash's and PowerShell's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.model.role import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

INFRA = Path(__file__).parents[2] / "infra"
SCRIPTS = {"bash": INFRA / "grant-permissions.sh", "pwsh": INFRA / "grant-permissions.ps1"}

GRAPH_ROLES = ["ThreatHunting.Read.All", "SecurityIncident.ReadWrite.All"]

MICROSOFT, CLIENT = "00000003-0000-0000-c000-000000000000", "c0ffee00-0000-4000-8000-000000000001"
GRAPH, OUTRIDER = "a0000000-0000-4000-8000-00000000000a", "b0000000-0000-4000-8000-00000000000b"
IDENTITY, PLAYBOOKS = "1dea0000-0000-4000-8000-0000000000ef", "1dea0000-0000-4000-8000-0000000000ab"
ANALYSTS, READERS = "6e000000-0000-4000-8000-0000000000aa", "6e000000-0000-4000-8000-0000000000bb"
OPERATOR, APPLICATION = "5e000000-0000-4000-8000-0000000000cc", "a9900000-0000-4000-8000-0000000000dd"
NOBODY = "dead0000-0000-4000-8000-000000000000"

#: By its name, the id of each role.
ROLE_IDS = {name: f"50000000-0000-4000-8000-00000000000{n}" for n, name in enumerate([*GRAPH_ROLES, *ROLES])}

#: Of whom, on what, which: what the identity needs.
GRANTED = [(IDENTITY, GRAPH, ROLE_IDS[name]) for name in GRAPH_ROLES]


def called(*pairs: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Return the assignments of Outrider's own roles to each of *pairs*: who, and the role's last word."""
    return [(who, OUTRIDER, ROLE_IDS[f"Outrider.{role}"]) for who, role in pairs]


class Ended:
    """How a script ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.error = done.returncode, done.stdout, done.stderr

    def says(self, words: str) -> bool:
        """Tell whether *words* were said, wherever PowerShell broke its lines and whatever it set before them."""
        return _squeezed(words) in _squeezed(self.out) + _squeezed(self.error)


def _squeezed(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|[\s|]", "", text).lower()


class Tenant:
    """A tenant for the script of *shell* (bash or pwsh), behind an `az` that comes before any other on PATH."""

    def __init__(self, home: Path, shell: str, temporary: Path) -> None:
        """Start with two applications, who may be given a role, and no assignment."""
        self.home, self.shell, self.temporary = home, shell, temporary
        az = home / "az"
        az.write_text(f"#!{sys.executable} -IS\n" + Path(__file__).with_name("az.py").read_text("utf-8"))
        az.chmod(0o755)
        names = {MICROSOFT: [*GRAPH_ROLES, None], CLIENT: [*ROLES]}
        self.change(
            graph="https://graph.microsoft.com",
            fails=0,
            refuses=[],
            assigned=[],
            groups={OPERATOR: [ANALYSTS]},
            objects=dict.fromkeys((IDENTITY, PLAYBOOKS), "servicePrincipal")
            | dict.fromkeys((ANALYSTS, READERS), "group")
            | {OPERATOR: "user", APPLICATION: "application"},
            applications=[
                {
                    "appId": client,
                    "id": GRAPH if client == MICROSOFT else OUTRIDER,
                    "appRoles": [{"value": name, "id": ROLE_IDS.get(name or "", NOBODY)} for name in roles],
                }
                for client, roles in names.items()
            ],
        )

    @property
    def state(self) -> dict[str, Any]:
        """All that the tenant knows."""
        file = self.home / "state.json"
        state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return state

    def change(self, **values: Any) -> None:
        """Change what the tenant knows."""
        (self.home / "state.json").write_text(json.dumps(self.state | values))

    def grant(self, identity: str = "", *, before: str = "", **options: str | list[str] | bool) -> Ended:
        """Run the script for *identity*, with *options* by their names; in PowerShell, *before* in the same session."""
        said = [_literal(identity)] if identity else []
        for name, value in options.items():
            values = [] if isinstance(value, bool) else [value] if isinstance(value, str) else value
            if self.shell == "pwsh":
                said.append(f"-{name.title().replace('_', '')} {', '.join(map(_literal, values))}")
            else:
                option = f"--{name.replace('_', '-')}"
                said += [f"{option} {_literal(each)}" for each in values] or [option]
        return self.run(" ".join(said), before=before)

    def run(self, arguments: str, *, before: str = "", path: str = "") -> Ended:
        """Run the script with *arguments* as they are typed, or with *path* alone as PATH."""
        pwsh = [f"{before or '$null'}; & {_literal(str(SCRIPTS['pwsh']))} {arguments}"]
        command = {
            "bash": ["bash", "-c", f"{_literal(str(SCRIPTS['bash']))} {arguments}"],
            "pwsh": ["pwsh", "-NoProfile", "-NonInteractive", "-Command", *pwsh],
        }[self.shell]
        done = subprocess.run(
            [str(shutil.which(command[0])), *command[1:]],
            env=os.environ
            | {"PATH": path or f"{self.home}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(self.temporary)}
            | {"NO_COLOR": "1", "POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done)

    @property
    def assigned(self) -> list[tuple[str, str, str]]:
        """The assignments so far, sorted: principal, resource and role of each."""
        return sorted((a["principalId"], a["resourceId"], a["appRoleId"]) for a in self.state["assigned"])

    def has(self, *assigned: tuple[str, str, str]) -> None:
        """Let these be *assigned* from the start."""
        names = ("principalId", "resourceId", "appRoleId")
        self.change(assigned=[{"id": "1", **dict(zip(names, each, strict=True))} for each in assigned])

    @property
    def log(self) -> list[dict[str, Any]]:
        """What each call of `az` said, by its options."""
        log = self.home / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def left(self) -> list[str]:
        """The files that are left in the folder for temporary ones."""
        return [file.name for file in self.temporary.iterdir() if file.is_file()]


def _literal(value: str) -> str:
    return f"'{value}'"


@pytest.fixture(params=["bash", pytest.param("pwsh", marks=pytest.mark.powershell)])
def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tenant]:
    """A tenant in which nothing is assigned, once for each script. Where PowerShell is missing, its test is skipped."""
    if shutil.which(request.param) is None:
        reason = f"{request.param} is not on the PATH"
        # GitHub's runners have both: there, nothing may go unchecked.
        if os.environ.get("GITHUB_ACTIONS"):
            pytest.fail(reason)
        pytest.skip(reason)
    # PowerShell takes such a name for a pattern, and makes a socket there, whose path must be short.
    with tempfile.TemporaryDirectory(prefix="[x] ", dir="/tmp") as temporary:
        yield Tenant(tmp_path, request.param, Path(temporary))
