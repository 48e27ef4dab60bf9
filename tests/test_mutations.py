"""Whatever happens to an answer on its way, reading it ends in a value or in a documented error."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.tenant import evidence
from shared.entities.choosing import Limits
from shared.errors import GraphError, InvalidRequest
from shared.incident.reading import from_defender, from_sentinel
from shared.model.hunt import Hunt
from shared.outcomes.reading import decode_answer, decode_rows, device_cards, summarize
from shared.sentinel.body import parse
from shared.sweep.rows import read_rows
from tests.support.arm_client import Script, client_of
from tests.support.line import Line
from tests.support.odd import CESU, DEEP, HUGE, VALUES
from tests.support.sentinel_bodies import ARM_ID

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMITS = Limits()
HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceInfo")
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


def readable(read: Callable[[], Any]) -> None:
    """Read something; only the documented errors may come of it, and what is read can be stored."""
    try:
        value = read()
    except (GraphError, InvalidRequest):
        return
    assert msgspec.json.encode(value)


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(mutated(INCIDENT), mutated(PAGE))
def test_any_incident_is_read_or_a_documented_error(incident: bytes, page: bytes) -> None:
    """One by itself, and those of a page."""

    def one() -> Any:
        answer = httpx.Response(200, content=incident)
        found = asyncio.run(Line(answer).graph().get_incident("4101"))
        return from_defender(found, "4101", LIMITS, private=False)

    readable(one)
    readable(lambda: asyncio.run(Line(httpx.Response(200, content=page)).graph().list_incidents(AT)))


@MANY
@given(mutated(ANSWER))
def test_any_answer_to_a_hunt_is_read_or_a_documented_error(raw: bytes) -> None:
    """As rows, as a summary, as device cards, and as rows of a sweep."""
    readable(lambda: list(decode_rows(decode_answer(raw))))
    readable(lambda: summarize(HUNT, raw, max_rows=2, seconds=0))
    readable(lambda: device_cards(raw))
    readable(lambda: list(read_rows(decode_answer(raw), "LastSeen")))


@MANY
@given(mutated(ENTITIES), mutated(COMMENTS), mutated(BODY))
def test_any_answer_of_azures_is_read_or_a_documented_error(
    entities: bytes, comments: bytes, body: bytes
) -> None:
    """Entities, comments, and the body that a playbook passes on."""

    def arm(raw: bytes) -> Any:
        return client_of(Script(*[(200, raw, {})] * 4))

    readable(lambda: asyncio.run(arm(entities).get_entities(ARM_ID)))
    readable(lambda: asyncio.run(arm(comments).get_comments(ARM_ID)))
    readable(lambda: from_sentinel(parse(body), [], LIMITS, private=False))


@MANY
@given(mutated({"error": {"code": "a", "message": "b", "innerError": {"request-id": "c"}}}))
def test_any_refusal_is_a_documented_error(raw: bytes) -> None:
    """Whatever its body is."""
    readable(
        lambda: asyncio.run(Line(httpx.Response(400, content=raw)).graph().run_hunting_query("A", "PT1H"))
    )
    readable(lambda: asyncio.run(client_of(Script((400, raw, {}))).get_incident(ARM_ID)))
