"""GET /api/selftest names each need that is not met, says how to meet it, and leaves nothing behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from obstore.store import AzureStore
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sandbox.host.serve import connection_string, listening
from sandbox.tenant.app import build_app
from sandbox.tenant.state import GRAPH, HUNT, RESPONDER, WRITE
from shared import settings
from shared.catalog.load import SHIPPED, load_hunts
from shared.graph.client import Graph
from shared.model.watching import STATE
from shared.selftest.graph import check_graph
from shared.state.objects import Store
from tests.support.deployed import SECRET, hosted, identity, served
from tests.support.surroundings import ALL, WORKSPACE, Stranger, Surroundings, account, unmet, untold
from tests.support.tenant import ENVIRONMENT, Deployment, Identity

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request


async def test_a_complete_setup_meets_every_need(around: Surroundings) -> None:
    """All needs are listed in their order, each is met, and none comes with advice."""
    answer = await around.check()

    assert ({}, set()) == (unmet(answer), untold(answer))
    assert answer.met
    assert [""] * len(answer.needs) == [need.mend for need in answer.needs]
    assert [
        "token", "Microsoft Graph", HUNT, f"{WRITE}: reading", f"{WRITE}: commenting", "hunting quota",
        "many hunts in one call", "hunts held to devices", "object store", "queues", "clock", f"{RESPONDER} on the workspace law-soc", "watch",
        "hunts", "authentication", "address",
    ] == [need.name for need in answer.needs]  # fmt: skip


async def test_repeated_checks_leave_one_object_behind(around: Surroundings) -> None:
    """Three checks leave no comment and no message, and a single object in the store, beside the watch's own."""
    before = around.app.all_comments
    for _ in range(3):
        await around.check()
    with account(around) as service:
        left = [
            service.get_queue_client(name).get_queue_properties().approximate_message_count for name in ALL
        ]

    assert before == around.app.all_comments
    assert [0] * len(ALL) == left
    assert {} == around.tenant.sentinel_comments
    assert ["selftest/last", STATE] == await around.store.keys("")


async def test_a_check_costs_one_hunting_query(around: Surroundings) -> None:
    """The tenant's hunting quota is shared with its runs, so the check hunts no more than it must."""
    await around.check()

    assert 1 == around.app.calls("hunt")


async def test_a_read_only_store_asks_for_the_writing_role(around: Surroundings) -> None:
    """The advice names the store's address and the role that is needed to write to it."""

    async def answer(request: Request) -> Response:
        """Answer as a store that can be listed but refuses every write."""
        if request.method == "PUT":
            code = "AuthorizationPermissionMismatch"
            return Response(f"<Error><Code>{code}</Code></Error>", 403, {"x-ms-error-code": code})
        return Response("<EnumerationResults><Blobs/></EnumerationResults>", media_type="application/xml")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "PUT", "HEAD"])])
    with served(app) as endpoint:
        around.store = Store(
            AzureStore(
                "state",
                account_name="x",
                endpoint=endpoint,
                bearer_token="t",
                client_options={"allow_http": True},
            )
        )
        found = await around.check(STATE_URL="https://x.blob.core.windows.net/state")

    assert {"object store"} == unmet(found).keys()
    assert "Storage Blob Data Owner" in unmet(found)["object store"]
    assert "https://x.blob.core.windows.net/state" in unmet(found)["object store"]


async def test_every_missing_queue_is_named(around: Surroundings) -> None:
    """A run's queue and a poison queue that do not exist are both reported."""
    with account(around) as service:
        service.delete_queue("runs")
        service.delete_queue("urgent-poison")
    answer = await around.check()

    assert {"queues"} == unmet(answer).keys()
    assert ["runs: QueueNotFound; urgent-poison: QueueNotFound"] == [
        need.found for need in answer.needs if need.met is False
    ]


async def test_unreachable_queues_leave_the_clock_unchecked(around: Surroundings) -> None:
    """The clock is compared with the queue service's, so without an answer it is neither right nor wrong."""
    with listening() as sock:
        nobody = f"http://127.0.0.1:{sock.getsockname()[1]}"
    answer = await around.check(AzureWebJobsStorage=connection_string(nobody))

    assert {"queues"} == unmet(answer).keys()
    assert {"clock"} == untold(answer)


async def test_a_clock_ten_minutes_fast_is_reported(around: Surroundings) -> None:
    """An app whose clock is ahead of the queue service's has one unmet need, the clock."""
    around.app.ahead = timedelta(minutes=10)
    await around.looked()
    answer = await around.check()

    assert {"clock"} == unmet(answer).keys()


async def test_an_unusable_hunt_file_is_named(around: Surroundings, tmp_path: Path) -> None:
    """What is found begins with the file's name and the line that is wrong."""
    (tmp_path / "mine.yaml").write_text("id: x\n")
    around.catalog = load_hunts(SHIPPED, tmp_path)
    answer = await around.check()

    assert {"hunts"} == unmet(answer).keys()
    assert next(need.found for need in answer.needs if need.name == "hunts").startswith("mine.yaml:1:")


