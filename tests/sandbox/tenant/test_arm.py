"""The local tenant's Resource Manager answers for Microsoft Sentinel as Azure does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from sandbox.tenant.state import GRAPH, HUNT, READER, Limits
from tests.support.tenant_client import ARM, NAME, VERSION, ArmClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[ArmClient]:
    """A client of a tenant in which every planted incident is open."""
    async with ArmClient() as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return an answer's status and error code; Azure promises nothing else about an error."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_paths_match_in_any_case(client: ArmClient) -> None:
    """Sentinel's trigger writes `Incidents`, and its API `incidents`."""
    answer = await client.get(client.own.upper().replace("/SUBSCRIPTIONS", "/subscriptions") + VERSION)

    assert client.own == answer.json()["id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/entities"), ("POST", ""), ("PUT", "/comments"), ("GET", f"/comments/{NAME}/more"),
        ("POST", "/entities/more"), ("GET", "/relations"),
    ],
)  # fmt: skip
async def test_an_unknown_call_is_answered_with_404(client: ArmClient, method: str, path: str) -> None:
    """Its path or its method is none of Sentinel's."""
    assert (404, "NotFound") == code(await client.request(method, client.own + path + VERSION))


async def test_an_unknown_incident_takes_no_comment(client: ArmClient) -> None:
    """It is answered with 404, and so is an incident in another workspace."""
    other = client.own[:-12] + "000000000000"
    answers = [
        await client.get(other + VERSION),
        await client.put(f"{other}/comments/{NAME}{VERSION}", json={"properties": {"message": "x"}}),
        await client.get(client.own.replace("law-sentinel", "law-other") + VERSION),
    ]

    assert [(404, "NotFound")] * 3 == [code(answer) for answer in answers]


async def test_a_comment_with_a_new_name_is_created(client: ArmClient) -> None:
    """It is listed afterwards, and the incident counts it."""
    answer = await client.comment()
    body = answer.json()

    assert 201 == answer.status_code
    assert (f"{client.own}/comments/{NAME}", NAME) == (body["id"], body["name"])
    assert "<p>found</p>" == body["properties"]["message"]
    assert "2026-03-10T12:00:00.0000000Z" == body["properties"]["createdTimeUtc"]
    assert [body] == await client.comments()
    shown = (await client.get(client.own + VERSION)).json()
    assert 1 == shown["properties"]["additionalData"]["commentsCount"]


async def test_a_comment_with_a_known_name_is_changed(client: ArmClient) -> None:
    """The name matches in any case; only the time of the last change moves."""
    await client.comment()
    client.now += timedelta(minutes=5)
    answer = await client.comment("changed", NAME.upper())
    properties = answer.json()["properties"]

    assert 200 == answer.status_code
    assert ("2026-03-10T12:00:00.0000000Z", "2026-03-10T12:05:00.0000000Z") == (
        properties["createdTimeUtc"],
        properties["lastModifiedTimeUtc"],
    )
    assert ["changed"] == [one["properties"]["message"] for one in await client.comments()]


async def test_a_comment_has_at_most_30000_characters(client: ArmClient) -> None:
    """One more is answered with 400, and nothing is stored."""
    over, longest = await client.comment("x" * 30_001), await client.comment("x" * 30_000)

    assert (400, "BadRequest") == code(over)
    assert 201 == longest.status_code
    assert 1 == len(await client.comments())


@pytest.mark.parametrize("body", [{}, {"properties": {"message": ""}}, {"properties": []}, []])
async def test_a_comment_without_a_message_is_refused(client: ArmClient, body: Any) -> None:
    """A missing or empty message, or a body of another shape, is answered with 400."""
    answer = await client.put(f"{client.own}/comments/{NAME}{VERSION}", json=body)

    assert (400, "BadRequest") == code(answer)


async def test_an_incident_takes_a_limited_number_of_comments() -> None:
    """After that, only existing comments can be changed; other incidents have limits of their own."""
    async with ArmClient(limits=Limits(comments=2)) as client:
        names = [str(UUID(int=number)) for number in (1, 2, 3, 2)]
        statuses = [(await client.comment(name=name)).status_code for name in names]
        elsewhere = await client.put(
            f"{client.mirrored}/comments/{NAME}{VERSION}", json={"properties": {"message": "x"}}
        )

    assert [201, 201, 400, 200] == statuses
    assert 201 == elsewhere.status_code


async def test_a_reader_cannot_comment() -> None:
    """A Reader can read; the refusal names the action that is not allowed, and where."""
    async with ArmClient(roles=[READER]) as client:
        read = await client.post(f"{client.own}/entities{VERSION}")
        refused = await client.comment()
        path = f"{client.own}/comments/{NAME}"

    assert 200 == read.status_code
    assert (403, "AuthorizationFailed") == code(refused)
    assert f"'Microsoft.SecurityInsights/incidents/comments/write' over scope '{path}'" in refused.text


async def test_graph_roles_do_not_count_for_resource_manager() -> None:
    """In turn, Graph's refusal does not list roles of Azure."""
    async with ArmClient(roles=[HUNT]) as client:
        refused = await client.get(client.own + VERSION)
        client.tenant.roles = {READER}
        client.sign_in()
        hunt = await client.hunt()

    assert (403, "AuthorizationFailed") == code(refused)
    assert hunt.json()["error"]["message"].endswith("application roles: .")


async def test_a_token_for_graph_is_refused(client: ArmClient) -> None:
    """The refusal names the resource that the token was issued for."""
    client.sign_in(GRAPH)
    answer = await client.get(client.own + VERSION)

    assert (401, "InvalidAuthenticationTokenAudience") == code(answer)
    assert "'https://graph.microsoft.com'" in answer.text


@pytest.mark.parametrize("resource", [ARM, f"{ARM}/", "https://management.core.windows.net/"])
async def test_the_identity_endpoint_issues_valid_tokens(client: ArmClient, resource: str) -> None:
    """They are valid for every name by which Resource Manager can be asked for."""
    token = (await client.get("/msi/token", params={"resource": resource})).json()["access_token"]
    answer = await client.get(client.own + VERSION, headers={"Authorization": f"Bearer {token}"})

    assert 200 == answer.status_code


async def test_a_call_without_a_token_is_answered_with_401(client: ArmClient) -> None:
    """The error's code is InvalidAuthenticationToken."""
    answer = await client.get(client.own + VERSION, headers={"Authorization": ""})

    assert (401, "InvalidAuthenticationToken") == code(answer)


async def test_a_call_without_api_version_is_answered_with_400(client: ArmClient) -> None:
    """The error's code is MissingApiVersionParameter."""
    assert (400, "MissingApiVersionParameter") == code(await client.get(client.own))


async def test_comments_alone_can_be_throttled(client: ArmClient) -> None:
    """The 429 has Retry-After and an error as Resource Manager writes it; reading still works."""
    client.tenant.faults.add(match="sentinel", contains="/comments/", status=429, retry_after=17)
    read = await client.get(client.own + VERSION)
    answer = await client.comment()

    assert 200 == read.status_code
    assert (429, "TooManyRequests") == code(answer)
    assert {"code", "message"} == set(answer.json()["error"])
    assert "17" == answer.headers["Retry-After"]
    assert 201 == (await client.comment()).status_code


async def test_a_comment_can_be_stored_and_answered_with_503(client: ArmClient) -> None:
    """If it is written again, it is the same comment."""
    client.tenant.faults.add(match="sentinel", accept_then=503)
    statuses = [(await client.comment()).status_code for _ in range(2)]

    assert [503, 200] == statuses
    assert 1 == len(await client.comments())
