"""Microsoft Sentinel is read and written through Resource Manager, and no token goes astray."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from shared import retrying, settings
from shared.errors import (
    GraphError,
    NotFound,
    OutriderError,
    PermissionDenied,
    Throttled,
    TimedOut,
    Unavailable,
)
from shared.sentinel.client import COMMENT_LIMIT
from tests.support.arm_client import ENVIRONMENT, ROOT, Credential, Pause, Script, client_of, tenant_arm
from tests.support.tenant_client import ARM, VERSION, ArmClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ARM_ID = (
    "/subscriptions/d0cfe6b2-9ac0-4464-9919-dccaee2e48c0/resourceGroups/rg-secops/providers"
    "/Microsoft.OperationalInsights/workspaces/law-sentinel/providers/Microsoft.SecurityInsights"
    "/Incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5"
)


@pytest.fixture
async def tenant() -> AsyncIterator[ArmClient]:
    """A tenant whose workspace has an incident of its own."""
    async with ArmClient() as client:
        yield client


async def test_calls() -> None:
    """A call names its version, carries a token for Azure, has a time limit, and goes where ARM_URL says."""
    script, credential = Script((200, {"entities": []}, {}), (201, {}, {})), Credential()
    arm = client_of(script, credential)
    await arm.get_entities(ARM_ID)
    await arm.put_comment(ARM_ID, "4bb3", "<p>ü</p>")
    entities, comment = script.asked

    assert ["https://management.azure.com/.default"] * 2 == credential.scopes
    assert ("POST", f"{ROOT}{ARM_ID}/entities{VERSION}") == (entities.method, entities.url)
    assert ("PUT", f"{ROOT}{ARM_ID}/comments/4bb3{VERSION}") == (comment.method, comment.url)
    assert {"properties": {"message": "<p>ü</p>"}} == json.loads(comment.body or b"")
    assert "application/json" == comment.headers["Content-Type"]
    assert ["Bearer secret"] * 2 == [one.headers["Authorization"] for one in script.asked]
    assert [(10.0, 30.0)] * 2 == script.timeouts


async def test_government() -> None:
    """In a government's cloud, the call and the token are for that cloud."""
    script, credential = Script((200, {}, {})), Credential()
    await client_of(script, credential, AZURE_CLOUD="usgov", ARM_URL="").get_entities(ARM_ID)

    assert ["https://management.usgovcloudapi.net/.default"] == credential.scopes
    assert f"https://management.usgovcloudapi.net{ARM_ID}/entities{VERSION}" == script.asked[0].url


