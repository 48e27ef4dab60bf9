"""Incidents in the local tenant are listed, read and commented on as through Graph."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenant.incidents import generate, update
from sandbox.tenant.state import READ, Limits
from tests.support.tenant_client import COMMENT, ROOT, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a tenant in which every planted incident is open."""
    async with Client() as client:
        yield client


async def test_the_reading_role_cannot_comment() -> None:
    """It can read an incident, but a comment is answered with 403."""
    async with Client(roles=[READ]) as client:
        read = await client.get(f"{ROOT}/incidents/4101")
        written = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert (200, 403) == (read.status_code, written.status_code)


async def test_incidents_are_listed_newest_first(client: Client) -> None:
    """Their alerts are included only if they are asked for."""
    plain = (await client.get(f"{ROOT}/incidents")).json()["value"]
    expanded = (await client.get(f"{ROOT}/incidents?$expand=alerts")).json()["value"]

    assert ["4107", "4106", "4104", "4103", "4102", "4105", "4101"] == [one["id"] for one in plain]
    assert (False, True) == ("alerts" in plain[0], "alerts" in expanded[0])


async def test_following_next_link_gives_every_incident_once(client: Client) -> None:
    """Seven incidents come on three pages."""
    found, url = [], f"{ROOT}/incidents?$top=3"
    while url:
        page = (await client.get(url)).json()
        found.append([incident["id"] for incident in page["value"]])
        url = page.get("@odata.nextLink")

    assert [["4107", "4106", "4104"], ["4103", "4102", "4105"], ["4101"]] == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("severity eq 'high'", ["4107", "4101"]),
        ("status eq 'redirected'", ["4105"]),
        ("createdDateTime ge 2026-03-10T11:00:00Z", ["4107", "4106"]),
        ("createdDateTime gt 2026-03-10T10:30:00Z and severity eq 'low'", ["4106"]),
        ("lastUpdateDateTime lt 2026-03-10T10:20:00.0000000Z", ["4101"]),
        ("status ne 'active'", ["4105"]),
        ("status in ('redirected', 'resolved')", ["4105"]),
        ("assignedTo eq null and severity eq 'high'", ["4107", "4101"]),
        ("status eq 'redirected' or severity eq 'high'", ["4107", "4105", "4101"]),
        (
            "severity eq 'low' or severity eq 'high' and createdDateTime le 2026-03-10T10:30Z",
            ["4106", "4105", "4101"],
        ),
        (
            "(severity eq 'low' or severity eq 'high') and createdDateTime le 2026-03-10T10:30Z",
            ["4105", "4101"],
        ),
    ],
)
async def test_filters_select_by_time_severity_and_status(
    client: Client, text: str, expected: list[str]
) -> None:
    """Conditions can be combined, and `and` binds closer than `or`."""
    assert expected == await client.listed(filter=text)


@pytest.mark.parametrize(
    "query",
    [
        "$filter=title eq 'x'", "$filter=severity gt 'low'", "$filter=createdDateTime ge soon", "$top=x",
        "$filter=status eq active", "$filter=(status eq 'active'", "$filter=status eq 'active' severity",
        "$filter=status in ()", "$filter=createdDateTime ge '2026-03-10T11:00:00Z'", "$filter=status eq",
        "$orderby=id", "$select=id", "$expand=comments",
    ],
)  # fmt: skip
async def test_an_unsupported_option_is_answered_with_400(client: Client, query: str) -> None:
    """Graph does not support these filters, orders, selections and expansions on incidents."""
    assert 400 == (await client.get(f"{ROOT}/incidents?{query}")).status_code


async def test_more_than_50_incidents_per_page_are_refused(client: Client) -> None:
    """The error has Graph's message and an empty code."""
    error = (await client.get(f"{ROOT}/incidents?$top=100")).json()["error"]

    assert "" == error["code"]
    assert (
        "The limit of '50' for Top query has been exceeded. The value from the incoming request is '100'."
        == error["message"]
    )


