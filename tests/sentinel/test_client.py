"""What is asked of Microsoft Sentinel through Azure Resource Manager, and that no token goes elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared import settings
from shared.errors import (
    GraphError,
)
from shared.sentinel.client import COMMENT_LIMIT
from tests.support.arm_client import ENVIRONMENT, ROOT, Credential, Script, client_of, tenant_arm
from tests.support.sentinel_bodies import ARM_ID
from tests.support.tenant_client import ARM, VERSION, ArmClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def tenant() -> AsyncIterator[ArmClient]:
    """Yield a client of a tenant whose workspace has an incident of its own."""
    async with ArmClient() as client:
        yield client


async def test_a_call_has_its_version_token_time_limit_and_address() -> None:
    """It goes where ARM_URL says, with a token for Azure, and a comment is sent as JSON."""
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


async def test_a_government_cloud_has_its_own_address_and_token() -> None:
    """With AZURE_CLOUD=usgov, both are those of Azure Government."""
    script, credential = Script((200, {}, {})), Credential()
    await client_of(script, credential, AZURE_CLOUD="usgov", ARM_URL="").get_entities(ARM_ID)

    assert ["https://management.usgovcloudapi.net/.default"] == credential.scopes
    assert f"https://management.usgovcloudapi.net{ARM_ID}/entities{VERSION}" == script.asked[0].url


async def test_a_netrc_file_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP library would otherwise send the password that the file holds for the host."""
    (tmp_path / "netrc").write_text("machine arm.example login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    script = Script((200, {}, {}))
    await client_of(script).get_entities(ARM_ID)

    assert "Bearer secret" == script.asked[0].headers["Authorization"]


async def test_an_incident_is_read_under_the_id_asked_for(tenant: ArmClient) -> None:
    """Its fields are as Resource Manager has them, and only a mirrored one has a number at Defender."""
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


async def test_the_entities_of_an_incident_are_read(tenant: ArmClient) -> None:
    """The mirrored incident of the local tenant has a host and an address."""
    entities = await tenant_arm(tenant).get_entities(tenant.mirrored)

    assert {"Host", "Ip"} <= {one["kind"] for one in entities}


async def test_all_pages_of_comments_are_read() -> None:
    """A next link may write the port of the host; the names of comments are put in lower case."""
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
async def test_a_next_page_at_another_host_is_not_fetched(link: str) -> None:
    """The token would go there, so such a link is an error."""
    script = Script((200, {"value": [], "nextLink": link}, {}))
    with pytest.raises(GraphError, match="another host"):
        await client_of(script).get_comments(ARM_ID)

    assert 1 == len(script.asked)


async def test_pages_that_never_end_are_an_error() -> None:
    """They would otherwise keep a run busy for ever."""
    page = {"value": [], "nextLink": f"{ROOT}{ARM_ID}/x"}
    with pytest.raises(GraphError, match="repeats itself"):
        await client_of(Script(*((200, page, {}),) * COMMENT_LIMIT)).get_comments(ARM_ID)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_an_error_and_not_followed(status: int) -> None:
    """The token goes to no other host, whatever kind of redirect it is."""
    script = Script((status, b"", {"Location": "https://evil.example/"}))
    with pytest.raises(GraphError) as raised:
        await client_of(script).get_incident(ARM_ID)

    assert (status, 1) == (raised.value.status, len(script.asked))


def test_the_token_is_for_azure_whatever_arm_url_says() -> None:
    """ARM_URL changes where calls go, but not what their token is for."""
    assert f"{ARM}/.default" == settings.read_settings(ENVIRONMENT).arm_scope
