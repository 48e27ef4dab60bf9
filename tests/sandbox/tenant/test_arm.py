"""Resource Manager in the local tenant answers for Microsoft Sentinel as Azure does."""

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
    """A client of a tenant where every planted incident is open."""
    async with ArmClient() as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the error's code, which is all that an error of Azure's promises."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_case_of_paths(client: ArmClient) -> None:
    """Paths match in any case: the trigger writes `Incidents`, the API `incidents`."""
    answer = await client.get(client.own.upper().replace("/SUBSCRIPTIONS", "/subscriptions") + VERSION)

    assert client.own == answer.json()["id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/entities"), ("POST", ""), ("PUT", "/comments"), ("GET", f"/comments/{NAME}/more"),
        ("POST", "/entities/more"), ("GET", "/relations"),
    ],
)  # fmt: skip
async def test_nothing_there(client: ArmClient, method: str, path: str) -> None:
    """What is no call of Sentinel's is a 404."""
    assert (404, "NotFound") == code(await client.request(method, client.own + path + VERSION))


async def test_unknown_incident(client: ArmClient) -> None:
    """An unknown incident is a 404, in this workspace or another, and takes no comment."""
    other = client.own[:-12] + "000000000000"
    answers = [
        await client.get(other + VERSION),
        await client.put(f"{other}/comments/{NAME}{VERSION}", json={"properties": {"message": "x"}}),
        await client.get(client.own.replace("law-sentinel", "law-other") + VERSION),
    ]

    assert [(404, "NotFound")] * 3 == [code(answer) for answer in answers]


async def test_comment(client: ArmClient) -> None:
    """A comment of a new name is created."""
    answer = await client.comment()
    body = answer.json()

    assert 201 == answer.status_code
    assert (f"{client.own}/comments/{NAME}", NAME) == (body["id"], body["name"])
    assert "<p>found</p>" == body["properties"]["message"]
    assert "2026-03-10T12:00:00.0000000Z" == body["properties"]["createdTimeUtc"]
    assert [body] == await client.comments()
    shown = (await client.get(client.own + VERSION)).json()
    assert 1 == shown["properties"]["additionalData"]["commentsCount"]


async def test_comment_again(client: ArmClient) -> None:
    """A comment of a name that exists, in any case, is that comment, changed."""
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


async def test_length_of_comments(client: ArmClient) -> None:
    """30,000 characters are a comment, and one more is a 400 that stores nothing."""
    over, longest = await client.comment("x" * 30_001), await client.comment("x" * 30_000)

    assert (400, "BadRequest") == code(over)
    assert 201 == longest.status_code
    assert 1 == len(await client.comments())


@pytest.mark.parametrize("body", [{}, {"properties": {"message": ""}}, {"properties": []}, []])
async def test_no_comment(client: ArmClient, body: Any) -> None:
    """What holds no message is a 400."""
    answer = await client.put(f"{client.own}/comments/{NAME}{VERSION}", json=body)

    assert (400, "BadRequest") == code(answer)


async def test_number_of_comments() -> None:
    """An incident takes so many comments, and then only changes of them; others have room of their own."""
    async with ArmClient(limits=Limits(comments=2)) as client:
        names = [str(UUID(int=number)) for number in (1, 2, 3, 2)]
        statuses = [(await client.comment(name=name)).status_code for name in names]
        elsewhere = await client.put(
            f"{client.mirrored}/comments/{NAME}{VERSION}", json={"properties": {"message": "x"}}
        )

    assert [201, 201, 400, 200] == statuses
    assert 201 == elsewhere.status_code


async def test_reader() -> None:
    """A Reader reads and does not comment; the refusal names the action and where."""
    async with ArmClient(roles=[READER]) as client:
        read = await client.post(f"{client.own}/entities{VERSION}")
        refused = await client.comment()
        path = f"{client.own}/comments/{NAME}"

    assert 200 == read.status_code
    assert (403, "AuthorizationFailed") == code(refused)
    assert f"'Microsoft.SecurityInsights/incidents/comments/write' over scope '{path}'" in refused.text


async def test_roles_of_graph() -> None:
    """Roles of Graph's count for nothing here, and those of Azure's are not named there."""
    async with ArmClient(roles=[HUNT]) as client:
        refused = await client.get(client.own + VERSION)
        client.tenant.roles = {READER}
        client.sign_in()
        hunt = await client.hunt()

    assert (403, "AuthorizationFailed") == code(refused)
    assert hunt.json()["error"]["message"].endswith("application roles: .")


async def test_other_audience(client: ArmClient) -> None:
    """A token for Graph is refused, and the refusal says what would do."""
    client.sign_in(GRAPH)
    answer = await client.get(client.own + VERSION)

    assert (401, "InvalidAuthenticationTokenAudience") == code(answer)
    assert "'https://graph.microsoft.com'" in answer.text


@pytest.mark.parametrize("resource", [ARM, f"{ARM}/", "https://management.core.windows.net/"])
async def test_token(client: ArmClient, resource: str) -> None:
    """The managed-identity endpoint gives a token that is good here, for every name of the resource."""
    token = (await client.get("/msi/token", params={"resource": resource})).json()["access_token"]
    answer = await client.get(client.own + VERSION, headers={"Authorization": f"Bearer {token}"})

    assert 200 == answer.status_code


async def test_no_token(client: ArmClient) -> None:
    """A call without a token is a 401."""
    answer = await client.get(client.own + VERSION, headers={"Authorization": ""})

    assert (401, "InvalidAuthenticationToken") == code(answer)


async def test_no_version(client: ArmClient) -> None:
    """A call without api-version is a 400."""
    assert (400, "MissingApiVersionParameter") == code(await client.get(client.own))


async def test_throttled(client: ArmClient) -> None:
    """Throttling is a 429 with Retry-After in Resource Manager's words, and can be for comments alone."""
    client.tenant.faults.add(match="sentinel", contains="/comments/", status=429, retry_after=17)
    read = await client.get(client.own + VERSION)
    answer = await client.comment()

    assert 200 == read.status_code
    assert (429, "TooManyRequests") == code(answer)
    assert {"code", "message"} == set(answer.json()["error"])
    assert "17" == answer.headers["Retry-After"]
    assert 201 == (await client.comment()).status_code


async def test_accepted_then_failed(client: ArmClient) -> None:
    """A comment can be stored and answered 503; asked for again, it is the same comment."""
    client.tenant.faults.add(match="sentinel", accept_then=503)
    statuses = [(await client.comment()).status_code for _ in range(2)]

    assert [503, 200] == statuses
    assert 1 == len(await client.comments())
