"""Who may do what in a deployment, whatever its options: each law returns what breaks it, and nothing if it holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.bicep import GROUP, SUBSCRIPTION, TENANT
from tests.support.deployment_laws import differences, short
from tests.support.predicted import name_of, worked_out

if TYPE_CHECKING:
    from tests.support.predicted import Deployment, Resource

#: "Azure built-in roles", Microsoft Learn: the same ids in every tenant.
AZURE_ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "3e150937-b8fe-4cfb-8069-0eaf05ecd056": "Microsoft Sentinel Responder",
    "f4c81013-99ee-4d62-a7ee-b3f1f648599a": "Microsoft Sentinel Automation Contributor",
}

#: "Microsoft Graph permissions reference": application roles, and the delegated permissions of a sign-in.
GRAPH = "00000003-0000-0000-c000-000000000000"
GRAPH_ROLES = {
    "dd98c7f5-2d42-42d3-a0e4-633161547251": "ThreatHunting.Read.All",
    "34bf0e97-1971-4929-b999-9e2442d941d7": "SecurityIncident.ReadWrite.All",
}
SIGN_IN = {
    "37f7f235-527c-4136-accd-4a02d197296e": "openid",
    "14dad69e-099b-42c9-810b-d002981feec1": "profile",
    "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0": "email",
}

#: The Azure CLI: "Verify first-party Microsoft applications in sign-in reports", Microsoft Learn.
AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

#: What a managed identity's token is for, where it stands in for an app's secret, by cloud: "Configure an application to
#: trust a managed identity", Microsoft Learn.
EXCHANGE = {
    "AzureCloud": "api://AzureADTokenExchange",
    "AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
}


def signs_in(deployment: Deployment) -> bool:
    """Return whether people and playbooks sign in with Entra ID."""
    return "entra" == deployment.option("httpAuth")


def registers(deployment: Deployment) -> bool:
    """Return whether the deployment makes the registration itself."""
    return signs_in(deployment) and not deployment.option("existingClientId")


def playbooks(deployment: Deployment) -> set[str]:
    """Return the endings of the playbooks that are due."""
    if not (signs_in(deployment) and deployment.option("deployPlaybooks")):
        return set()
    by_sentinel = {"incident", "device", "domain", "file-hash", "ip", "url"}
    return {"callout", *(by_sentinel if deployment.option("sentinelWorkspaceId") else ())}


def roles(deployment: Deployment) -> list[str]:
    """Exactly these roles are assigned in Azure: what on, which, to whom."""
    first = deployment.option("sentinelWorkspaceId")
    further = deployment.option("furtherSentinelWorkspaceIds")
    responder = deployment.option("assignSentinelRole")
    starter, due = deployment.option("securityInsightsPrincipalId"), playbooks(deployment)
    readers = deployment.option("operatorsGroupId") if deployment.option("operatorsReadStorage") else ""
    account = name_of(deployment.of("Microsoft.Storage/storageAccounts")[0])
    expected = {
        (account, "Storage Blob Data Owner", "app"),
        (account, "Storage Queue Data Contributor", "app"),
        (f"appi-{deployment.stem}", "Monitoring Metrics Publisher", "app"),
    }
    expected |= {(account, f"Storage {each} Data Reader", readers) for each in ("Blob", "Queue") if readers}
    if responder:
        expected |= {
            (each.lower(), "Microsoft Sentinel Responder", "app") for each in (first, *further) if each
        }
        if "incident" in due:
            expected.add((first.lower(), "Microsoft Sentinel Responder", "playbooks"))
    if starter and "incident" in due and deployment.option("assignAutomationRole"):
        expected.add((GROUP, "Microsoft Sentinel Automation Contributor", starter))
    actual = {
        _assigned(deployment, each) for each in deployment.of("Microsoft.Authorization/roleAssignments")
    }
    return _compared(expected, actual)


def _assigned(deployment: Deployment, assignment: Resource) -> tuple[str, str, str]:
    scope = re.match(r"\[extensionResourceId\('([^']+)'", assignment["id"])
    on = scope[1] if scope else assignment["id"].partition("/providers/Microsoft.Authorization")[0]
    ours = on.startswith(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")
    properties = assignment["properties"]
    role = AZURE_ROLES.get(properties["roleDefinitionId"].rpartition("/")[2], "?")
    # Azure looks for a principal that is not there yet only where its type is told.
    who = _who(short(deployment, properties["principalId"]))
    kind = "" if ("Group" == properties["principalType"]) == ("Reader" in role) else " as another type"
    return on.rpartition("/")[2] if ours else on.lower(), role, who + kind


def callers(deployment: Deployment) -> list[str]:
    """Exactly these application roles are assigned in Entra: the app's own on Graph, and who may use the app."""
    expected = set()
    if deployment.option("grantGraphRoles"):
        expected |= {("graph", role, "app") for role in GRAPH_ROLES.values()}
    if registers(deployment):
        due = {
            "Outrider.Read": [deployment.option("readersGroupId")],
            "Outrider.Use": [
                deployment.option("analystsGroupId"),
                *deployment.option("callerPrincipalIds"),
                "playbooks" if playbooks(deployment) else "",
            ],
            "Outrider.Sweep": [deployment.option("operatorsGroupId")],
        }
        expected |= {
            ("enterpriseApplication", role, each) for role, those in due.items() for each in those if each
        }
    own = {
        each["id"]: each["value"]
        for application in deployment.of("Microsoft.Graph/applications")
        for each in application["properties"]["appRoles"]
    }
    actual = set()
    for each in (found["properties"] for found in deployment.of("Microsoft.Graph/appRoleAssignedTo")):
        on = each["resourceId"].removeprefix("[reference('").removesuffix("').id]")
        names = GRAPH_ROLES if "graph" == on else own
        actual.add((on, names.get(each["appRoleId"], "?"), _who(short(deployment, each["principalId"]))))
    return _compared(expected, actual)


