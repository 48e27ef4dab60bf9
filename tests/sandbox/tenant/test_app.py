"""The local tenant's tokens, control endpoints, planned faults and pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.tenant_client import ROOT, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a tenant in which every planted incident is open."""
    async with Client() as client:
        yield client


async def test_a_token_names_its_resource_and_its_expiry(client: Client) -> None:
    """The resource is written exactly as it was asked for, and the token expires in the future."""
    answer = await client.get("/msi/token", params={"resource": "https://graph.microsoft.com"})

    assert "https://graph.microsoft.com" == answer.json()["resource"]
    assert datetime.now(UTC).timestamp() < int(answer.json()["expires_on"])
    assert answer.json()["access_token"] in client.tenant.tokens


async def test_a_token_for_storage_shows_its_claims(client: Client) -> None:
    """It is a JSON Web Token without a signature, for the audience that was asked for, valid for a day."""
    resource = "https://storage.azure.com"
    answer = (await client.get("/msi/token", params={"resource": resource})).json()
    head, claims, signature = answer["access_token"].split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))

    assert {"alg": "none", "typ": "JWT"} == json.loads(base64.urlsafe_b64decode(head + "=="))
    assert (resource, resource, "") == (read["aud"], answer["resource"], signature)
    assert read["iss"].startswith("https://sts.windows.net/")
    assert (86_400, answer["expires_on"]) == (read["exp"] - read["nbf"], str(read["exp"]))
    assert resource == client.tenant.tokens[answer["access_token"]].resource


async def test_a_token_needs_the_secret_header() -> None:
    """If the tenant has a secret, a request with another one is answered with 401."""
    async with Client(secret="s3") as client:
        answers = [
            await client.get("/msi/token?resource=x", headers={"X-IDENTITY-HEADER": header})
            for header in ("no", "s3")
        ]

    assert [401, 200] == [answer.status_code for answer in answers]


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer other"}])
async def test_a_call_without_a_valid_token_is_answered_with_401(
    client: Client, headers: dict[str, str]
) -> None:
    """The token may be missing, or be one that this tenant did not issue."""
    assert 401 == (await client.get(f"{ROOT}/incidents", headers=headers)).status_code


async def test_an_expired_token_is_refused(client: Client) -> None:
    """The error's code is InvalidAuthenticationToken."""
    token, _ = client.tenant.issue(lifetime=-1)
    answer = await client.get(f"{ROOT}/incidents", headers={"Authorization": f"Bearer {token}"})

    assert "InvalidAuthenticationToken" == answer.json()["error"]["code"]


async def test_a_fault_can_have_its_own_body(client: Client) -> None:
    """The tenant answers with exactly the status and body that were planned."""
    client.tenant.faults.add(match="incident", status=500, body={"odd": True})
    answer = await client.get(f"{ROOT}/incidents/4101")

    assert (500, {"odd": True}) == (answer.status_code, answer.json())


async def test_a_reset_breaks_the_connection_during_an_answer(client: Client) -> None:
    """The log of calls has it with the status 0."""
    client.tenant.faults.add(match="token", reset=True)

    with pytest.raises(httpx.ReadError):
        await client.get("/msi/token?resource=x")

    assert [("token", 0)] == [(call.kind, call.status) for call in client.tenant.calls]


async def test_faults_are_planned_and_cleared_over_http(client: Client) -> None:
    """An invalid fault is refused with 400, and after clearing, calls succeed again."""
    wrong = await client.post("/sandbox/faults", json={"match": "everything"})
    planned = await client.post("/sandbox/faults", json={"match": "hunt", "status": 500, "times": 9})
    failed = await client.hunt()
    await client.delete("/sandbox/faults")

    assert [400, 200, 500, 200] == [
        wrong.status_code, planned.status_code, failed.status_code, (await client.hunt()).status_code,
    ]  # fmt: skip


async def test_control_endpoints_answer_only_this_machine() -> None:
    """A caller from another address gets 403."""
    async with Client() as client:
        transport = httpx.ASGITransport(client.app, client=("203.0.113.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as stranger:
            answer = await stranger.delete("/sandbox/faults")

    assert 403 == answer.status_code


async def test_incidents_open_on_demand() -> None:
    """Incidents that were kept back open in turn or by name, and are created at that moment."""
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


async def test_a_merged_incident_opens_with_its_target() -> None:
    """The incident that it was merged into appears at the same time."""
    async with Client(opened=False) as client:
        await client.post("/sandbox/incidents/open?name=merged")

        assert {"4101", "4105"} == set(await client.listed())


async def test_every_call_is_logged_and_counted(client: Client) -> None:
    """The log has the method and status of each call, and the number of calls of each kind."""
    await client.hunt()
    await client.get(f"{ROOT}/incidents/1")
    log = (await client.get("/sandbox/calls")).json()

    assert {"hunt": 1, "incident": 1} == log["counts"]
    assert [("POST", 200), ("GET", 404)] == [(call["method"], call["status"]) for call in log["calls"]]


async def test_a_comment_is_escaped_on_the_page(client: Client) -> None:
    """Whatever it contains is shown as plain text, under a policy that allows only the page's own style."""
    client.tenant.comment(client.tenant.incidents["4101"], "<script>alert(1)</script> https://evil.example")
    page = await client.get("/incidents/4101")

    assert "&lt;script&gt;alert(1)&lt;/script&gt; https://evil.example" in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")


async def test_the_first_page_lists_every_incident(client: Client) -> None:
    """It names the incidents' devices, too, and reloads itself only with ?live."""
    plain, live = (await client.get("/")).text, (await client.get("/?live")).text

    assert all(one["displayName"] in plain for one in client.tenant.incidents.values())
    assert "srv-7.contoso.com" in plain
    assert (False, True) == ("http-equiv" in plain, "http-equiv" in live)
