"""What must hold of the compiled templates, before anything is given: each law returns what breaks it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.support.deployment_laws import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Template = dict[str, Any]

#: What a nested deployment is named by, so that two at once have two names.
OF_ITS_OWN = re.compile(r"deployment\(\)\.name|variables\('token'\)|parameters\('namePrefix'\)")


def nested(template: Template, path: str = "") -> Iterator[tuple[str, Template]]:
    """Yield each nested deployment at any depth, with its path: `storage`, `storage/blobService`."""
    resources = template.get("resources", {})
    for name, resource in resources.items() if isinstance(resources, dict) else enumerate(resources):
        if "Microsoft.Resources/deployments" == resource["type"] and "template" in resource["properties"]:
            inner = f"{path}/{name}".lstrip("/")
            yield inner, resource
            yield from nested(resource["properties"]["template"], inner)


def silent(main: Template) -> list[str]:
    """Each module of the registry that tells Microsoft of its deployments is told not to."""
    broken = []
    for path, module in nested(main):
        able = "enableTelemetry" in module["properties"]["template"].get("parameters", {})
        told = module["properties"]["parameters"].get("enableTelemetry", {}).get("value")
        # What is nested deeper is a module's own affair.
        if able and 1 == path.count("/"):
            broken += differences(False, told, path)  # noqa: FBT003 - it is the value that must be there
    return broken


def apart(main: Template) -> list[str]:
    """Of two deployments of one name in a group Azure refuses the second: each name is its deployment's, or has the token."""
    ours = {path: module["name"] for path, module in nested(main) if path.count("/") <= 1}
    stem = main["resources"]["playbooks"]["properties"]["parameters"]["namePrefix"]["value"]
    return [f"{path}: {name}" for path, name in ours.items() if not OF_ITS_OWN.search(name)] + differences(
        "[format('{0}-{1}', variables('prefix'), variables('token'))]", stem, "playbooks"
    )


def ordered(main: Template) -> list[str]:
    """Graph roles come late, when Entra knows the identity, but before the app, which keeps a token for a day."""
    waits = {name: set(each.get("dependsOn", [])) for name, each in main["resources"].items()}
    before_app = {"graphRoles", "sentinelRole", "furtherSentinelRoles", "storage"}
    return [
        *differences({"identity", "monitoring", "storage"}, waits["graphRoles"], "graphRoles"),
        *differences(before_app, waits["functionApp"] & before_app, "functionApp"),
    ]


TEMPLATE_LAWS: dict[str, Callable[[Template], list[str]]] = {
    law.__name__: law for law in (silent, apart, ordered)
}
