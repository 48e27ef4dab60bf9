"""Resource Manager's answers that are not as documented are read item by item."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import GraphError
from shared.incident.sentinel import post_once
from shared.sentinel.body import from_resource, parse
from shared.sentinel.client import Arm
from tests.support.arm_client import ROOT, Script, client_of
from tests.support.odd import CESU, DEEP, HALF, VALUES
from tests.support.sentinel_bodies import ARM_ID

ENTITY = {"kind": "Ip", "properties": {"address": "198.51.100.7"}}


def arm(*bodies: Any) -> Arm:
    """Return a client that is answered with these bodies in turn."""
    return client_of(Script(*((200, body, {}) for body in bodies)))


@pytest.mark.fault("A13", before="Unavailable: Azure's answer is not what it documents")
@pytest.mark.parametrize(
    "odd",
    [b'"\\ud83d"', b'"' + CESU + b'"', b"1e400", b"NaN", DEEP, b"null", b"5", b'{"kind": x}'],
    ids=lambda v: repr(v[:12]),
)
async def test_an_odd_entity_hides_no_other(odd: bytes) -> None:
    """All that are listed come back, whatever each of them is."""
    good = b'{"kind": "Ip"}'
    entities = await arm(b'{"entities": [' + good + b", " + odd + b", " + good + b"]}").get_entities(ARM_ID)

    assert 3 == len(entities)
    assert {"kind": "Ip"} == entities[0] == entities[2]


@pytest.mark.fault("A13", before="Unavailable: Expected `object`, got `int` - at `$.value[...]`")
@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_an_odd_comment_hides_no_other(value: Any) -> None:
    """Nor does one with an odd name or text; each is counted, since an incident takes 100."""
    good = {"name": "AB", "properties": {"message": "one"}}
    odd = [
        value,
        {"name": value},
        {"name": "odd", "properties": value},
        {"name": "text", "properties": {"message": value}},
    ]
    comments = await arm({"value": [*odd, good]}).get_comments(ARM_ID)

    assert "one" == comments["ab"]
    assert 5 == len(comments)


@pytest.mark.parametrize("body", [b"<h1>", b'{"value": [', {"value": {}}, {"value": None}, [], 5])
async def test_what_is_no_list_is_not_taken_for_an_empty_one(body: Any) -> None:
    """It may be readable later."""
    with pytest.raises(GraphError):
        await arm(*[body] * 4).get_comments(ARM_ID)


@pytest.mark.fault("A13", before="UnicodeEncodeError: surrogates not allowed")
async def test_a_comment_with_half_a_character_is_written() -> None:
    """It is written as its escape."""
    script = Script((200, {"value": []}, {}), (201, {}, {}))
    result = await post_once(
        client_of(script), run_id="r", arm_id=ARM_ID, digest="d", render=lambda _: f"<p>{HALF}</p>"
    )

    assert "written" == result.status
    assert b'{"properties":{"message":"<p>\\\\ud83d</p>"}}' == script.asked[1].body


@pytest.mark.parametrize("value", [*VALUES, 10**5_000], ids=lambda value: repr(type(value)))
async def test_fields_of_any_type_are_read_or_unknown(value: Any) -> None:
    """In the answer to a request for an incident as well as in what a playbook sends."""
    names = ("title", "incidentUrl", "incidentNumber", "severity", "status", "providerName", "providerIncidentId",
             "createdTimeUtc", "firstActivityTimeUtc", "lastActivityTimeUtc", "relatedEntities", "alerts")  # fmt: skip
    incident = from_resource(ARM_ID, {"properties": dict.fromkeys(names, value)})

    assert ARM_ID == incident.arm_id
    assert ARM_ID == from_resource(ARM_ID, {"properties": value}).arm_id


@pytest.mark.fault("A13", before="InvalidRequest: the body is no JSON")
@pytest.mark.parametrize(
    "odd", [b'"\\ud83d"', b'"' + CESU + b'"', b'"\xff"', b"1e400", DEEP], ids=lambda v: repr(v[:12])
)
def test_a_playbooks_body_is_read_whatever_is_odd_in_it(odd: bytes) -> None:
    """Its id and its entities are there."""
    entities = b'[{"kind": "Ip", "properties": {"address": "198.51.100.7"}, "odd": ' + odd + b"}]"
    body = (
        b'{"object": {"id": "'
        + ARM_ID.encode()
        + b'", "properties": {"title": '
        + odd
        + b', "relatedEntities": '
        + entities
        + b"}}}"
    )
    incident = parse(body)

    assert ENTITY.items() <= incident.entities[0].items()


async def test_pages_at_this_host_are_followed_beside_odd_items() -> None:
    """An odd item on the first page does not end the list."""
    pages = [{"value": [5], "nextLink": f"{ROOT}{ARM_ID}/x"}, {"value": [{"name": "AB"}], "nextLink": None}]

    assert {"0": "", "ab": ""} == await arm(*pages).get_comments(ARM_ID)
