"""GET /api/selftest: each need broken in turn is the one that is named, with its mend; and nothing is left behind."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.queue import QueueServiceClient
from msgspec.structs import replace
from obstore.store import AzureStore, MemoryStore
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sandbox.queues import QueueService
from sandbox.serve import connection_string, listening
from sandbox.state import GRAPH, HUNT, READ, RESPONDER, WRITE
from sandbox.tenant import build_app
from shared import catalog, queue, selftest, settings
from shared.graph import Graph
from shared.runs import QUEUES, Runs
from shared.store import Store
from tests.deployed import SECRET, hosted, identity, served
from tests.tenant import ENVIRONMENT, Deployment, Fleet, Identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request

    from shared.selftest import Answer
    from shared.tools import Tools

HERE = "http://127.0.0.1:7071/api/selftest"
GUID = "00000000-0000-0000-0000-00000000000a"
WORKSPACE = (
    f"/subscriptions/{GUID}/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc"
)
ALL = (*QUEUES, *(f"{name}{queue.POISON}" for name in QUEUES))


class Stranger(Identity):
    """An identity that Entra knows in no such cloud."""

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Refuse as Entra does."""
        raise ClientAuthenticationError(
            f"AADSTS500011: {scopes[0]} was not found in the tenant named Contoso."
        )


class Abroad(Identity):
    """An identity whose tokens are good for another cloud."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return a token that this Graph does not take."""
        token, expires = self._tenant.issue("https://graph.example")
        return AccessToken(token, int(expires))


class Surroundings:
    """What Outrider needs, all of it met until a test breaks it."""

    def __init__(self, deployment: Deployment, queues: str) -> None:
        self.app = deployment
        self.tenant = deployment.tenant
        self.identity = Identity(deployment.tenant)
        self.environment = {
            **ENVIRONMENT,
            "AzureWebJobsStorage": connection_string(queues),
            "SENTINEL_WORKSPACE": WORKSPACE,
        }
        self.store = Store(MemoryStore())
        self.catalog = deployment.tools.catalog

    async def check(self, reached: str = HERE, **environment: str) -> Answer:
        """Ask for the selftest, in an app with these settings."""
        chosen = settings.read({**self.environment, **environment})
        graph = Graph(chosen, self.identity, transport=httpx.ASGITransport(self.app.app), patience=0)
        runs = Runs(self.store, lambda *_: None)
        tools: Tools = replace(self.app.tools, settings=chosen, graph=graph, runs=runs, catalog=self.catalog)
        try:
            return await selftest.check(tools, self.identity, queue.trial(chosen), reached=reached)
        finally:
            await graph.close()


def unmet(answer: Answer) -> dict[str, str]:
    """Return the needs that are not met, and how to mend them."""
    return {need.name: need.mend for need in answer.needs if need.met is False}


def untold(answer: Answer) -> set[str]:
    """Return the needs of which nothing could be told."""
    return {need.name for need in answer.needs if need.met is None}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A storage account's queue service; gives its address."""
    with closing(QueueService()) as queues, served(queues) as found:
        yield found


@pytest.fixture
async def around(fleet: Fleet, address: str) -> AsyncIterator[Surroundings]:
    """Surroundings in which nothing is missing."""
    deployment = Deployment(fleet)
    found = Surroundings(deployment, address)
    with account(found) as service:
        for name in ALL:
            service.create_queue(name)
        yield found
        for each in service.list_queues():
            service.delete_queue(each)
    await deployment.close()


def account(around: Surroundings) -> QueueServiceClient:
    """Return a client of the queues."""
    return QueueServiceClient.from_connection_string(around.environment["AzureWebJobsStorage"], retry_total=0)


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