async def test_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.netrc` on the machine does not replace the token."""
    (tmp_path / "netrc").write_text("machine arm.example login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    script = Script((200, {}, {}))
    await client_of(script).get_entities(ARM_ID)

    assert "Bearer secret" == script.asked[0].headers["Authorization"]


async def test_incident(tenant: ArmClient) -> None:
    """An incident is read as Resource Manager shows it, under the id it was asked for by."""
    arm_id = tenant.own.replace("/incidents/", "/Incidents/")
    incident = await tenant_arm(tenant).get_incident(arm_id)
    mirrored = await tenant_arm(tenant).get_incident(tenant.mirrored)

    assert (arm_id, 812, "Medium", "New", "Azure Sentinel") == (
        incident.arm_id,
        incident.number,
        incident.severity,
        incident.status,
        incident.provider_name,
    )
    assert (incident.created or datetime.min.replace(tzinfo=UTC)).tzinfo is UTC
    assert ("", "4101") == (incident.defender_id, mirrored.defender_id)


async def test_entities(tenant: ArmClient) -> None:
    """An incident's entities are read as they are."""
    entities = await tenant_arm(tenant).get_entities(tenant.mirrored)

    assert {"Host", "Ip"} <= {one["kind"] for one in entities}


async def test_pages_of_comments() -> None:
    """All pages of comments are read, also where the link writes the port; names count in lower case."""
    pages = [
        {"value": [{"name": "AB", "properties": {"message": "one"}}], "nextLink": f"{ROOT}:443{ARM_ID}/x?$skip=1"},
        {"value": [{"name": "cd", "properties": {"message": None}}, {"name": "ef"}], "nextLink": None},
    ]  # fmt: skip
    script = Script(*((200, page, {}) for page in pages))

    assert {"ab": "one", "cd": "", "ef": ""} == await client_of(script).get_comments(ARM_ID)
    assert f"{ROOT}:443{ARM_ID}/x?$skip=1" == script.asked[1].url


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/x", "http://arm.example/x", "https://arm.example:8443/x", "https://arm.example@evil.example/",
     "//evil.example/x", "https://arm.example:x/", "https://[/", "/x"],
)  # fmt: skip
async def test_link_elsewhere(link: str) -> None:
    """A link to another host is not followed: the token would go there."""
    script = Script((200, {"value": [], "nextLink": link}, {}))
    with pytest.raises(GraphError, match="another host"):
        await client_of(script).get_comments(ARM_ID)

    assert 1 == len(script.asked)


async def test_endless_pages() -> None:
    """Pages that never end do not hold a run for ever."""
    page = {"value": [], "nextLink": f"{ROOT}{ARM_ID}/x"}
    with pytest.raises(GraphError, match="repeats itself"):
        await client_of(Script(*((200, page, {}),) * COMMENT_LIMIT)).get_comments(ARM_ID)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect(status: int) -> None:
    """A redirect is an error: the token goes nowhere else."""
    script = Script((status, b"", {"Location": "https://evil.example/"}))
    with pytest.raises(GraphError) as raised:
        await client_of(script).get_incident(ARM_ID)

    assert (status, 1) == (raised.value.status, len(script.asked))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, GraphError),
        (401, PermissionDenied),
        (403, PermissionDenied),
        (404, NotFound),
        (408, TimedOut),
        (409, GraphError),
        (429, Throttled),
        (500, Unavailable),
        (504, Unavailable),
    ],
)
async def test_errors(status: int, expected: type[GraphError]) -> None:
    """An error is of the tree's kinds, in Azure's words, with its code and the request's id."""
    body = {"error": {"code": "AuthorizationFailed", "message": "The client may not."}}
    answer = (status, body, {"x-ms-request-id": "7f", "Retry-After": "90"})
    with pytest.raises(GraphError) as raised:
        await client_of(Script(*(answer,) * 4)).get_incident(ARM_ID)
    error = raised.value

    assert expected is type(error)
    assert (status, "AuthorizationFailed", "The client may not.", "7f") == (
        error.status,
        error.code,
        error.message,
        error.request_id,
    )
    if isinstance(error, PermissionDenied):
        assert "Microsoft Sentinel Responder" == error.role
    if isinstance(error, Throttled):
        assert 90 == error.retry_after


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b'{"error": "text"}', b'{"error": {"message": 1}}', b"[]"]
)
async def test_error_without_body(body: bytes) -> None:
    """An error that is not in Azure's form is the error that its status says."""
    with pytest.raises(NotFound, match="Because"):
        await client_of(Script((404, body, {}))).get_incident(ARM_ID)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b"null"])
async def test_unreadable(body: bytes) -> None:
    """An answer that is not what Azure documents is a failure of Azure's."""
    calls = ("get_incident", "get_entities", "get_comments")
    for name in calls:
        with pytest.raises(Unavailable, match="not what it documents"):
            await getattr(client_of(Script((200, body, {}))), name)(ARM_ID)


@pytest.mark.parametrize(
    ("failure", "expected", "calls"),
    [
        (requests.ReadTimeout(), TimedOut, 1),
        (requests.ConnectTimeout(), Unavailable, 4),
        (requests.ConnectionError(), Unavailable, 4),
        (requests.exceptions.ChunkedEncodingError(), Unavailable, 4),
    ],
)
async def test_no_answer(failure: Exception, expected: type[OutriderError], calls: int) -> None:
    """A broken connection is tried again, a call without an answer is not."""
    script = Script(*(failure,) * 4)
    with pytest.raises(expected):
        await client_of(script).get_incident(ARM_ID)

    assert calls == len(script.asked)


async def test_no_token() -> None:
    """Without a token nothing is asked, and the run can wait."""
    script = Script()
    with pytest.raises(Unavailable, match="no token for Azure: ClientAuthenticationError"):
        await client_of(script, Credential(broken=True)).get_incident(ARM_ID)

    assert [] == script.asked


async def test_retries() -> None:
    """A call is tried again after the time that Azure names, or 1, 2, 4 … seconds."""
    pause = Pause()
    script = Script((429, b"", {"Retry-After": "7"}), (503, b"", {}), (429, b"", {}), (200, {}, {}))

    assert [] == await client_of(script, sleep=pause).get_entities(ARM_ID)
    assert [7, 2, 4] == pause.waits


async def test_long_wait() -> None:
    """A wait of more than 30 seconds is the run's to wait."""
    pause = Pause()
    with pytest.raises(Throttled) as raised:
        await client_of(Script((429, b"", {"Retry-After": "31"})), sleep=pause).get_entities(ARM_ID)

    assert (31, []) == (raised.value.retry_after, pause.waits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("17", 17), ("2.128", 2.128), ("-3", 0), ("inf", 86_400), ("nan", 0), ("", None), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_retry_after(text: str, expected: float | None) -> None:
    """Retry-After is seconds or a date, and never an endless wait."""
    assert expected == retrying.read_retry_after(text)


def test_scope() -> None:
    """Tokens are for the cloud's Resource Manager, also where ARM_URL points elsewhere."""
    assert f"{ARM}/.default" == settings.read_settings(ENVIRONMENT).arm_scope