async def test_an_entry_that_names_no_hunt_is_named(around: Surroundings) -> None:
    """A tactic that no hunt has is a typing mistake, or files that are missing; one that a hunt has is not."""
    wrong = await around.check(HUNTS_AUTO="Exfil, Exfiltration, archive-then-upload")
    right = await around.check(HUNTS_AUTO="Exfiltration, archive-then-upload, *")

    assert {"hunts"} == unmet(wrong).keys()
    assert "HUNTS_AUTO: no hunt that is loaded has the name or the tactic 'Exfil'" == next(
        need.found for need in wrong.needs if need.name == "hunts"
    )
    assert {} == unmet(right)


async def test_entra_without_platform_sign_in_is_reported(around: Surroundings) -> None:
    """HTTP_AUTH=entra is met only where App Service signs callers in; else the advice is to use keys."""
    off = await around.check(HTTP_AUTH="entra")
    on = await around.check(HTTP_AUTH="entra", WEBSITE_AUTH_ENABLED="True")

    assert {"authentication"} == unmet(off).keys()
    assert "HTTP_AUTH=key" in unmet(off)["authentication"]
    assert {} == unmet(on)


async def test_an_unexpected_address_asks_for_public_url(around: Surroundings) -> None:
    """A caller at another address than links begin with is advised to set PUBLIC_URL, which then counts."""
    answer = await around.check("https://hunt.contoso.com/api/selftest")
    chosen = await around.check(
        "https://hunt.contoso.com/api/selftest", PUBLIC_URL="https://hunt.contoso.com"
    )

    assert {"address"} == unmet(answer).keys()
    assert "PUBLIC_URL" in unmet(answer)["address"]
    assert {} == unmet(chosen)


async def test_sentinel_is_not_checked_without_a_workspace(around: Surroundings) -> None:
    """With SENTINEL_WORKSPACE empty all needs are met, and none of them is about Sentinel."""
    around.tenant.roles.discard(RESPONDER)
    answer = await around.check(SENTINEL_WORKSPACE="")

    assert answer.met
    assert not any("Sentinel" in need.name for need in answer.needs)


async def test_every_workspace_is_checked(around: Surroundings) -> None:
    """Each of SENTINEL_WORKSPACE is a need of its own, named by its workspace."""
    around.tenant.roles.discard(RESPONDER)
    second = WORKSPACE.replace("law-soc", "law-plant")
    answer = await around.check(SENTINEL_WORKSPACE=f"{WORKSPACE}, {second}")

    assert {f"{RESPONDER} on the workspace {name}" for name in ("law-soc", "law-plant")} == unmet(
        answer
    ).keys()


@pytest.mark.fault(
    "B14", before="assert 2 == 1: the self-test's hunt was sent although the minute's were used up"
)
async def test_the_selftests_hunt_keeps_the_pace_of_the_runs(app: Deployment) -> None:
    """With HUNTS_PER_MINUTE used up it is not sent, and the quota reads as not told."""
    graph = Graph(
        settings.read_settings({**ENVIRONMENT, "HUNTS_PER_MINUTE": "1"}),
        Identity(app.tenant),
        transport=httpx.ASGITransport(app.app),
    )
    await graph.run_hunting_query("DeviceInfo | take 1", "PT1H")
    tools = replace(app.tools, graph=graph.without_retries())
    needs = {need.name: need for need in await check_graph(tools, Identity(app.tenant))}
    await graph.close()

    assert 1 == app.calls("hunt")
    assert needs["hunting quota"].met is None
    assert "HUNTS_PER_MINUTE (1) is used up" in needs["hunting quota"].found


async def test_a_fully_broken_setup_is_answered_without_secrets(around: Surroundings) -> None:
    """All that is broken is named, without the account key, a token or the text of Entra's error."""
    around.identity = Stranger(around.tenant)
    around.store = Store(
        AzureStore("state", account_name="x", endpoint="http://127.0.0.1:1", bearer_token="t")
    )
    key = connection_string("http://127.0.0.1:1")
    answer = await around.check("https://elsewhere.example", HTTP_AUTH="entra", AzureWebJobsStorage=key)
    text = msgspec.json.encode(answer).decode()

    assert {"token", "object store", "queues", "authentication", "address"} <= unmet(answer).keys()
    assert key.split("AccountKey=")[1].split(";")[0] not in text
    assert [] == [token for token in around.tenant.tokens if token in text]
    assert GRAPH not in text


def test_the_deployed_app_answers_200_even_when_unmet(tmp_path: Path) -> None:
    """The body says whether all needs are met, and lists the one that is not."""
    tenant = build_app(devices=40, days=1, life=False, secret=SECRET)
    with served(tenant) as address, hosted(tmp_path, **identity(address)) as http:
        good = http.get("/api/selftest")
        tenant.state.tenant.roles.discard(HUNT)
        bad = http.get("/api/selftest")

    assert (200, True) == (good.status_code, good.json()["met"])
    assert (200, False) == (bad.status_code, bad.json()["met"])
    assert [HUNT] == [need["name"] for need in bad.json()["needs"] if need["met"] is False]
    assert {"name", "met", "found", "mend"} == bad.json()["needs"][0].keys()


def test_an_invalid_workspace_id_stops_the_start() -> None:
    """A SENTINEL_WORKSPACE that is not a resource id is refused when the settings are read."""
    with pytest.raises(settings.SettingsError, match="SENTINEL_WORKSPACE"):
        settings.read_settings({**ENVIRONMENT, "SENTINEL_WORKSPACE": "law-soc"})
