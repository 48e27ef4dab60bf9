"""What must hold of a deployment, whatever its options: each law returns what breaks it, and nothing if it holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.support.bicep import LOCATION, TENANT
from tests.support.predicted import name_of, worked_out

if TYPE_CHECKING:
    from tests.support.predicted import Deployment

#: A property that only Azure knows of a resource: `[reference('<its id>', '<version>').clientId]`.
REFERENCE = re.compile(r"reference\('(?:[^']*/)?([^'/]+)'(?:, '[^']+')?\)\.([\w.]+)")

QUEUES = {"urgent", "runs", "sweeps", "urgent-poison", "runs-poison", "sweeps-poison"}


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Return where *actual* is not as *expected*, which names only what matters of each object."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            said
            for name, each in expected.items()
            for said in differences(each, actual.get(name), f"{path}.{name}".lstrip("."))
        ]
    return [] if expected == actual else [f"{path}: {actual!r}, and not {expected!r}"]


def short(deployment: Deployment, text: str) -> str:
    """Return an ARM expression as people would say it: `{app}.clientId`, `{storage}.primaryEndpoints.blob`."""
    stem = deployment.stem
    names = {
        f"id-{stem}": "app", f"id-{stem}-playbooks": "playbooks", f"st{stem.replace('-', '')}": "storage",
        f"appi-{stem}": "insights", f"log-{stem}": "logs",
    }  # fmt: skip
    whole = REFERENCE.sub(lambda found: f"'{{{names.get(found[1], found[1])}}}.{found[2]}'", text)
    # union(): ours wins unless it is null, which none of these is.
    return worked_out(re.sub(r"\[if\(equals\((.+), null\(\)\), .+, \1\)\]", r"[\1]", whole))


def closed(deployment: Deployment) -> list[str]:
    """Nothing is open without an identity: no key, no password, no public blob, no old TLS; with `vnet` no internet."""
    private = deployment.option("vnet")
    account = {
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "isLocalUserEnabled": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "publicNetworkAccess": "Disabled" if private else "Enabled",
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny" if private else "Allow"},
    }
    app = {
        "httpsOnly": True,
        "publicNetworkAccess": "Enabled",
        "siteConfig": {"http20Enabled": True, "minTlsVersion": "1.2", "scmMinTlsVersion": "1.2"},
    }
    broken = [
        *differences(account, deployment.one("Microsoft.Storage/storageAccounts"), "storage"),
        *differences(app, deployment.one("Microsoft.Web/sites"), "app"),
        *differences(
            {"features": {"disableLocalAuth": True}},
            deployment.one("Microsoft.OperationalInsights/workspaces"),
            "logs",
        ),
        *differences({"DisableLocalAuth": True}, deployment.one("Microsoft.Insights/components"), "insights"),
    ]
    for policy in ("ftp", "scm"):
        allowed = deployment.one("Microsoft.Web/sites/basicPublishingCredentialsPolicies", f"/{policy}")
        broken += differences({"allow": False}, allowed, policy)
    for container in deployment.of("Microsoft.Storage/storageAccounts/blobServices/containers"):
        broken += differences({"publicAccess": "None"}, container["properties"], name_of(container))
    keys = re.findall(
        r"\blist\w*\(|AccountKey|SharedAccessKey|InstrumentationKey\b", json.dumps(deployment.resources)
    )
    return broken + [f"a key is read: {key}" for key in keys if "listCallbackUrl(" != key]


def settings(deployment: Deployment) -> list[str]:
    """The app has exactly its settings: those of the templates, those that were given, and ours win."""
    cloud = (
        deployment.option("azureCloud")
        or "[if(equals(environment().name, 'AzureUSGovernment'), 'usgov', 'global')]"
    )
    first = deployment.option("sentinelWorkspaceId")
    workspaces = [*([first] if first else []), *deployment.option("furtherSentinelWorkspaceIds")]
    expected = deployment.option("settings") | {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId={app}.clientId;Authorization=AAD",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "{insights}.ConnectionString",
        "AZURE_CLIENT_ID": "{app}.clientId",
        "AZURE_CLOUD": cloud,
        "AzureWebJobsDisableHomepage": "true",
        "AzureWebJobsStorage__blobServiceUri": "{storage}.primaryEndpoints.blob",
        "AzureWebJobsStorage__clientId": "{app}.clientId",
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__queueServiceUri": "{storage}.primaryEndpoints.queue",
        "COMMENTS": deployment.option("comments"),
        "FINDINGS_DAYS": str(deployment.option("findingsDays")),
        "HTTP_AUTH": deployment.option("httpAuth"),
        "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "{app}.clientId",
        "SENTINEL_WORKSPACE": ",".join(workspaces),
        "STATE_URL": "{storage}.primaryEndpoints.blobstate",
        "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": TENANT,
    }
    actual = {name: short(deployment, value) for name, value in deployment.settings.items()}
    return differences(expected, actual) + [
        f"{name} is set" for name in sorted(actual.keys() - expected.keys())
    ]


def stored(deployment: Deployment) -> list[str]:
    """Every queue has its poison queue, package and state have containers of their own, and what is old expires."""
    made = {
        kind: {
            name_of(each).rpartition("/")[2]
            for each in deployment.of(f"Microsoft.Storage/storageAccounts/{kind}")
        }
        for kind in ("queueServices/queues", "blobServices/containers")
    }
    (runs, incidents) = deployment.one("Microsoft.Storage/storageAccounts/managementPolicies")["policy"][
        "rules"
    ]
    expiry = {
        tuple(rule["definition"]["filters"]["prefixMatch"]): rule["definition"]["actions"]
        for rule in (runs, incidents)
    }
    days = deployment.option("findingsDays")
    app = deployment.one("Microsoft.Web/sites")["functionAppConfig"]
    package = app["deployment"]["storage"]
    return [
        *differences(QUEUES, made["queueServices/queues"], "queues"),
        *differences({"deployments", "state"}, made["blobServices/containers"], "containers"),
        *differences(
            {
                ("state/runs/", "state/open/"): {
                    "baseBlob": {"delete": {"daysAfterCreationGreaterThan": days}}
                },
                ("state/incidents/", "state/comments/"): {
                    "baseBlob": {"delete": {"daysAfterCreationGreaterThan": 400}}
                },
            },
            expiry,
            "expiry",
        ),
        *differences(
            "{storage}.primaryEndpoints.blobdeployments", short(deployment, package["value"]), "package"
        ),
        *differences("UserAssignedIdentity", package["authentication"]["type"], "package"),
    ]


def hosted(deployment: Deployment) -> list[str]:
    """It runs on Python 3.13, answers 16 calls at once, and has the instances, zones and network that were asked for."""
    zones = deployment.option("zoneRedundant")
    app = {
        "functionAppConfig": {
            "runtime": {"name": "python", "version": "3.13"},
            "scaleAndConcurrency": {
                "maximumInstanceCount": deployment.option("maximumInstanceCount"),
                "instanceMemoryMB": 2048,
                "triggers": {"http": {"perInstanceConcurrency": 16}},
            },
        }
    }
    (account,) = deployment.of("Microsoft.Storage/storageAccounts")
    broken = differences(app, deployment.one("Microsoft.Web/sites"), "app")
    broken += differences({"zoneRedundant": zones}, deployment.one("Microsoft.Web/serverfarms"), "plan")
    broken += differences({"name": "Standard_ZRS" if zones else "Standard_LRS"}, account["sku"], "storage")
    subnet = deployment.one("Microsoft.Web/sites")["virtualNetworkSubnetId"] or ""
    private = deployment.option("vnet")
    networks = deployment.of("Microsoft.Network/virtualNetworks")
    endpoints = deployment.of("Microsoft.Network/privateEndpoints")
    broken += differences(private, subnet.endswith("/subnets/app"), "network of the app")
    broken += differences(
        (1, 2) if private else (0, 0), (len(networks), len(endpoints)), "networks and endpoints"
    )
    for network in networks:
        (inner,) = [each for each in network["properties"]["subnets"] if each["name"] == "app"]
        delegated = [each["properties"]["serviceName"] for each in inner["properties"]["delegations"]]
        broken += differences(["Microsoft.App/environments"], delegated, "delegation")
    return broken


def placed(deployment: Deployment) -> list[str]:
    """Everything is in the region that was asked for, else in the group's, and tagged so that azd finds it."""
    region = deployment.option("location") or LOCATION
    environment = deployment.option("environmentName")
    (app,) = deployment.of("Microsoft.Web/sites")
    broken = differences({"azd-service-name": "outrider"}, app["tags"], "app")
    for resource in deployment.resources:
        if "location" in resource and resource["location"] not in {region, "global"}:
            broken.append(f"{name_of(resource)} is in {resource['location']}")
        if "tags" in resource and environment != (resource["tags"] or {}).get("azd-env-name", environment):
            broken.append(f"{name_of(resource)} is tagged {resource['tags']}")
    return broken + [f"{each}" for each in deployment.diagnostics]


