"""The local tenant's tokens, levers, faults and page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.tenant_client import ROOT, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a tenant where every planted incident is open."""
    async with Client() as client:
        yield client


async def test_token(client: Client) -> None:
    """A token names the resource exactly as it was asked for, and expires in the future."""
    answer = await client.get("/msi/token", params={"resource": "https://graph.microsoft.com"})

    assert "https://graph.microsoft.com" == answer.json()["resource"]
    assert datetime.now(UTC).timestamp() < int(answer.json()["expires_on"])
    assert answer.json()["access_token"] in client.tenant.tokens


async def test_identity_header() -> None:
    """With a secret, a token is given only to who sends it."""
    async with Client(secret="s3") as client:
        answers = [
            await client.get("/msi/token?resource=x", headers={"X-IDENTITY-HEADER": header})
            for header in ("no", "s3")
        ]

    assert [401, 200] == [answer.status_code for answer in answers]


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer other"}])
async def test_no_token(client: Client, headers: dict[str, str]) -> None:
    """A call without a token that this tenant issued is a 401."""
    assert 401 == (await client.get(f"{ROOT}/incidents", headers=headers)).status_code


async def test_expired_token(client: Client) -> None:
    """A token is good until it expires."""
    token, _ = client.tenant.issue(lifetime=-1)
    answer = await client.get(f"{ROOT}/incidents", headers={"Authorization": f"Bearer {token}"})

    assert "InvalidAuthenticationToken" == answer.json()["error"]["code"]


async def test_fault_with_a_body(client: Client) -> None:
    """A fault may bring its own body."""
    client.tenant.faults.add(match="incident", status=500, body={"odd": True})
    answer = await client.get(f"{ROOT}/incidents/4101")

    assert (500, {"odd": True}) == (answer.status_code, answer.json())


async def test_reset(client: Client) -> None:
    """A reset breaks the connection in the middle of an answer, and is in the log of calls."""
    client.tenant.faults.add(match="token", reset=True)

    with pytest.raises(httpx.ReadError):
        await client.get("/msi/token?resource=x")

    assert [("token", 0)] == [(call.kind, call.status) for call in client.tenant.calls]


async def test_faults_over_http(client: Client) -> None:
    """Faults can be planned and forgotten over HTTP, and a wrong one is refused."""
    wrong = await client.post("/sandbox/faults", json={"match": "everything"})
    planned = await client.post("/sandbox/faults", json={"match": "hunt", "status": 500, "times": 9})
    failed = await client.hunt()
    await client.delete("/sandbox/faults")

    assert [400, 200, 500, 200] == [
        wrong.status_code, planned.status_code, failed.status_code, (await client.hunt()).status_code,
    ]  # fmt: skip


async def test_levers_are_local() -> None:
    """The levers answer this machine alone."""
    async with Client() as client:
        transport = httpx.ASGITransport(client.app, client=("203.0.113.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as stranger:
            answer = await stranger.delete("/sandbox/faults")

    assert 403 == answer.status_code


async def test_incidents_open_on_demand() -> None:
    """Incidents kept back appear one by one, by turn or by name, created at that moment."""
    async with Client(opened=False) as client:
        before = await client.listed()
        by_turn = (await client.post("/sandbox/incidents/open")).json()
        by_name = (await client.post("/sandbox/incidents/open?name=benign")).json()
        unknown = await client.post("/sandbox/incidents/open?name=benign")

        assert [] == before
        assert ("4101", "4106") == (by_turn["id"], by_name["id"])
        assert "2026-03-10T12:00:00.0000000Z" == by_turn["createdDateTime"]
        assert 404 == unknown.status_code
        assert ["4106", "4101"] == await client.listed()


async def test_merged_incident_opens_its_target() -> None:
    """An incident that was merged appears together with the one it was merged into."""
    async with Client(opened=False) as client:
        await client.post("/sandbox/incidents/open?name=merged")

        assert {"4101", "4105"} == set(await client.listed())


async def test_call_log(client: Client) -> None:
    """Every call is logged with its kind and status, and counted."""
    await client.hunt()
    await client.get(f"{ROOT}/incidents/1")
    log = (await client.get("/sandbox/calls")).json()

    assert {"hunt": 1, "incident": 1} == log["counts"]
    assert [("POST", 200), ("GET", 404)] == [(call["method"], call["status"]) for call in log["calls"]]


async def test_page_escapes(client: Client) -> None:
    """A comment is plain text on the page, whatever it holds, under a policy that allows nothing else."""
    client.tenant.comment(client.tenant.incidents["4101"], "<script>alert(1)</script> https://evil.example")
    page = await client.get("/incidents/4101")

    assert "&lt;script&gt;alert(1)&lt;/script&gt; https://evil.example" in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")


async def test_page_lists_incidents(client: Client) -> None:
    """The first page names every incident and its devices, and reloads itself only when told to."""
    plain, live = (await client.get("/")).text, (await client.get("/?live")).text

    assert all(one["displayName"] in plain for one in client.tenant.incidents.values())
    assert "srv-7.contoso.com" in plain
    assert (False, True) == ("http-equiv" in plain, "http-equiv" in live)
