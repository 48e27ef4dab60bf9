"""Incidents that are not as Graph documents them are read as far as they can be, one by one."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.errors import Unavailable
from shared.graph.incidents import Page
from tests.support.line import Line
from tests.support.odd import HALF, VALUES

SINCE = datetime(2026, 11, 24, tzinfo=UTC)
GOOD = {"id": "1", "displayName": "one", "severity": "high", "lastUpdateDateTime": "2026-11-24T12:00:00Z"}
FIELDS = (
    "displayName", "severity", "status", "incidentWebUrl", "createdDateTime", "lastUpdateDateTime", "alerts", "comments",
    "@outrider.unread",
)  # fmt: skip


def line(body: Any) -> Line:
    """Return a line that answers with *body*, bytes or what is sent as JSON."""
    return Line(httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode()))


async def listed(*items: Any) -> Page:
    """Return what is read of a page with these items."""
    return await line({"value": items}).graph().list_incidents(SINCE)


@pytest.mark.fault("A13", before="Unavailable: Expected `str`, got `int` - at `$.value[1].displayName`")
@pytest.mark.parametrize("name", FIELDS)
async def test_a_field_of_any_type_spoils_no_list(name: str) -> None:
    """The incident with the odd field is read as well, and so is the one behind it."""
    for value in VALUES:
        page = await listed(GOOD, {**GOOD, "id": "2", name: value}, {**GOOD, "id": "3"})

        assert ["1", "2", "3"] == [incident.id for incident in page.incidents], value
        assert 0 == page.unreadable


@pytest.mark.fault("A13", before="Unavailable: Expected `object`, got `null` - at `$.value[1]`")
@pytest.mark.parametrize(
    "bad",
    [
        None,
        5,
        "x",
        [],
        {},
        {"id": None},
        {"id": {}},
        {"id": True},
        {"id": "../1"},
        {"id": ""},
        {"id": "1" * 65},
    ],
)
async def test_an_incident_without_an_id_is_skipped_counted_and_logged(
    bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has no value of it."""
    caplog.set_level(logging.WARNING)
    page = await listed(GOOD, {"displayName": "a secret", **bad} if isinstance(bad, dict) else bad)

    assert (["1"], 1) == ([incident.id for incident in page.incidents], page.unreadable)
    assert ["1 listed incidents have no readable id"] == caplog.messages


async def test_a_number_may_be_an_incidents_id() -> None:
    """It is the id that Graph writes as text; a title that is a number is its text."""
    (incident,) = (await listed({"id": 4101, "displayName": 7})).incidents

    assert ("4101", "7", ()) == (incident.id, incident.display_name, incident.unread)


async def test_an_unreadable_part_is_logged_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the incident and the field."""
    await listed({**GOOD, "severity": {"secret": HALF}})

    assert ["incident 1: not readable on the list: severity"] == caplog.messages


@pytest.mark.fault("A13", before="Unavailable: Graph's answer is not understood")
@pytest.mark.parametrize("name", FIELDS)
async def test_a_field_of_any_type_spoils_no_incident(name: str) -> None:
    """What cannot be read of it is named, and its title is read."""
    for value in VALUES:
        body = {**GOOD, name: value}
        incident = await line(body).graph().get_incident("1")

        assert "1" == incident.id
        assert set(incident.unread) <= {name, "evidence", "comment"}


async def test_the_parts_of_an_incident_are_read_one_by_one() -> None:
    """Alerts and comments that are objects are read, whatever stands beside them; so is evidence."""
    alerts = [
        5,
        {"evidence": 5, "createdDateTime": []},
        {"evidence": [{"a": 1}, 5], "firstActivityDateTime": "2026"},
    ]
    body = {**GOOD, "id": ["1"], "alerts": alerts, "comments": [None, {"comment": "seen"}, {"comment": {}}]}
    incident = await line(body).graph().get_incident("1")

    assert ("id", "alerts", "comments", "createdDateTime", "evidence", "comment") == incident.unread
    assert [None, [{"a": 1}, 5]] == [alert.evidence for alert in incident.alerts or ()]
    assert ["seen", None] == [comment.comment for comment in incident.comments or ()]


@pytest.mark.parametrize("body", [None, 5, "x", [], {}, {"error": {}}, b'{"id": "1', b"<h1>"])
async def test_what_is_no_incident_at_all_may_be_one_later(body: Any) -> None:
    """It is not taken for an incident without evidence."""
    with pytest.raises(Unavailable):
        await line(body).graph().get_incident("1")


@pytest.mark.parametrize(
    "body", [None, {}, {"value": None}, {"value": {}}, {"value": [], "@odata.nextLink": 5}, []]
)
async def test_what_is_no_page_may_be_one_later(body: Any) -> None:
    """It is not taken for a page without incidents, nor for the last one."""
    with pytest.raises(Unavailable):
        await line(body).graph().list_incidents(SINCE)


@pytest.mark.fault("A13", before="Unavailable: Expected `str`, got `null` - at `$.@odata.nextLink`")
async def test_a_next_link_that_is_null_is_the_last_page() -> None:
    """Some services write it so."""
    assert (1, 0) == (
        len((await line({"value": [GOOD], "@odata.nextLink": None}).graph().list_incidents(SINCE)).incidents),
        0,
    )
