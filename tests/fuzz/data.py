"""Data to fuzz with: what Microsoft and callers send, and strategies that spoil it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from sandbox.tenant import evidence
from tests.support.odd import CESU, DEEP, HUGE, VALUES
from tests.support.sentinel_bodies import ARM_ID

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
INCIDENT = evidence.incident(
    4101, "Upload", "high", "Exfiltration", AT, AT,
    evidence.device("srv-7.contoso.com"), evidence.ip("198.51.100.7", "malicious"),
    evidence.url("https://evil.example/a", "malicious"), evidence.file("srv-7", "/tmp/", "x", "a1" * 20, "suspicious"),
) | {"comments": [{"comment": "seen"}]}  # fmt: skip
PAGE = {"value": [INCIDENT, INCIDENT | {"id": "4102"}], "@odata.nextLink": None}
COLUMNS = ("DeviceId", "DeviceName", "LastSeen", "Process", "RemoteIP", "Connections")
ANSWER = {
    "schema": [{"name": name, "type": "DateTime" if name == "LastSeen" else "String"} for name in COLUMNS],
    "results": [dict.fromkeys(COLUMNS, f"{n}") | {"Connections": n, "LastSeen": "2026-11-24T12:00:00Z"} for n in range(3)],
}  # fmt: skip
ENTITIES = {
    "entities": [
        {"kind": "Host", "properties": {"hostName": "srv-7"}},
        {"kind": "Ip", "properties": {"address": "198.51.100.7"}},
    ]
}
COMMENTS = {"value": [{"name": "ab", "properties": {"message": "one"}}], "nextLink": None}
BODY = {
    "objectSchemaType": "Incident",
    "object": {"id": ARM_ID, "properties": {"title": "a", "relatedEntities": ENTITIES["entities"]}},
}
ASKED = {
    "incidentId": 4101, "devices": ["srv-7", {"id": "0f" * 20}, {"name": "srv-8.contoso.com"}], "hunts": ["file-origin"],
    "indicators": ["203.0.113.9", "hxxps://evil[.]example/a", {"value": "a1" * 20, "kind": "fileHash"}],
    "lookback": "P2D", "comment": True,
}  # fmt: skip
REFUSED = {"error": {"code": "a", "message": "b", "innerError": {"request-id": "c"}}}
ODD = st.sampled_from([*(json.dumps(value).encode() for value in VALUES), DEEP, HUGE, b"1e400", b"NaN", b'"\\ud83d"', b'"' + CESU + b'"',
                       b"\xff", b'"', b"[", b"}", b","])  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every value inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> bytes:
    """Return JSON with some values replaced by odd ones, and some bytes by others."""
    changed = json.loads(json.dumps(value))
    odd: dict[bytes, bytes] = {}
    for n in range(draw(st.integers(0, 3))):
        *path, last = draw(st.sampled_from(places(changed)[1:] or [("x",)]))
        inside = changed
        for key in path:
            inside = inside[key]
        inside[last] = f"mark{n}"
        odd[f'"mark{n}"'.encode()] = draw(ODD)
    raw = json.dumps(changed).encode()
    for mark, other in odd.items():
        raw = raw.replace(mark, other)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + draw(st.binary(max_size=3)) + raw[at + draw(st.integers(0, 3)) :]
    return raw