def alerts(deployment: Deployment) -> list[str]:
    """Six rules, five without the watch, look every 15 minutes at more than that, and tell whoever is to be told."""
    off = deployment.option("settings").get("AzureWebJobs.WatchIncidents.Disabled", "").lower() in {
        "true",
        "1",
    }
    named = {
        "poison-queue",
        "failed-runs",
        "parked-runs",
        "throttling",
        "missing-role",
        *([] if off else ["silent-watch"]),
    }
    rules = deployment.of("Microsoft.Insights/scheduledQueryRules")
    mail, environment = deployment.option("alertEmail"), deployment.option("environmentName")
    broken = differences(
        named, {name_of(rule).removeprefix(f"{deployment.stem}-") for rule in rules}, "alerts"
    )
    told = [bool(mail)] * len(rules)
    broken += differences(
        told, [bool(each["properties"]["actions"]["actionGroups"]) for each in rules], "told"
    )
    for rule in rules:
        name, properties = name_of(rule), rule["properties"]
        # Azure Monitor takes no longer window than two days; one that is no longer than the pace loses what arrives late.
        broken += differences("PT15M", properties["evaluationFrequency"], f"{name}: pace")
        broken += (
            []
            if properties["windowSize"] in {"PT30M", "PT1H", "P2D"}
            else [f"{name}: {properties['windowSize']}"]
        )
        broken += (
            []
            if properties["severity"] in {1, 2, 3} and properties["description"]
            else [f"{name}: not described"]
        )
        broken += (
            []
            if f"({environment})" in properties["displayName"]
            else [f"{name}: {properties['displayName']}"]
        )
    receivers = [
        each["properties"]["emailReceivers"] for each in deployment.of("Microsoft.Insights/actionGroups")
    ]
    return broken + differences(
        [mail] if mail else [], [each["emailAddress"] for (each,) in receivers], "mail"
    )
