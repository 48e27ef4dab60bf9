"""GET /api/selftest: each need broken in turn is the one that is named, with its mend; and nothing is left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from obstore.store import AzureStore
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sandbox.host.serve import connection_string, listening
from sandbox.tenant.app import build_app
from sandbox.tenant.state import GRAPH, HUNT, RESPONDER, WRITE
from shared import settings
from shared.catalog.load import SHIPPED, load_hunts
from shared.state.objects import Store
from tests.support.deployed import SECRET, hosted, identity, served
from tests.support.tenant import ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

from tests.support.surroundings import ALL, Stranger, Surroundings, account, unmet, untold


async def test_all_met(around: Surroundings) -> None:
    """Where nothing is missing every need is met, and none needs mending."""
    answer = await around.check()

    assert ({}, set()) == (unmet(answer), untold(answer))
    assert answer.met
    assert [""] * len(answer.needs) == [need.mend for need in answer.needs]
    assert [
        "token", "Microsoft Graph", HUNT, f"{WRITE}: reading", f"{WRITE}: commenting", "hunting quota",
        "hunts held to devices", "object store", "queues", "clock", f"{RESPONDER} on the workspace", "hunts",
        "authentication", "address",
    ] == [need.name for need in answer.needs]  # fmt: skip


async def test_nothing_left(around: Surroundings) -> None:
    """However often it is asked, it leaves no comment and no message, and one object in the store."""
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
    assert ["selftest/last"] == await around.store.keys("")


async def test_cheap(around: Surroundings) -> None:
    """One hunting query is all that it takes of the quota."""
    await around.check()

    assert 1 == around.app.calls("hunt")


async def test_read_only_store(around: Surroundings) -> None:
    """A store that can be read but not written to is named, with the role that writing needs."""

    async def answer(request: Request) -> Response:
        """Be a store that lists what it has and takes nothing."""
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


async def test_queue_missing(around: Surroundings) -> None:
    """A queue that is not there is named; a poison queue too."""
    with account(around) as service:
        service.delete_queue("runs")
        service.delete_queue("urgent-poison")
    answer = await around.check()

    assert {"queues"} == unmet(answer).keys()
    assert ["runs: QueueNotFound; urgent-poison: QueueNotFound"] == [
        need.found for need in answer.needs if need.met is False
    ]


async def test_queues_unreachable(around: Surroundings) -> None:
    """A queue service that does not answer is named; what its clock says is then left open."""
    with listening() as sock:
        nobody = f"http://127.0.0.1:{sock.getsockname()[1]}"
    answer = await around.check(AzureWebJobsStorage=connection_string(nobody))

    assert {"queues"} == unmet(answer).keys()
    assert {"clock"} == untold(answer)


async def test_clock(around: Surroundings) -> None:
    """A clock that goes wrong is named."""
    around.app.ahead = timedelta(minutes=10)
    answer = await around.check()

    assert {"clock"} == unmet(answer).keys()


async def test_broken_hunt(around: Surroundings, tmp_path: Path) -> None:
    """A hunt file that cannot be used is named with what is wrong in it."""
    (tmp_path / "mine.yaml").write_text("id: x\n")
    around.catalog = load_hunts(SHIPPED, tmp_path)
    answer = await around.check()

    assert {"hunts"} == unmet(answer).keys()
    assert next(need.found for need in answer.needs if need.name == "hunts").startswith("mine.yaml:1:")


async def test_authentication_off(around: Surroundings) -> None:
    """Entra asked for, with nobody to sign callers in, is named; with somebody it is met."""
    off = await around.check(HTTP_AUTH="entra")
    on = await around.check(HTTP_AUTH="entra", WEBSITE_AUTH_ENABLED="True")

    assert {"authentication"} == unmet(off).keys()
    assert "HTTP_AUTH=key" in unmet(off)["authentication"]
    assert {} == unmet(on)


async def test_other_address(around: Surroundings) -> None:
    """Who comes by another address than links begin with is told to set PUBLIC_URL; once that is set it counts."""
    answer = await around.check("https://hunt.contoso.com/api/selftest")
    chosen = await around.check(
        "https://hunt.contoso.com/api/selftest", PUBLIC_URL="https://hunt.contoso.com"
    )

    assert {"address"} == unmet(answer).keys()
    assert "PUBLIC_URL" in unmet(answer)["address"]
    assert {} == unmet(chosen)


async def test_no_sentinel(around: Surroundings) -> None:
    """Where no workspace is configured Sentinel is no need."""
    around.tenant.roles.discard(RESPONDER)
    answer = await around.check(SENTINEL_WORKSPACE="")

    assert answer.met
    assert not any("Sentinel" in need.name for need in answer.needs)


async def test_everything_broken(around: Surroundings) -> None:
    """With everything broken at once it still answers, and says no secret and no token."""
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


def test_http(tmp_path: Path) -> None:
    """The app as it is deployed answers 200 with what it found, also where a need is not met."""
    tenant = build_app(devices=40, days=1, secret=SECRET)
    with served(tenant) as address, hosted(tmp_path, **identity(address)) as http:
        good = http.get("/api/selftest")
        tenant.state.tenant.roles.discard(HUNT)
        bad = http.get("/api/selftest")

    assert (200, True) == (good.status_code, good.json()["met"])
    assert (200, False) == (bad.status_code, bad.json()["met"])
    assert [HUNT] == [need["name"] for need in bad.json()["needs"] if need["met"] is False]
    assert {"name", "met", "found", "mend"} == bad.json()["needs"][0].keys()


def test_workspace() -> None:
    """A workspace that is no resource id stops the start."""
    with pytest.raises(settings.SettingsError, match="SENTINEL_WORKSPACE"):
        settings.read_settings({**ENVIRONMENT, "SENTINEL_WORKSPACE": "law-soc"})
