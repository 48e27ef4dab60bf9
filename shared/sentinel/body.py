"""
What Microsoft Sentinel says of an incident: its incident trigger's body, and Azure Resource Manager's incidents.

    {"objectSchemaType": "Incident", "object": {"id": "/subscriptions/…", "properties": {"title": …,
     "relatedEntities": [{"kind": "Host", "properties": {"hostName": …}}]}}}

The trigger writes camelCase or PascalCase, also mixed: keys count in any case. The body is Microsoft's: whatever else
is in it is left alone. Entities may be missing from it, since they arrive late, and beyond the first 50.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.entities import choosing as entities
from shared.entities import request as contracts
from shared.entities.choosing import Chosen, Device, Indicator, Limits
from shared.entities.indicators import read_indicator
from shared.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# It becomes a URL's path. Names as in "Naming rules and restrictions for Azure resources"; a group's may have letters
# of any alphabet.
_GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ARM_ID = re.compile(
    rf"/subscriptions/{_GUID}/resourceGroups/(?u:[-\w.()]{{0,89}}[-\w()])"
    r"/providers/Microsoft\.OperationalInsights/workspaces/[a-z0-9][a-z0-9-]{2,61}[a-z0-9]"
    rf"/providers/Microsoft\.SecurityInsights/incidents/(?P<name>{_GUID})",
    re.ASCII | re.IGNORECASE,
)
_DEVICE_ID = re.compile(r"[0-9a-f]{40}")
# How providerName has called Defender since incidents are synchronised; Sentinel's own have "Azure Sentinel".
_DEFENDER = {"microsoft xdr", "microsoft defender xdr", "microsoft 365 defender"}
_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

_USE = "pass on the whole body of the trigger 'Microsoft Sentinel incident', @triggerBody()"


class SentinelIncident(Struct, frozen=True):
    """An incident as Microsoft Sentinel shows it; times are UTC, entities as they came."""

    arm_id: str
    name: str
    title: str = ""
    url: str = ""
    number: int = 0
    severity: str = ""
    status: str = ""
    provider_name: str = ""
    provider_incident_id: str = ""
    created: datetime | None = None
    first_activity: datetime | None = None
    last_activity: datetime | None = None
    entities: tuple[dict[str, Any], ...] = ()

    @property
    def defender_id(self) -> str:
        """The number of the Defender incident that this one mirrors; empty for Sentinel's own."""
        mirrored = self.provider_name.lower() in _DEFENDER and _NUMBER.fullmatch(self.provider_incident_id)
        return self.provider_incident_id if mirrored else ""


def parse(body: bytes) -> SentinelIncident:
    """
    Read the body of `POST /api/sentinel`: the incident trigger's, or the `object` in it alone.

    Raises InvalidRequest saying what to send instead.
    """
    if not body.strip():
        raise InvalidRequest(f"the body is empty: {_USE}")
    if len(body) > contracts.LONGEST_BODY:
        raise InvalidRequest(
            f"the body has {len(body):,} bytes: at most {contracts.LONGEST_BODY:,} are taken; "
            "pass on `object` with its `id` and `properties`, without the alerts"
        )
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest(f"the body is no JSON object: {_USE}")
    root = _fold(content)
    _refuse_other_triggers(root)
    resource = root.get("object", content)
    if not isinstance(resource, dict):
        raise InvalidRequest(f"`object` is no JSON object: {_USE}")
    arm_id = _text(_fold(resource).get("id"))
    if not arm_id:
        raise InvalidRequest(f"the body has no `object.id`, the incident's id in Azure: {_USE}")
    if not _ARM_ID.fullmatch(arm_id):
        raise InvalidRequest(
            f"`object.id` {arm_id[:80]!r} is no incident of Microsoft Sentinel's "
            f"(/subscriptions/…/providers/Microsoft.SecurityInsights/incidents/<guid>): {_USE}"
        )
    return from_resource(arm_id, resource)


