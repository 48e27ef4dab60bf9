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
    """A client of a tenant where every planted incident is open."""
    async with Client() as client:
        yield client


async def test_reading_role() -> None:
    """The reading role reads incidents and cannot comment."""
    async with Client(roles=[READ]) as client:
        read = await client.get(f"{ROOT}/incidents/4101")
        written = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert (200, 403) == (read.status_code, written.status_code)


async def test_newest_first(client: Client) -> None:
    """Incidents come newest first, without alerts unless they are asked for."""
    plain = (await client.get(f"{ROOT}/incidents")).json()["value"]
    expanded = (await client.get(f"{ROOT}/incidents?$expand=alerts")).json()["value"]

    assert ["4107", "4106", "4104", "4103", "4102", "4105", "4101"] == [one["id"] for one in plain]
    assert (False, True) == ("alerts" in plain[0], "alerts" in expanded[0])


async def test_pages(client: Client) -> None:
    """Following nextLink gives every incident once."""
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
async def test_filter(client: Client, text: str, expected: list[str]) -> None:
    """Times, severity and status filter, also together; `and` binds closer than `or`."""
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
async def test_unsupported_options(client: Client, query: str) -> None:
    """What Graph does not support on incidents is a 400."""
    assert 400 == (await client.get(f"{ROOT}/incidents?{query}")).status_code


async def test_top_limit(client: Client) -> None:
    """More than 50 a page is refused in Graph's words."""
    error = (await client.get(f"{ROOT}/incidents?$top=100")).json()["error"]

    assert "" == error["code"]
    assert (
        "The limit of '50' for Top query has been exceeded. The value from the incoming request is '100'."
        == error["message"]
    )


async def test_merged_incident(client: Client) -> None:
    """A merged incident says where it went, and its alerts went with it."""
    incident = (await client.get(f"{ROOT}/incidents/4105?$expand=alerts")).json()

    assert "redirected" == incident["status"]
    assert "4101" == incident["redirectIncidentId"]
    assert [] == incident["alerts"]


async def test_no_such_incident(client: Client) -> None:
    """An unknown incident is a 404."""
    assert 404 == (await client.get(f"{ROOT}/incidents/1")).status_code


async def test_pages_shift(client: Client) -> None:
    """What opens while pages are read shifts them: an incident comes twice."""
    first = (await client.get(f"{ROOT}/incidents?$top=3&$count=true")).json()
    generate(client.tenant)
    second = (await client.get(first["@odata.nextLink"])).json()

    assert ["4107", "4106", "4104"] == [one["id"] for one in first["value"]]
    assert ["4104", "4103", "4102"] == [one["id"] for one in second["value"]]
    assert (7, 8) == (first["@odata.count"], second["@odata.count"])


async def test_pages_skip(client: Client) -> None:
    """What leaves a filter while pages are read shifts them too: an incident never comes."""
    url = f"{ROOT}/incidents?$top=3&$filter=status eq 'active'"
    first = (await client.get(url)).json()
    update(client.tenant, client.tenant.incidents["4107"], status="resolved")
    second = (await client.get(first["@odata.nextLink"])).json()

    assert ["4107", "4106", "4104"] == [one["id"] for one in first["value"]]
    assert ["4102", "4101"] == [one["id"] for one in second["value"]]


async def test_comment(client: Client) -> None:
    """A comment is answered with all comments, appears on the incident and counts as its update."""
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
async def test_bad_comment(client: Client, body: Any) -> None:
    """What is no comment, or too long a one, is a 400 and is not stored."""
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json=body)

    assert 400 == answer.status_code
    assert [] == client.tenant.incidents["4101"]["comments"]


async def test_longest_comment(client: Client) -> None:
    """A comment of exactly 30,000 characters is accepted."""
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json={**COMMENT, "comment": "x" * 30_000})

    assert 200 == answer.status_code


async def test_comment_accepted_then_failed(client: Client) -> None:
    """A comment can be stored and answered 503 all the same."""
    client.tenant.faults.add(match="comment", accept_then=503)
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert 503 == answer.status_code
    assert 1 == len(client.tenant.incidents["4101"]["comments"])


async def test_comment_that_is_no_update() -> None:
    """Nobody documents that a comment is an update, so a tenant may have it otherwise."""
    async with Client(limits=Limits(comments_update=False)) as client:
        before = client.tenant.incidents["4101"]["lastUpdateDateTime"]
        answer = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

        assert before == client.tenant.incidents["4101"]["lastUpdateDateTime"]

    assert {
        "comment": COMMENT["comment"],
        "createdByDisplayName": "API App:Outrider",
        "createdDateTime": "2026-03-10T12:00:00.0000000Z",
    } == answer.json()["value"][0]
