"""JSON that others wrote is read to a depth of 100 levels, says what is left out, and never depends on the stack."""

from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.comment.cards import device_line
from shared.decoding import TOO_DEEP, is_too_deep, mend
from shared.entities.request import body_digest, parse_enrich, parse_sweep
from shared.errors import InvalidRequest
from shared.graph.incidents import read_incident, read_page
from shared.model.finding import Found
from shared.model.hunt import Hunt
from shared.outcomes.reading import device_cards
from shared.outcomes.summarizing import summarize
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.pages.summary import LARGEST, summary
from shared.sentinel.body import parse
from shared.work import work_on
from tests.support.arm_client import Script, client_of
from tests.support.endings import EXFILTRATION, endings
from tests.support.line import Line, look, refusal
from tests.support.odd import through
from tests.support.sentinel_bodies import ARM_ID
from tests.support.sweeping import SERVERS, Sweeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tenant import Deployment, Fleet

    Shape = Callable[[int], bytes]

HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceInfo")
#: 950 is near where the decoder gives up; how near depends on who calls it.
DEPTHS = (101, 500, 950, 1_000, 10_000, 100_000)
SHAPES: dict[str, Shape] = {
    "lists": lambda n: b"[" * n + b"]" * n,
    "objects": lambda n: b'{"":' * n + b"1" + b"}" * n,
    "both": lambda n: b'[{"":' * (n // 2) + b"1" + b"}]" * (n // 2),
}
every_depth = pytest.mark.parametrize("depth", DEPTHS)
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def levels(value: Any) -> int:
    """Return how many levels of lists and objects a value has."""
    level, count = [value] if isinstance(value, dict | list) else [], 0
    while level:
        inside = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
        level, count = [item for item in inside if isinstance(item, dict | list)], count + 1
    return count


def below(frames: int, call: Callable[[], Any]) -> Any:
    """Return what a call returns that has so many calls above it."""
    return below(frames - 1, call) if frames else call()


def answer(cell: bytes, column: bytes = b"Detail") -> bytes:
    """Return an answer of two devices; the cell is the first one's."""
    first = b'{"DeviceId": "a", "DeviceName": "srv-7", "LastSeen": "2026", "' + column + b'": ' + cell + b"}"
    second = (
        b'{"DeviceId": "b", "DeviceName": "srv-8", "LastSeen": "2026", "' + column + b'": {"x": ["[[["]}}'
    )
    return b'{"schema": [], "results": [' + first + b", " + second + b"]}"


@every_depth
@every_shape
def test_a_deep_cell_is_shown_as_far_as_it_is_read(shape: Shape, depth: int) -> None:
    """Whoever has the rows sees where it was cut, and the row beside it is whole."""
    raw = answer(shape(depth))
    found = summarize(HUNT, raw, max_rows=10, seconds=0)
    first, second = json_rows(raw, 10, mask=True)["rows"]

    assert (2, 0, {"a", "b"}) == (found.rows, found.unreadable, found.per_entity.keys())
    assert found == msgspec.json.decode(msgspec.json.encode(found), type=Found)
    assert levels(first) <= 100
    assert TOO_DEEP in json.dumps(first)
    assert TOO_DEEP in csv_rows(raw, 10, mask=True).decode()
    assert {"x": ["[[["]} == second["Detail"]


@pytest.mark.fault(
    "B15", before="two digests: the decoder gave up by how deep its caller stood, so known rows were news"
)
@every_shape
def test_a_deep_rows_digest_does_not_depend_on_who_reads_it(shape: Shape) -> None:
    """A worker and a retry may stand deeper than the look before; the same findings are commented once all the same."""
    room = sys.getrecursionlimit() - len(inspect.stack())
    for depth in range(room - 400, room + 1, 20):
        raw = answer(shape(depth))
        digests = {
            below(frames, lambda raw=raw: summarize(HUNT, raw, max_rows=10, seconds=0)).digest
            for frames in (0, 50, 150, 300)
        }

        assert 1 == len(digests), depth


@pytest.mark.parametrize(
    ("raw", "deep"),
    [
        (b"[" * 98 + b"]" * 98, False),
        (b"[" * 99 + b"]" * 99, True),
        (b"[" + b"[]," * 500 + b"1]", False),
        (b'{"a":"' + b"[" * 500 + b'"}', False),
        (b'{"a":"\\\\' + b'","b":' + b"[" * 99 + b"]" * 99 + b"}", True),
        (b'{"a":"\\"' + b"[" * 500 + b'"}', False),
        (b"]" * 50 + b"[" * 98, False),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_depth_counts_brackets_outside_of_texts(raw: bytes, deep: bool) -> None:
    """Two levels are around a row of an answer; what is as deep as is allowed stays as it is, byte for byte."""
    assert deep == is_too_deep(raw, above=2)
    if not deep and raw.startswith(b"["):
        assert b'{"results":[' + raw + b"]}" == mend(b'{"results":[' + raw + b"]}")


@every_depth
@every_shape
def test_a_device_card_is_read_beside_a_deep_fact(shape: Shape, depth: int) -> None:
    """It may be a list, or its text, as Defender writes some; the line has the device's name and the other facts."""
    for cell in (shape(depth), json.dumps(shape(depth).decode()).encode()):
        lines = [device_line(card) for card in device_cards(answer(cell, b"LoggedOnUsers"))]

        assert all(
            line.startswith(f"srv-{n}: type unknown, last seen 2026")
            for n, line in zip((7, 8), lines, strict=True)
        )
        assert max(map(len, lines)) < 500


@every_depth
@every_shape
@pytest.mark.fault("B15", before="952 <= 101: passed on as deep as the decoder happened to take")
def test_an_incident_is_read_beside_deep_evidence(shape: Shape, depth: int) -> None:
    """What stands beside it is hunted; it is nested no deeper than 100 levels."""
    good = b'{"@odata.type": "#x.ipEvidence", "ipAddress": "198.51.100.7"}'
    deep = b'{"@odata.type": "#x.ipEvidence", "ipAddress": ' + shape(depth) + b"}"
    raw = b'{"id": "1", "alerts": [{"evidence": [' + good + b", " + deep + b"]}]}"
    (alert,) = read_incident(raw, "1").alerts or ()
    page = read_page(b'{"value": [{"id": "2", "alerts": ' + shape(depth) + b"}, " + raw + b"]}")

    assert "198.51.100.7" == (alert.evidence or [])[0]["ipAddress"]
    assert levels(alert.evidence) <= 101
    assert ["2", "1"] == [incident.id for incident in page.incidents]


@pytest.mark.fault("B15", before="952 <= 101: passed on as deep as the decoder happened to take")
@every_depth
@every_shape
async def test_azures_answers_are_read_beside_deep_items(shape: Shape, depth: int) -> None:
    """Entities, comments and the incident itself are bounded, and none is lost."""
    deep, good = shape(depth), b'{"name": "AB", "kind": "Ip", "properties": {}}'
    bodies = (b'{"entities": [' + deep + b", " + good + b"]}", b'{"value": [' + deep + b", " + good + b"]}",
              b'{"properties": {"title": "T", "labels": ' + deep + b"}}")  # fmt: skip
    arm = client_of(Script(*((200, body, {}) for body in bodies)))
    entities, comments = await arm.get_entities(ARM_ID), await arm.get_comments(ARM_ID)

    assert ("Ip", 2, 2) == (entities[1]["kind"], len(entities), len(comments))
    assert levels(entities) <= 101
    assert "T" == (await arm.get_incident(ARM_ID)).title


@every_depth
@every_shape
async def test_a_deep_refusal_is_a_refusal(shape: Shape, depth: int) -> None:
    """Its status says what it is, whatever its body holds."""
    denied = refusal(403)
    line = Line(
        type(denied)(
            403, content=b'{"error": {"message": "no", "innerError": {"request-id": ' + shape(depth) + b"}}}"
        )
    )
    with pytest.raises(Exception, match=r"^no$") as raised:
        await look(line.graph())

    assert "PermissionDenied" == type(raised.value).__name__


@every_depth
@every_shape
def test_a_deep_body_is_refused_or_read(app: Deployment, shape: Shape, depth: int) -> None:
    """Ours has no place for it; a playbook's is Microsoft's, so the rest of it is read."""
    deep = shape(depth)
    for body in (deep, b'{"devices": ' + deep + b"}", b'{"hunts": ' + deep + b"}", b'{"x": ' + deep + b"}"):
        with pytest.raises(InvalidRequest):
            parse_enrich(body, app.tools.limits)
        with pytest.raises(InvalidRequest):
            parse_sweep(body)

        assert 64 == len(body_digest(body))
    entities = b'[{"kind": "Ip", "properties": {"address": "198.51.100.7", "x": ' + deep + b"}}]"
    body = (
        b'{"object": {"id": "'
        + ARM_ID.encode()
        + b'", "properties": {"relatedEntities": '
        + entities
        + b"}}}"
    )
    (entity,) = parse(body).entities

    assert "198.51.100.7" == entity["properties"]["address"]
    assert levels(entity) < 100


@pytest.mark.parametrize("depth", [950, 10_000])
@pytest.mark.parametrize(
    "old", [b'"RemotePort": 443', b'"LoggedOnUsers": "', b'"detectionStatus": "detected"']
)
async def test_a_run_ends_with_a_comment_and_pages(alone: Deployment, old: bytes, depth: int) -> None:
    """Whether the nesting is in a row, in a device's card, or in the incident's evidence."""
    name, _, rest = old.partition(b":")
    others = b', "Others": "' if rest == b' "' else b""
    patched = through(alone, old, name + b": " + SHAPES["both"](depth) + others)
    run = await alone.ask(incidentId=EXFILTRATION)
    await work_on(alone.tools, run)
    done = await alone.done(run)
    shown = await alone.read(run)

    assert patched.hits
    assert ["written"] == [comment.status for comment in done.comments]
    assert "found" in endings(done).values()
    assert "archive-then-upload" in run_page(shown, alone.tools.catalog, alone.tools.settings, refresh=False)
    assert len(msgspec.json.encode(summary(shown, alone.now(), "https://x.example"))) < LARGEST


async def test_a_sweep_ends_with_a_report(fleet: Fleet) -> None:
    """Its parts are read again from the store, and a deep column is one text."""
    app = Sweeping(fleet)
    patched = through(app, b'"Process": "', b'"Odd": ' + SHAPES["both"](950) + b', "Process": "')
    done = await app.done(await app.swept(SERVERS))
    await app.close()

    assert patched.hits
    assert "completed" == done.status
