"""What Azure would be asked for: the resources that a deployment of the templates makes, by case of options and names."""

from __future__ import annotations

import json
import re
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.templates import INFRA

if TYPE_CHECKING:
    from tests.support.bicep import Bicep

    Resource = dict[str, Any]

#: What only Azure knows, as far as a name or a setting depends on it: the value in the global cloud.
WORKED_OUT = {
    "environment().suffixes.storage": "core.windows.net",
    "environment().authentication.loginEndpoint": "https://login.microsoftonline.com/",
}

#: A call of `format` in an ARM expression whose arguments are texts.
FORMAT = re.compile(r"format\(('[^']*'(?:, '[^']*')*)\)")


#: Every parameter of main.bicep, and what it is where nothing is said; but the environment's name, which azd gives.
DEFAULTS: dict[str, Any] = {
    "alertEmail": "",
    "analystsGroupId": "",
    "assignAutomationRole": True,
    "assignSentinelRole": True,
    "azureCloud": "",
    "callerClientIds": [],
    "callerPrincipalIds": [],
    "callsFromAz": False,
    "comments": "off",
    "deployPlaybooks": False,
    "environmentName": "production",
    "existingClientId": "",
    "findingsDays": 30,
    "furtherSentinelWorkspaceIds": [],
    "grantGraphRoles": True,
    "httpAuth": "entra",
    "incidentTriggers": ["Created", "Updated"],
    "location": "",
    "maximumInstanceCount": 40,
    "namePrefix": "outrider",
    "operatorsGroupId": "",
    "operatorsReadStorage": False,
    "readersGroupId": "",
    "securityInsightsPrincipalId": "",
    "sentinelWorkspaceId": "",
    "settings": {},
    "vnet": False,
    "zoneRedundant": False,
}


class Deployment:
    """The *resources* that Azure would be asked for, and the *options* that were given, by parameter of main.bicep."""

    def __init__(self, options: dict[str, Any], snapshot: dict[str, Any]) -> None:
        self.options = DEFAULTS | options
        self.resources: list[Resource] = snapshot["predictedResources"]
        self.outputs: dict[str, Any] = snapshot.get("outputs", {})
        self.diagnostics: list[Any] = snapshot["diagnostics"]

    def option(self, name: str) -> Any:
        """Return what the parameter *name* was given, or its default."""
        return self.options[name]

    def of(self, kind: str) -> list[Resource]:
        """Return the resources of the type *kind*; those of Microsoft Graph are `Microsoft.Graph/<type>`."""
        return [each for each in self.resources if kind == each["type"].partition("@")[0]]

    def one(self, kind: str, ending: str = "") -> Any:
        """Return the properties of the one resource of the type *kind* whose name has that *ending*."""
        (found,) = [each for each in self.of(kind) if name_of(each).endswith(ending)]
        return found["properties"]

    @cached_property
    def stem(self) -> str:
        """What every name of this deployment holds: `<namePrefix>-<token>`."""
        return name_of(self.of("Microsoft.Web/sites")[0]).removeprefix("func-")

    @cached_property
    def settings(self) -> dict[str, str]:
        """The settings of the app, by name."""
        return dict(self.one("Microsoft.Web/sites/config", "/appsettings"))


def name_of(resource: Resource) -> str:
    """Return the whole name of a resource, parents first; '' for those of Microsoft Graph, which have none."""
    return worked_out(resource.get("name", ""))


def worked_out(text: str) -> str:
    """Return what an ARM expression comes to in the global cloud, as far as it is made of texts and `format`."""
    value = text
    for expression, known in WORKED_OUT.items():
        value = value.replace(expression, f"'{known}'")
    while (next_value := FORMAT.sub(_formatted, value)) != value:
        value = next_value
    whole = re.fullmatch(r"\['([^']*)'\]", value)
    return whole[1] if whole else text


def _formatted(call: re.Match[str]) -> str:
    pattern, *arguments = re.findall(r"'([^']*)'", call[1])
    return f"'{pattern.format(*arguments)}'"


def literal(value: Any) -> str:
    """Return *value* as Bicep writes it."""
    if isinstance(value, dict):
        return "{\n" + "".join(f"  '{name}': {literal(each)}\n" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"
    return json.dumps(value)


class Templates:
    """A copy of `infra/` in *folder*, and the compiler that predicts what its main.bicep deploys."""

    def __init__(self, bicep: Bicep, folder: Path) -> None:
        self.bicep = bicep
        self.folder = folder
        shutil.copytree(
            INFRA, folder, ignore=shutil.ignore_patterns("*.py", "*.sh", "*.ps1", "*.md", "__pycache__")
        )

    def change(self, file: str, old: str, new: str) -> None:
        """Replace *old*, which is there once, by *new* in a file."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert 1 == text.count(old), f"{file} has {text.count(old)} times {old!r}"
        (self.folder / file).write_text(text.replace(old, new), encoding="utf-8")

    def deploy(self, options: dict[str, Any], group: str = "rg-outrider") -> Deployment:
        """Return what a deployment with these *options* asks Azure for. Raises BicepFailed."""
        given = {"environmentName": DEFAULTS["environmentName"]} | options
        file = self.folder / "case.bicepparam"
        lines = [f"param {name} = {literal(value)}\n" for name, value in given.items()]
        file.write_text("using './main.bicep'\n" + "".join(lines), encoding="utf-8")
        return Deployment(given, self.bicep.predict(file, group))
