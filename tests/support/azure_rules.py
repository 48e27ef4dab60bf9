"""What Azure takes: how its resources may be named, and what a Flex Consumption app may not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.support.predicted import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.predicted import Deployment

GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

#: "Alphanumerics, underscores, periods, and hyphens. Start with alphanumeric. End alphanumeric or underscore."
NETWORK = r"[a-zA-Z0-9]([\w.-]*\w)?"


class Rule(NamedTuple):
    """How long the last part of a name may be, and the pattern that all of it must have."""

    least: int
    most: int
    pattern: str


#: "Naming rules and restrictions for Azure resources", Microsoft Learn, by type. Those that the page leaves out: names that
#: must be GUIDs (role assignments, workbooks, ours of automation rules), that are given (`default`, `appsettings`), and two
#: whose rule here is narrower than any that Azure has: connections and diagnostic settings.
NAMES = {
    "Microsoft.Authorization/roleAssignments": Rule(36, 36, GUID),
    "Microsoft.Insights/actionGroups": Rule(1, 260, r"[^:<>+/&%\\?\x00-\x1f]*[^:<>+/&%\\?\x00-\x1f .]"),
    "Microsoft.Insights/components": Rule(1, 260, r"[^%&\\?/\x00-\x1f]*[^%&\\?/\x00-\x1f .]"),
    "Microsoft.Insights/diagnosticSettings": Rule(1, 80, r"[a-z]+"),
    "Microsoft.Insights/scheduledQueryRules": Rule(
        1, 260, r"[^*<>%{}&:\\?/#\x00-\x1f]*[^*<>%{}&:\\?/#\x00-\x1f .]"
    ),
    "Microsoft.Insights/workbooks": Rule(36, 36, GUID),
    "Microsoft.Logic/workflows": Rule(1, 43, r"[\w.()-]+"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": Rule(3, 128, r"[a-zA-Z0-9][\w-]*"),
    "Microsoft.Network/networkSecurityGroups": Rule(1, 80, NETWORK),
    "Microsoft.Network/privateDnsZones": Rule(1, 63, r"[\w-]+(\.[\w-]+){1,33}"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": Rule(1, 80, NETWORK),
    "Microsoft.Network/privateEndpoints": Rule(2, 64, NETWORK),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": Rule(1, 80, NETWORK),
    "Microsoft.Network/virtualNetworks": Rule(2, 64, NETWORK),
    "Microsoft.OperationalInsights/workspaces": Rule(4, 63, r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]"),
    "Microsoft.SecurityInsights/automationRules": Rule(36, 36, GUID),
    "Microsoft.Storage/storageAccounts": Rule(3, 24, r"[a-z0-9]+"),
    "Microsoft.Storage/storageAccounts/blobServices": Rule(7, 7, "default"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": Rule(3, 63, r"[a-z0-9]+(-[a-z0-9]+)*"),
    "Microsoft.Storage/storageAccounts/managementPolicies": Rule(7, 7, "default"),
    "Microsoft.Storage/storageAccounts/queueServices": Rule(7, 7, "default"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": Rule(3, 63, r"[a-z0-9]+(-[a-z0-9]+)*"),
    "Microsoft.Web/connections": Rule(1, 80, r"[a-z0-9-]+"),
    "Microsoft.Web/serverfarms": Rule(1, 60, r"[a-zA-Z0-9-]+"),
    # 32, not 60: the host's id is the name's first 32 letters, and two hosts of one id share their locks.
    "Microsoft.Web/sites": Rule(2, 32, r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": Rule(3, 3, "ftp|scm"),
    "Microsoft.Web/sites/config": Rule(1, 80, "appsettings|authsettingsV2"),
}

#: Properties of a site, and of its siteConfig, that Flex Consumption deprecates or refuses, in lower case. From "Flex
#: Consumption plan: deprecated properties and settings", Microsoft Learn; ARM answers 51021 to the first and some others:
#: microsoft/azure-pipelines-tasks#21032, Azure/azure-cli#31414, pulumi/pulumi-azure-native#4168.
REFUSED_PROPERTIES = {
    "ftpsstate", "alwayson", "containersize", "daprconfig", "functionappscalelimit", "isreserved", "isxenon", "javaversion",
    "linuxfxversion", "minimumelasticinstancecount", "netframeworkversion", "powershellversion", "prewarmedinstancecount", "pythonversion",
    "use32bitworkerprocess", "vnetbackuprestoreenabled", "vnetcontentshareenabled", "vnetimagepullenabled",
    "vnetrouteallenabled", "windowsfxversion",
}  # fmt: skip

#: Settings that it deprecates or refuses, from the same page.
REFUSED_SETTINGS = {
    "ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED", "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTOVERVNET", "WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER", "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "WEBSITE_NODE_DEFAULT_VERSION", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION",
    "WEBSITE_VNET_ROUTE_ALL",
}  # fmt: skip


def names(deployment: Deployment) -> list[str]:
    """Return the names that break a rule of Azure's, and the types that no rule here is for."""
    return [
        f"{kind} {name}: {said}"
        for kind, name in _named(deployment)
        if (said := _broken(NAMES.get(kind), name))
    ]


def _named(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for resource in deployment.resources:
        kind = resource["type"].partition("@")[0]
        if kind.startswith("Microsoft.Graph/"):
            continue
        name = name_of(resource)
        # What guid() makes of ids that only Azure knows is a GUID.
        yield kind, GUID if name.startswith("[guid(") else name.rpartition("/")[2]


def _broken(rule: Rule | None, name: str) -> str:
    if rule is None:
        return "no rule is known for this type"
    if name == rule.pattern:
        return ""
    if not rule.least <= len(name) <= rule.most:
        return f"{len(name)} letters, and not {rule.least} to {rule.most}"
    return "" if re.fullmatch(rule.pattern, name, re.ASCII) else "letters that are not allowed"


def refused(deployment: Deployment) -> list[str]:
    """Return what a Flex Consumption plan refuses of the plan, the app and its settings."""
    site = deployment.one("Microsoft.Web/sites")
    plan = deployment.of("Microsoft.Web/serverfarms")[0]
    # A null is refused, too.
    given = {*site, *site["siteConfig"]}
    wrong = [f"property {name}" for name in sorted(given) if name.lower() in REFUSED_PROPERTIES]
    wrong += [f"setting {name}" for name in sorted(deployment.settings) if name in REFUSED_SETTINGS]
    if ("FC1", "FlexConsumption", True) != (
        plan["sku"]["name"],
        plan["sku"]["tier"],
        plan["properties"]["reserved"],
    ):
        wrong.append("a plan that is not Flex Consumption on Linux")
    return wrong