def registration(deployment: Deployment) -> list[str]:
    """The registration is one tenant's, trusts the identity in place of a secret, and needs nobody's consent."""
    if not registers(deployment):
        kinds = ("applications", "servicePrincipals", "oauth2PermissionGrants")
        return [f"{kind} are made" for kind in kinds if deployment.of(f"Microsoft.Graph/{kind}")]
    name = f"func-{deployment.stem}"
    application = deployment.one("Microsoft.Graph/applications")
    credential = deployment.one("Microsoft.Graph/applications/federatedIdentityCredentials")
    wanted = application.get("requiredResourceAccess", [])
    asked = {each["resourceAppId"]: each["resourceAccess"] for each in wanted}
    api = application["api"]
    scopes = [each["id"] for each in api["oauth2PermissionScopes"]]
    shells = [{"appId": AZ, "delegatedPermissionIds": scopes}] if deployment.option("callsFromAz") else []
    expected = {
        "application": {
            "uniqueName": name,
            "signInAudience": "AzureADMyOrg",
            "identifierUris": [f"api://{TENANT}/{name}"],
            "api": {"requestedAccessTokenVersion": 2, "preAuthorizedApplications": shells},
        },
        "scopes": ["Admin"],
        "asked for": {GRAPH: [{"id": each, "type": "Scope"} for each in SIGN_IN]},
        "consent": [
            {
                "clientId": "[reference('enterpriseApplication').id]",
                "consentType": "AllPrincipals",
                "resourceId": "[reference('graph').id]",
                "scope": " ".join(SIGN_IN.values()),
            }
        ],
        "credential": {
            "name": f"{name}/managed-identity",
            "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "subject": "{app}.principalId",
        },
        "exchange": EXCHANGE,
        "enterprise application": {"appRoleAssignmentRequired": True},
    }
    (audience,) = credential["audiences"]
    actual = {
        "application": application,
        "scopes": [each["type"] for each in api["oauth2PermissionScopes"]],
        "asked for": asked,
        "consent": [each["properties"] for each in deployment.of("Microsoft.Graph/oauth2PermissionGrants")],
        "credential": {key: short(deployment, str(value)) for key, value in credential.items()},
        "exchange": _by_cloud(audience),
        "enterprise application": deployment.one("Microsoft.Graph/servicePrincipals"),
    }
    return differences(expected, actual)


def _by_cloud(expression: str) -> dict[str, str]:
    """Return the values of `createObject('<cloud>', '<value>', …)[environment().name]`, by cloud."""
    texts = re.findall(r"'([^']+)'", expression) if expression.endswith("[environment().name]]") else []
    return dict(zip(texts[::2], texts[1::2], strict=True))


def sign_in(deployment: Deployment) -> list[str]:
    """In front of the app stands Entra ID, for tokens of this tenant and this app alone; with keys nothing does."""
    config = "Microsoft.Web/sites/config"
    if not signs_in(deployment):
        return [
            "authentication is on"
            for each in deployment.of(config)
            if name_of(each).endswith("authsettingsV2")
        ]
    client = deployment.option("existingClientId") or "[reference('application').appId]"
    audience = f"api://{deployment.option('existingClientId') or f'{TENANT}/func-{deployment.stem}'}"
    allowed = deployment.option("callerClientIds")
    due = ["{playbooks}.clientId"] if playbooks(deployment) else []
    due += [AZ] if deployment.option("callsFromAz") else []
    settings = deployment.one(config, "/authsettingsV2")
    provider = settings["identityProviders"]["azureActiveDirectory"]
    applications = provider["validation"]["defaultAuthorizationPolicy"]["allowedApplications"]
    expected = {
        "platform": {"enabled": True},
        "globalValidation": {"requireAuthentication": True, "unauthenticatedClientAction": "Return401"},
        "httpSettings": {"requireHttps": True},
        "login": {"tokenStore": {"enabled": False}},
        "identityProviders": {
            "azureActiveDirectory": {
                "enabled": True,
                "registration": {
                    "clientId": client,
                    "clientSecretSettingName": "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
                },
                "validation": {"allowedAudiences": [client, audience]},
            }
        },
    }
    return [
        *differences(expected, settings),
        *differences(
            f"https://login.microsoftonline.com/{TENANT}/v2.0",
            worked_out(provider["registration"]["openIdIssuer"]),
            "issuer",
        ),
        *differences(
            [short(deployment, client), *allowed, *due] if allowed else [],
            [short(deployment, each) for each in applications],
            "may call",
        ),
    ]


def _who(principal: str) -> str:
    return principal.removesuffix("}.principalId").removeprefix("{")


def _compared(expected: set[tuple[str, str, str]], actual: set[tuple[str, str, str]]) -> list[str]:
    missing, beyond = sorted(expected - actual), sorted(actual - expected)
    return [f"missing: {each}" for each in missing] + [f"beyond: {each}" for each in beyond]
