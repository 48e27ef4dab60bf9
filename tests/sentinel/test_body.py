"""Reading what a playbook sends; what cannot be used is refused with what to send instead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.entities.choosing import Limits
from shared.entities.request import LONGEST_BODY
from shared.entities.sentinel import from_entities
from shared.errors import InvalidRequest
from shared.model.incident import SentinelIncident
from shared.sentinel.body import parse
from tests.support.sentinel_bodies import ARM_ID, ENTITIES, FLAT, GUID, entity, pascal, trigger


def read(body: Any) -> SentinelIncident:
    """Return the incident that is read from *body*."""
    return parse(json.dumps(body).encode())


def refusal(body: Any) -> str:
    """Return the message with which *body* is refused."""
    with pytest.raises(InvalidRequest) as raised:
        parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    return raised.value.message


@pytest.mark.parametrize("body", [trigger(), pascal(trigger())], ids=["camel", "pascal"])
def test_an_incident_is_read_in_either_casing(body: dict[str, Any]) -> None:
    """Keys in camelCase and in PascalCase give the same incident, with its times in UTC."""
    wanted = SentinelIncident(
        ARM_ID,
        GUID,
        "Multi-stage incident",
        "https://portal.azure.com/#asset/Incident",
        812,
        "High",
        "New",
        "Microsoft XDR",
        "3177",
        datetime(2026, 3, 9, 2, 14, 7, 123456, UTC),
        datetime(2026, 3, 9, 0, tzinfo=UTC),
        datetime(2026, 3, 9, 2, tzinfo=UTC),
    )
    incident = read(body)

    assert wanted == msgspec.structs.replace(incident, entities=())
    assert 6 == len(incident.entities)


@pytest.mark.parametrize(
    "properties",
    [
        {"relatedEntities": []},
        {"relatedEntities": None},
        {"relatedEntities": "none"},
        {"relatedEntities": [None, 1]},
    ],
)
def test_an_incident_may_come_without_entities(properties: dict[str, Any]) -> None:
    """Sentinel often adds them later, so a list that is empty, missing or unusable is read as none."""
    assert () == read(trigger(**properties)).entities


@pytest.mark.parametrize(
    "alert",
    [
        {"properties": {"entities": [FLAT[1]]}},
        {"Properties": {"Entities": json.dumps([FLAT[1]])}},
        {"entities": [FLAT[1]]},
    ],
)
def test_entities_are_also_read_from_the_alerts(alert: dict[str, Any]) -> None:
    """Where only the alerts have them, they are read from there, even as JSON in a string."""
    incident = read(trigger(relatedEntities=[], alerts=[alert, {"entities": "[broken"}]))

    assert (FLAT[1],) == incident.entities


@pytest.mark.parametrize("name", ["Microsoft XDR", "microsoft defender xdr", "MICROSOFT 365 DEFENDER"])
@pytest.mark.parametrize("number", ["3177", 3177])
def test_an_incident_of_defenders_has_its_number_there(name: str, number: str | int) -> None:
    """It is read under each name that Defender has had, as text or as a number."""
    assert "3177" == read(trigger(providerName=name, providerIncidentId=number)).defender_id


@pytest.mark.parametrize(
    "properties",
    [
        {"providerName": "Azure Sentinel", "providerIncidentId": "812"},
        {"providerName": "Microsoft XDR", "providerIncidentId": "3177/../4"},
        {"providerName": "Microsoft XDR", "providerIncidentId": "٣١٧٧"},
        {"providerName": "Microsoft XDR", "providerIncidentId": None},
        {"providerName": None},
    ],
)
def test_an_incident_of_sentinels_own_has_no_defender_number(properties: dict[str, Any]) -> None:
    """An incident whose number at Defender is missing or is not a number has none, either."""
    assert not read(trigger(**properties)).defender_id


def test_the_object_of_the_body_is_enough() -> None:
    """It alone gives the same incident as the whole body of the trigger."""
    assert read(trigger()) == read(trigger()["object"])


def test_an_update_is_read_as_a_new_incident_is() -> None:
    """What the body says about the changes makes no difference."""
    body = trigger() | {"objectEventType": "Update", "incidentUpdates": {"updatedFields": ["alerts"]}}

    assert read(trigger()) == read(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [("incidentUrl", "javascript:alert(1)"), ("incidentNumber", "x"), ("createdTimeUtc", "0001-01-01T00:00:00Z"),
     ("lastActivityTimeUtc", "9999-12-31T23:59:59-10:00"), ("firstActivityTimeUtc", "yesterday"),
     ("title", ["no", "text"]), ("status", True)],
)  # fmt: skip
def test_an_unusable_field_counts_as_missing(field: str, value: Any) -> None:
    """Wrong types, impossible dates and links that do not lead to the web are read as no value."""
    assert read(trigger(**{field: None})) == read(trigger(**{field: value}))


@pytest.mark.parametrize(
    "arm_id",
    [
        ARM_ID.lower(),
        ARM_ID.upper(),
        ARM_ID.replace("rg-secops", "Bücher_(1).x"),
    ],
)
def test_the_id_of_an_incident_counts_in_any_case(arm_id: str) -> None:
    """Its resource group may have umlauts, brackets and dots in its name."""
    incident = read(trigger() | {"object": {"id": arm_id, "properties": {}}})

    assert (arm_id, GUID) == (incident.arm_id, incident.name)


@pytest.mark.parametrize(
    "arm_id",
    [
        "https://management.azure.com" + ARM_ID,
        "@evil.example" + ARM_ID,
        ARM_ID + "/comments",
        ARM_ID + "?api-version=1#",
        "\n" + ARM_ID.replace("/Incidents/", "\n/Incidents/"),
        ARM_ID.replace("rg-secops", ".."),
        ARM_ID.replace("rg-secops", "rg/../../x"),
        ARM_ID.replace("rg-secops", "rg%2F.."),
        ARM_ID.replace("rg-secops", "x" * 91),
        ARM_ID.replace("rg-secops", ""),
        ARM_ID.replace("law-sentinel", "law_sentinel"),
        ARM_ID.replace("Incidents", "Entities"),
        ARM_ID.replace("subscriptions", "\u017fubscriptions"),
        ARM_ID.replace(GUID, "812"),
        "../" * 10,
        ["a"],
        True,
    ],
)
def test_an_id_of_anything_but_an_incident_is_refused(arm_id: Any) -> None:
    """An address, a path or a query in place of the id is therefore never called."""
    assert "@triggerBody()" in refusal(trigger() | {"object": {"id": arm_id}})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        ([trigger()], "no JSON object"),
        ("text", "no JSON object"),
        ({}, "no `object.id`"),
        ({"object": {}}, "no `object.id`"),
        ({"object": None}, "`object` is no JSON object"),
        ({"headers": {}, "body": trigger()}, "@triggerBody()"),
        (trigger() | {"objectSchemaType": "Bookmark"}, "'bookmark' and not 'Incident'"),
        (trigger() | {"objectSchemaType": "Alert"}, "use the trigger 'Microsoft Sentinel incident'"),
        (
            {"WorkspaceId": "5b1f", "SystemAlertId": "2f9c", "AlertType": "x", "Entities": FLAT},
            "use the trigger 'Microsoft Sentinel incident'",
        ),
        ({"IncidentArmID": ARM_ID, "Entity": ENTITIES[1]}, "POST /api/enrich"),
        ({"objectSchemaType": "entity"}, "POST /api/enrich"),
        (b" " * LONGEST_BODY + b"{}", "without the alerts"),
    ],
)
def test_an_unusable_body_is_refused_with_what_to_send(body: Any, said: str) -> None:
    """Alerts, bookmarks, entities and wrapped bodies are told apart, and each gets its own advice."""
    assert said in refusal(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
_FIELDS = st.sampled_from(
    [
        "relatedEntities", "Alerts", "entities", "title", "incidentNumber", "providerName", "incidentUrl",
        "providerIncidentId", "createdTimeUtc", "lastActivityTimeUtc", "additionalData", "hostName", "fileHashes",
    ]
)  # fmt: skip


@settings(max_examples=100)
@given(st.dictionaries(_FIELDS, _JSON), st.lists(st.dictionaries(_FIELDS, _JSON), max_size=3))
@example({"incidentNumber": int("9" * 4_300), "providerIncidentId": 10**400}, [])
@example({"title": "\ud800"}, [{"hostName": "\ud800"}])
def test_an_incident_with_any_fields_can_be_stored_or_is_refused(
    properties: dict[str, Any], more: list[dict[str, Any]]
) -> None:
    """Whatever the fields hold, an incident that was read is the same after it is stored."""
    kinds = ("Host", "File", "Url", "Ip", "FileHash")
    listed = [entity(kind, **fields) for fields in more for kind in kinds]
    try:
        incident = read(trigger(**{"relatedEntities": listed, **properties}))
    except InvalidRequest:
        return
    from_entities(incident.entities, Limits(), private=False)

    assert incident == msgspec.json.decode(msgspec.json.encode(incident), type=SentinelIncident)


@settings(max_examples=200)
@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
@example(b'{"object": {"id": ' + b"9" * 5_000 + b"}}")
@example(b'"\\ud800"')
def test_no_random_body_is_taken_for_an_incident(body: bytes) -> None:
    """Any bytes and any JSON are refused with a message, and never with another error."""
    refusal(body)