async def test_a_merged_incident_says_where_it_went(client: Client) -> None:
    """It is redirected to the other incident, and its alerts are there."""
    incident = (await client.get(f"{ROOT}/incidents/4105?$expand=alerts")).json()

    assert "redirected" == incident["status"]
    assert "4101" == incident["redirectIncidentId"]
    assert [] == incident["alerts"]


async def test_an_unknown_incident_is_answered_with_404(client: Client) -> None:
    """No incident of the tenant has the id 1."""
    assert 404 == (await client.get(f"{ROOT}/incidents/1")).status_code


async def test_a_new_incident_shifts_the_pages_after_it(client: Client) -> None:
    """If an incident opens while pages are read, another one comes twice."""
    first = (await client.get(f"{ROOT}/incidents?$top=3&$count=true")).json()
    generate(client.tenant)
    second = (await client.get(first["@odata.nextLink"])).json()

    assert ["4107", "4106", "4104"] == [one["id"] for one in first["value"]]
    assert ["4104", "4103", "4102"] == [one["id"] for one in second["value"]]
    assert (7, 8) == (first["@odata.count"], second["@odata.count"])


async def test_a_changed_incident_makes_the_pages_skip_one(client: Client) -> None:
    """If an incident leaves the filter while pages are read, another one never comes."""
    url = f"{ROOT}/incidents?$top=3&$filter=status eq 'active'"
    first = (await client.get(url)).json()
    update(client.tenant, client.tenant.incidents["4107"], status="resolved")
    second = (await client.get(first["@odata.nextLink"])).json()

    assert ["4107", "4106", "4104"] == [one["id"] for one in first["value"]]
    assert ["4102", "4101"] == [one["id"] for one in second["value"]]


async def test_a_comment_is_stored_and_updates_its_incident(client: Client) -> None:
    """The answer has all comments of the incident, and the time of the last update moves."""
    client.now += timedelta(hours=1)
    first = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)
    second = await client.post(f"{ROOT}/incidents/4101/comments", json={**COMMENT, "comment": "b"})
    incident = (await client.get(f"{ROOT}/incidents/4101")).json()

    assert 200 == first.status_code
    assert [COMMENT["comment"], "b"] == [one["comment"] for one in second.json()["value"]]
    assert second.json()["value"] == incident["comments"]
    assert "2026-03-10T13:00:00.0000000Z" == incident["lastUpdateDateTime"]


@pytest.mark.parametrize(
    "body", [{"comment": "x"}, {**COMMENT, "comment": ""}, {**COMMENT, "comment": "x" * 30_001}, [], "x"]
)
async def test_an_invalid_comment_is_not_stored(client: Client, body: Any) -> None:
    """An empty text, one that is too long or a body of another shape is answered with 400."""
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json=body)

    assert 400 == answer.status_code
    assert [] == client.tenant.incidents["4101"]["comments"]


async def test_a_comment_of_30000_characters_is_accepted(client: Client) -> None:
    """No longer comment is."""
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json={**COMMENT, "comment": "x" * 30_000})

    assert 200 == answer.status_code


async def test_a_comment_can_be_stored_and_answered_with_503(client: Client) -> None:
    """The caller cannot see from the answer that the comment is there."""
    client.tenant.faults.add(match="comment", accept_then=503)
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert 503 == answer.status_code
    assert 1 == len(client.tenant.incidents["4101"]["comments"])


async def test_a_tenant_can_leave_comments_out_of_its_updates() -> None:
    """Nobody documents whether a comment moves the time of the last update, so a tenant can do either."""
    async with Client(limits=Limits(comments_update=False)) as client:
        before = client.tenant.incidents["4101"]["lastUpdateDateTime"]
        answer = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

        assert before == client.tenant.incidents["4101"]["lastUpdateDateTime"]

    assert {
        "comment": COMMENT["comment"],
        "createdByDisplayName": "API App:Outrider",
        "createdDateTime": "2026-03-10T12:00:00.0000000Z",
    } == answer.json()["value"][0]