def from_resource(arm_id: str, resource: dict[str, Any]) -> SentinelIncident:
    """Read what Azure Resource Manager, or `object` in the trigger's body, says of the incident *arm_id*."""
    properties = _fold(_fold(resource).get("properties"))
    url = _text(properties.get("incidenturl"))
    number = _text(properties.get("incidentnumber"))
    return SentinelIncident(
        arm_id,
        arm_id.rsplit("/", 1)[-1].lower(),
        _text(properties.get("title")),
        # It becomes a link in a report.
        url if url.startswith("https://") else "",
        int(number) if _NUMBER.fullmatch(number) else 0,
        _text(properties.get("severity")),
        _text(properties.get("status")),
        _text(properties.get("providername")),
        _text(properties.get("providerincidentid")),
        _time(properties.get("createdtimeutc")),
        _time(properties.get("firstactivitytimeutc")),
        _time(properties.get("lastactivitytimeutc")),
        tuple(_named(properties)),
    )


def choose(found: Iterable[dict[str, Any]], limits: Limits, *, private: bool) -> Chosen:
    """
    Choose among an incident's entities, in the order they came: Sentinel gives no verdict on them.

    *private* also takes private and reserved addresses, for runs that name their hunts.
    """
    return entities.choose(((one, "") for entity in found for one in _read(entity)), limits, private=private)


def _refuse_other_triggers(root: dict[str, Any]) -> None:
    schema = _text(root.get("objectschematype")).lower()
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
    """Read the entities of an incident and of the alerts in it."""
    yield from _objects(properties.get("relatedentities"))
    yield from _objects(properties.get("entities"))
    for alert in _objects(properties.get("alerts")):
        fields = _fold(alert)
        yield from _objects(fields.get("entities"))
        yield from _objects(_fold(fields.get("properties")).get("entities"))


def _read(entity: dict[str, Any]) -> Iterator[Device | Indicator]:
    """Read one entity, its properties beside its kind or below it; what cannot be hunted yields nothing."""
    outer = _fold(entity)
    inner = _fold(outer.get("properties"))
    fields = {**outer, **_fold(outer.get("additionaldata")), **_fold(inner.get("additionaldata")), **inner}
    match _text(outer.get("kind") or outer.get("type")).lower():
        case "host":
            yield from _device(fields)
        case "ip":
            yield from read_indicator(fields.get("address"), "ip")
        case "url":
            # Analytics rules map bare domains to this kind, too.
            yield from read_indicator(fields.get("url"))
        case "dnsresolution" | "dns":
            yield from read_indicator(fields.get("domainname"), "domain")
        case "filehash":
            yield from _hash(fields)
        case "file":
            # Elsewhere a file's hashes are entities of their own, named in fileHashEntityIds.
            for inside in _objects(fields.get("filehashes")):
                yield from _hash(_fold(inside))


def _device(fields: dict[str, Any]) -> Iterator[Device]:
    device_id = _text(fields.get("mdatpdeviceid")).lower()
    short, domain = _text(fields.get("hostname")), _text(fields.get("dnsdomain")).strip(".")
    joined = f"{short}.{domain}" if short and domain and "." not in short else short
    names = (fields.get("fqdn"), fields.get("devicednsname"), joined, fields.get("netbiosname"))
    name = next((text for text in map(_text, names) if text), "")[:255]
    device = Device(device_id if _DEVICE_ID.fullmatch(device_id) else "", name)
    if device.label:
        yield device


def _hash(fields: dict[str, Any]) -> Iterator[Indicator]:
    # An Authenticode digest leaves out the signature: it is in no column of Defender's.
    if _text(fields.get("algorithm")).lower() != "sha256ac":
        yield from read_indicator(fields.get("hashvalue") or fields.get("value"), "fileHash")


def _fold(value: Any) -> dict[str, Any]:
    """Read an object by its keys in lower case; what is none has none."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    """Read a list of objects; the table SecurityAlert, and so an alert, writes it as JSON in a string."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Read a text or a whole number, as which ids are written, too."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _time(value: Any) -> datetime | None:
    """Read a time, in UTC unless it says otherwise; None where there is none (.NET writes year 1 for that)."""
    try:
        when = datetime.fromisoformat(_text(value))
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if when.year > 1 else None