@pytest.mark.parametrize(
    ("role", "left", "needs", "mend"),
    [
        (HUNT, {WRITE, RESPONDER}, {HUNT}, f"Grant {HUNT}"),
        (WRITE, {HUNT, READ, RESPONDER}, {f"{WRITE}: commenting"}, f"Grant {WRITE}"),
        (
            WRITE, {HUNT, RESPONDER}, {f"{WRITE}: reading", f"{WRITE}: commenting"}, f"Grant {WRITE}",
        ),
        (RESPONDER, {HUNT, WRITE}, {f"{RESPONDER} on the workspace"}, f"Assign {RESPONDER}"),
    ],
    ids=["hunting", "only reading", "no incidents", "Sentinel"],
)  # fmt: skip
async def test_role(around: Surroundings, role: str, left: set[str], needs: set[str], mend: str) -> None:
    """A missing role is named, with what to grant, and that a day may pass until the grant shows."""
    around.tenant.roles = left
    answer = await around.check()

    assert needs == unmet(answer).keys()
    assert not answer.met
    assert {True} == {
        text.startswith(mend) and "granted less than a day ago" in text for text in unmet(answer).values()
    }
    assert ({"hunts held to devices"} if role == HUNT else set()) == untold(answer)


async def test_throttled(around: Surroundings) -> None:
    """A tenant that throttles is named as that, at once; whether the role is there is left open."""
    around.tenant.faults.add(match="hunt", status=429, retry_after=17, times=9)
    answer = await around.check()
    quota = next(need for need in answer.needs if need.name == "hunting quota")

    assert {"hunting quota"} == unmet(answer).keys()
    assert "Graph throttles this tenant (429), for 17 seconds" == quota.found
    assert "HUNTS_PER_MINUTE" in quota.mend
    assert {HUNT, "hunts held to devices"} == untold(answer)
    assert 1 == around.app.calls("hunt")


async def test_no_token(around: Surroundings) -> None:
    """Without a token nothing of Graph's is told; Entra's code is, and its text is not."""
    around.identity = Stranger(around.tenant)
    answer = await around.check(AZURE_CLOUD="usgov")
    token = answer.needs[0]

    assert {"token"} == unmet(answer).keys()
    assert ("the identity gets no token: AADSTS500011", False) == (token.found, "Contoso" in str(answer))
    assert "AZURE_CLIENT_ID" in token.mend
    assert "AZURE_CLOUD must be the tenant's cloud, and is usgov" in token.mend
    assert 6 == len(untold(answer))


async def test_wrong_cloud(around: Surroundings) -> None:
    """A Graph that does not take the token is another cloud's: the two settings that name a cloud are the mend."""
    around.identity = Abroad(around.tenant)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "AZURE_CLOUD" in unmet(answer)["Microsoft Graph"]
    assert "GRAPH_URL" in unmet(answer)["Microsoft Graph"]
    assert {HUNT, f"{WRITE}: reading", f"{WRITE}: commenting"} < untold(answer)


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}])
async def test_graph_down(around: Surroundings, fault: dict[str, Any]) -> None:
    """Graph failing on its side, or not to be reached, is told apart from a missing right."""
    for kind in ("hunt", "incident", "comment"):
        around.tenant.faults.add(match=kind, times=9, **fault)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "network" in unmet(answer)["Microsoft Graph"]


@pytest.mark.parametrize(
    ("times", "found", "mend"),
    [
        (1, "Graph refuses a hunt held to one device: no shadows", "Open an issue"),
        (2, "Graph refuses `DeviceInfo | take 1`: no shadows", "Hunting needs the tables of Defender"),
    ],
)
async def test_scoping(around: Surroundings, times: int, found: str, mend: str) -> None:
    """A tenant that takes no hunt as Outrider writes it is told apart from one that has no tables at all."""
    body = {"error": {"code": "BadRequest", "message": "no shadows"}}
    around.tenant.faults.add(match="hunt", status=400, body=body, times=times)
    answer = await around.check()

    assert {"hunts held to devices"} == unmet(answer).keys()
    assert [found] == [need.found for need in answer.needs if need.met is False]
    assert unmet(answer)["hunts held to devices"].startswith(mend)


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
    around.catalog = catalog.load(catalog.SHIPPED, tmp_path)
    answer = await around.check()

    assert {"hunts"} == unmet(answer).keys()
    assert next(need.found for need in answer.needs if need.name == "hunts").startswith("mine.yaml: ")


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
        settings.read({**ENVIRONMENT, "SENTINEL_WORKSPACE": "law-soc"})
