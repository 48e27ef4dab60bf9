"""
The JSON Schemas by which editors check and complete hunt files and cases.

They are written from the loader's own types into `shared/hunts/`, beside the files that name them, and a test keeps them so. Values are
text, as the loader reads them, or what YAML makes of them in an editor.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, get_args, get_origin

import msgspec

from shared.kql.vocabulary import COUNTED
from shared.model.entity import INDICATOR_KINDS
from shared.model.hunt import DEVICE_KINDS, PLATFORMS, AppliesTo, Enrichment, Sweep

from .attack import whole
from .cases import Cases
from .keys import KEYS

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_GUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
#: Days and parts of a day: msgspec reads no others.
_DURATION = r"^P(?=\d|T\d)(\d+(\.\d+)?D)?(T(\d+(\.\d+)?H)?(\d+(\.\d+)?M)?(\d+(\.\d+)?S)?)?$"
_ANY_WINDOWS = "^[Ww]indows([Ss]erver)?[0-9]{1,4}[A-Za-z0-9]*$"
_TRUTH = [True, False, "true", "false", "yes", "no", "on", "off", None]

#: What an editor shows of a key.
_SAID = {
    "id": "A GUID of the hunt's own, which stays when the file is renamed.",
    "name": "The title, which people read.",
    "version": "Raise it where the query changes: incidents are hunted once with each.",
    "description": "What is found, and how, in one to three sentences.",
    "tactics": "ATT&CK's tactics, as Sentinel writes them.",
    "relevantTechniques": "ATT&CK's techniques, at most two.",
    "query": "KQL for Advanced Hunting. A device hunt is written over all devices; an indicator hunt uses _IpAddresses, _Urls, _Domains or _FileHashes.",
    "enrichment": "With this block the hunt runs by itself.",
    "entity": "What the hunt is for.",
    "kinds": "The kinds of indicator that the query takes.",
    "appliesTo": "The devices that the hunt is for; without it, all of them.",
    "osPlatform": "Defender's names; Windows is all that begin so.",
    "deviceType": "Server or Workstation; other types are never left out.",
    "role": "finding, or context where rows are what is normal.",
    "severity": "How much a row matters where it is what it looks like.",
    "lookback": "How long before the incident's first activity the window begins, such as P7D.",
    "lookahead": "How long after its last activity the window ends.",
    "maxWindow": "The longest window, of which the most recent part is kept.",
    "columns": "The columns that a comment shows.",
    "prevalence": "The column whose values are counted over the fleet.",
    "means": "What it means if there are rows, for someone who has never seen the query.",
    "falsePositives": "What else matches.",
    "blindSpots": "What the hunt cannot see although it is what it looks for.",
    "nextSteps": "What to do with a row.",
    "sweep": "With this block the hunt runs over the whole fleet, too.",
    "summarize": "KQL that follows the query; keep DeviceId, DeviceName and the time that `new` names.",
    "new": "The time column that makes a row new.",
    "comment": "Whether new rows are commented on the open incidents of their devices.",
}


def hunt_schema() -> Schema:
    """Return the schema of a hunt file."""
    matrix = whole()
    read: dict[str, Schema] = {
        "id": {"type": ["string", "null"], "pattern": _GUID},
        "name": {"type": "string", "pattern": r"\S", "maxLength": 300},
        "version": {"type": ["string", "number", "null"], "pattern": r"^\d+(\.\d+)*$"},
        "query": {"type": "string"},
        "tactics": _list({"enum": list(matrix.tactics)}),
        "relevantTechniques": _list({"enum": list(matrix.techniques)}),
        "enrichment": _block(),
    }
    keys = {key: _with_text(key, read.get(key, {})) for key in KEYS}
    return {
        "$schema": _DRAFT,
        "title": "A hunt of Outrider",
        "type": "object",
        "required": ["name", "query"],
        "properties": keys,
        "additionalProperties": False,
    }


def cases_schema() -> Schema:
    """Return the schema of a file of cases."""
    return {"$schema": _DRAFT, "title": "The cases of a hunt", **msgspec.json.schema(Cases)}


def _block() -> Schema:
    of_devices = {
        "required": ["kinds"],
        "not": {"anyOf": [{"required": ["appliesTo"]}, {"required": ["sweep"]}]},
    }
    return {
        **_struct(Enrichment),
        "if": {"required": ["entity"], "properties": {"entity": {"const": "indicator"}}},
        "then": of_devices,
        "else": {"not": {"required": ["kinds"]}},
    }


def _struct(kind: type[msgspec.Struct]) -> Schema:
    fields = msgspec.structs.fields(kind)
    return {
        "type": ["object", "null"],
        "properties": {
            f.encode_name: _with_text(f.encode_name, _field(f.encode_name, f.type)) for f in fields
        },
        "additionalProperties": False,
    }


def _field(name: str, kind: Any) -> Schema:
    """Return the schema of a field by its name, where the loader takes fewer values than its type has, else by its type."""
    special: dict[str, Schema] = {
        "osPlatform": _list({"anyOf": [{"enum": list(PLATFORMS)}, {"pattern": _ANY_WINDOWS}]}),
        "deviceType": _list({"enum": list(DEVICE_KINDS)}),
        "prevalence": {"enum": [*COUNTED, None]},
        "kinds": _list({"enum": list(INDICATOR_KINDS)}) | {"minItems": 1},
    }
    if name in {"appliesTo", "sweep"}:
        return _struct(AppliesTo if name == "appliesTo" else Sweep)
    if name in special:
        return special[name]
    if get_origin(kind) is Literal:
        return {"enum": [*get_args(kind), None]}
    if kind is timedelta:
        return {"type": ["string", "null"], "pattern": _DURATION}
    if kind is bool:
        return {"enum": _TRUTH}
    return _list({"type": "string"}) if get_origin(kind) is tuple else {"type": ["string", "null"]}


def _list(items: Schema) -> Schema:
    return {"type": ["array", "null"], "items": items}


def _with_text(key: str, schema: Schema) -> Schema:
    return schema | ({"description": _SAID[key]} if key in _SAID else {})
