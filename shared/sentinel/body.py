"""
Read incidents as Sentinel's incident trigger sends them, and as Azure Resource Manager returns them.

    {"objectSchemaType": "Incident", "object": {"id": "/subscriptions/…", "properties": {"title": …,
     "relatedEntities": [{"kind": "Host", "properties": {"hostName": …}}]}}}

The trigger writes camelCase or PascalCase, even mixed, so the case of keys is ignored, as are unknown keys,
since the body is Microsoft's. It may lack entities: they arrive late, and it holds the first 50 at most.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from shared.clouds import CLOUDS
from shared.decoding import decode_any
from shared.entities.fields import folded, objects_in, text_of, time_of, words_in
from shared.entities.request import EMPTY, LONGEST_BODY, is_empty
from shared.errors import Forbidden, InvalidRequest
from shared.model.incident import NUMBER, SentinelIncident

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# Strict, since the id becomes a URL's path. Names are as in "Naming rules and restrictions for Azure
# resources"; a resource group's may have letters of any alphabet.
_GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ARM_ID = re.compile(
    rf"/subscriptions/{_GUID}/resourceGroups/(?u:[-\w.()]{{0,89}}[-\w()])"
    r"/providers/Microsoft\.OperationalInsights/workspaces/[a-z0-9][a-z0-9-]{2,61}[a-z0-9]"
    rf"/providers/Microsoft\.SecurityInsights/incidents/(?P<name>{_GUID})",
    re.ASCII | re.IGNORECASE,
)

#: The hosts of the portals: Defender's, and Azure's ("Compare Azure Government and global Azure", Microsoft Learn).
_PORTALS = frozenset(
    {*(urlsplit(cloud.portal).netloc for cloud in CLOUDS.values()), "portal.azure.com", "portal.azure.us"}
)

_USE = "pass on the whole body of the trigger 'Microsoft Sentinel incident', @triggerBody()"


def parse(body: bytes) -> SentinelIncident:
    """
    Read the body of `POST /api/sentinel`: the incident trigger's, or only the `object` in it.

    Raises InvalidRequest, which says what to send instead, also for more than 1,000,000 bytes.
    """
    if is_empty(body):
        raise InvalidRequest(f"the body is empty: {_USE}; {EMPTY}")
    if len(body) > LONGEST_BODY:
        raise InvalidRequest(
            f"the body has {len(body):,} bytes: at most {LONGEST_BODY:,} are taken; "
            "pass on `object` with its `id` and `properties`, without the alerts"
        )
    try:
        content = decode_any(body)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest(f"the body is no JSON object: {_USE}")
    root = folded(content)
    _refuse_other_triggers(root)
    resource = root.get("object", content)
    if not isinstance(resource, dict):
        raise InvalidRequest(f"`object` is no JSON object: {_USE}")
    arm_id = text_of(folded(resource).get("id"))
    if not arm_id:
        raise InvalidRequest(f"the body has no `object.id`, the incident's id in Azure: {_USE}")
    if not _ARM_ID.fullmatch(arm_id):
        raise InvalidRequest(
            f"`object.id` {arm_id[:80]!r} is no incident of Microsoft Sentinel's "
            f"(/subscriptions/…/providers/Microsoft.SecurityInsights/incidents/<guid>): {_USE}"
        )
    return from_resource(arm_id, resource)


def from_resource(arm_id: str, resource: dict[str, Any]) -> SentinelIncident:
    """
    Read the incident *arm_id* from Resource Manager's answer, or from `object` in the trigger's body.

    What is missing or unreadable becomes '', 0 or None, and so does a link that leads to no portal.
    """
    properties = folded(folded(resource).get("properties"))
    url = text_of(properties.get("incidenturl"))
    number = text_of(properties.get("incidentnumber"))
    return SentinelIncident(
        arm_id,
        arm_id.rsplit("/", 1)[-1].lower(),
        text_of(properties.get("title")),
        url if _is_portals(url) else "",
        int(number) if NUMBER.fullmatch(number) else 0,
        text_of(properties.get("severity")),
        text_of(properties.get("status")),
        text_of(properties.get("providername")),
        text_of(properties.get("providerincidentid")),
        time_of(properties.get("createdtimeutc")),
        time_of(properties.get("firstactivitytimeutc")),
        time_of(properties.get("lastactivitytimeutc")),
        tuple(_named(properties)),
        _attack(properties, "techniques"),
        _attack(properties, "tactics"),
    )


def _attack(properties: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return ATT&CK of an incident (`IncidentAdditionalData`, Microsoft Learn), and of the alerts that came with it."""
    alerts = (folded(folded(alert).get("properties")) for alert in objects_in(properties.get("alerts")))
    return words_in(
        *(each.get(name) for each in (folded(properties.get("additionaldata")), *alerts)),
    )


def _is_portals(url: str) -> bool:
    """Tell whether a link leads to a portal, over https: a caller's own would become a link on the run's page."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc.lower() in _PORTALS and url.isprintable()
    except ValueError:
        return False


def refuse_unserved(incident: SentinelIncident, workspaces: Collection[str]) -> None:
    """
    Raise Forbidden unless the incident is in one of these *workspaces* (resource ids in lower case).

    One that mirrors a Defender incident is read and commented there, and always served.
    """
    workspace = incident.arm_id.lower().partition("/providers/microsoft.securityinsights/")[0]
    if incident.defender_id or workspace in workspaces:
        return
    lists = "does not list it" if workspaces else "is not set"
    raise Forbidden(
        f"the workspace {workspace} is not served: the setting SENTINEL_WORKSPACE {lists} (of the templates, "
        "sentinelWorkspaceId and furtherSentinelWorkspaceIds)",
        "WorkspaceNotServed",
    )


def _refuse_other_triggers(root: dict[str, Any]) -> None:
    schema = text_of(root.get("objectschematype")).lower()
    # The alert trigger's body is a row of the table SecurityAlert and need not name its schema.
    if schema == "alert" or (not schema and "systemalertid" in root):
        raise InvalidRequest(
            "this is the body of the trigger 'Microsoft Sentinel alert': use the trigger 'Microsoft Sentinel "
            "incident' and run the playbook from an automation rule for incidents"
        )
    if schema == "entity" or (not schema and "entity" in root):
        raise InvalidRequest(
            "this is the body of the trigger 'Microsoft Sentinel entity', which need not belong to an incident: "
            "call POST /api/enrich with the entity in `devices` or `indicators`"
        )
    if schema not in ("", "incident"):
        raise InvalidRequest(f"objectSchemaType is {schema[:40]!r} and not 'Incident': {_USE}")


def _named(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entities of an incident and of the alerts in it."""
    yield from objects_in(properties.get("relatedentities"))
    yield from objects_in(properties.get("entities"))
    for alert in objects_in(properties.get("alerts")):
        fields = folded(alert)
        yield from objects_in(fields.get("entities"))
        yield from objects_in(folded(fields.get("properties")).get("entities"))
