"""The local tenant answers as Microsoft's cloud does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.engine import Engine
from sandbox.graph import timespan
from sandbox.intrusions import intrusions
from sandbox.state import HUNT, READ, Limits
from sandbox.tenant import build_app, create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.state import Tenant

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROOT = "/v1.0/security"
HUNTING = f"{ROOT}/runHuntingQuery"
COMMENT = {"@odata.type": "microsoft.graph.security.alertComment", "comment": "Outrider: nothing found"}


class Client(httpx.AsyncClient):
    """Speaks to a tenant in this process, with a token of its."""

    def __init__(self, **options: Any) -> None:
        self.now = NOW
        engine = Engine()
        engine.load("DeviceInfo", [{"Timestamp": NOW - timedelta(days=day)} for day in range(5)])
        self.app = create_app(engine, intrusions(NOW), clock=lambda: self.now, **options)
        self.tenant: Tenant = self.app.state.tenant
        token, _ = self.tenant.issue()
        super().__init__(
            transport=httpx.ASGITransport(self.app),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {token}"},
        )

    async def hunt(self, query: str = "DeviceInfo", timespan: str | None = None) -> httpx.Response:
        """Run *query*."""
        return await self.post(HUNTING, json={"Query": query, "Timespan": timespan})

    async def listed(self, **options: str) -> list[str]:
        """Return the ids of the incidents that match *options*."""
        answer = await self.get(f"{ROOT}/incidents", params={f"${name}": v for name, v in options.items()})
        return [incident["id"] for incident in answer.json()["value"]]


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


@pytest.mark.parametrize("slash", ["/", "//"])
@pytest.mark.parametrize("name", ["runHuntingQuery", "microsoft.graph.security.runHuntingQuery"])
@pytest.mark.parametrize("key", ["Query", "query"])
async def test_hunt(client: Client, slash: str, name: str, key: str) -> None:
    """A hunt is executed at either path, with keys in either case."""
    answer = await client.post(f"/v1.0{slash}security/{name}", json={key: "DeviceInfo | count"})

    assert [{"Count": 5}] == answer.json()["results"]
    assert [{"name": "Count", "type": "Int64"}] == answer.json()["schema"]


async def test_hunt_timespan(client: Client) -> None:
    """A hunt sees what happened in its Timespan and nothing else."""
    assert 2 == len((await client.hunt(timespan="P1D")).json()["results"])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-03-05T12:00:00Z/2026-03-08T12:00:00Z", (5, 2)),
        ("P2D", (2, 0)),
        ("P1DT12H/2026-03-09T00:00:00Z", (3, 1.5)),
        ("2026-03-05T12:00:00.1234567Z/P3D", (5, 2)),
        ("2026-03-05T12:00:00Z", (5, 0)),
        ("P90D", (30, 0)),
    ],
)
def test_timespan_forms(text: str, days: tuple[float, float]) -> None:
    """Every documented form is read, as days before now, and never beyond 30 days."""
    start, end = (moment.replace(microsecond=0) for moment in timespan(text, NOW))

    assert days == ((NOW - start) / timedelta(days=1), (NOW - end) / timedelta(days=1))


@pytest.mark.parametrize("text", ["soon", "P", "P1Y", "P1D/soon"])
async def test_bad_timespan(client: Client, text: str) -> None:
    """A Timespan that cannot be read is the caller's error."""
    assert 400 == (await client.hunt(timespan=text)).status_code


async def test_bad_query(client: Client) -> None:
    """A query that cannot run is a 400 in Graph's shape, with the caller's own request id in it."""
    answer = await client.post(HUNTING, json={"Query": "Nope"}, headers={"client-request-id": "mine"})

    error = answer.json()["error"]
    assert (400, "BadRequest") == (answer.status_code, error["code"])
    assert "Fix semantic errors in your query." in error["message"]
    assert ({"date", "request-id", "client-request-id"}, "mine") == (
        set(error["innerError"]),
        error["innerError"]["client-request-id"],
    )


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer other"}])
async def test_no_token(client: Client, headers: dict[str, str]) -> None:
    """A call without a token that this tenant issued is a 401."""
    assert 401 == (await client.get(f"{ROOT}/incidents", headers=headers)).status_code


async def test_expired_token(client: Client) -> None:
    """A token is good until it expires."""
    token, _ = client.tenant.issue(lifetime=-1)
    answer = await client.get(f"{ROOT}/incidents", headers={"Authorization": f"Bearer {token}"})

    assert "InvalidAuthenticationToken" == answer.json()["error"]["code"]


async def test_missing_role() -> None:
    """Without the role, a hunt is a 403 that names what is required and what was granted."""
    async with Client(roles=[READ]) as client:
        answer = await client.hunt()

    assert 403 == answer.status_code
    assert (
        f"Missing application roles. API required roles: {HUNT}, application roles: {READ}."
        == answer.json()["error"]["message"]
    )


async def test_reading_role() -> None:
    """The reading role reads incidents and cannot comment."""
    async with Client(roles=[READ]) as client:
        read = await client.get(f"{ROOT}/incidents/4101")
        written = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert (200, 403) == (read.status_code, written.status_code)


async def test_too_many_rows() -> None:
    """One row more than the limit is a 400, as many are not."""
    async with Client(limits=Limits(rows=4)) as client:
        over, within = await client.hunt(), await client.hunt("DeviceInfo | take 4")

    assert (400, 200) == (over.status_code, within.status_code)
    assert "exceeded the allowed result size" in over.json()["error"]["message"]


async def test_too_large() -> None:
    """An answer larger than the limit is a 400."""
    async with Client(limits=Limits(size=1000)) as client:
        answer = await client.hunt()

    assert "exceeded the allowed result size" in answer.json()["error"]["message"]


async def test_calls_a_minute() -> None:
    """Calls beyond the quota are 429 with Retry-After, until a minute has passed."""
    async with Client(limits=Limits(calls_per_minute=2)) as client:
        await client.hunt()
        client.now += timedelta(seconds=20)
        answers = [await client.hunt(), await client.hunt()]
        client.now += timedelta(seconds=40)
        later = await client.hunt()

    assert [200, 429] == [answer.status_code for answer in answers]
    assert "40" == answers[1].headers["Retry-After"]
    assert ("TooManyRequests", "429") == (
        answers[1].json()["error"]["code"],
        answers[1].json()["error"]["innerError"]["code"],
    )
    assert 200 == later.status_code


async def test_time_out() -> None:
    """A call longer than the limit is answered 504."""
    async with Client(limits=Limits(seconds=0.05)) as client:
        client.tenant.faults.add(match="hunt", delay=60)
        answer = await client.hunt()

    assert (504, "UnknownError") == (answer.status_code, answer.json()["error"]["code"])


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
    ],
)
async def test_filter(client: Client, text: str, expected: list[str]) -> None:
    """Times, severity and status filter, also together."""
    assert expected == await client.listed(filter=text)


@pytest.mark.parametrize(
    "query",
    [
        "$filter=title eq 'x'", "$filter=severity gt 'low'", "$filter=createdDateTime ge soon", "$top=x",
        "$filter=status eq 'active' or severity eq 'high'", "$orderby=id", "$select=id", "$expand=comments",
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


async def test_fault_for_some_queries(client: Client) -> None:
    """A fault meets as many calls as it says, and only those that contain its text."""
    client.tenant.faults.add(match="hunt", contains="take 2", times=2, status=429, retry_after=900)
    queries = ("DeviceInfo", "DeviceInfo | take 2", "DeviceInfo | take 2", "DeviceInfo | take 2")
    answers = [await client.hunt(query) for query in queries]

    assert [200, 429, 429, 200] == [answer.status_code for answer in answers]
    assert "900" == answers[1].headers["Retry-After"]


async def test_cpu_quota(client: Client) -> None:
    """A spent CPU quota is a 429 of its own words, without Retry-After unless one is given."""
    client.tenant.faults.add(match="hunt", status=429, cpu=True)
    answer = await client.hunt()

    assert "exceeded processing resources" in answer.json()["error"]["message"]
    assert "Retry-After" not in answer.headers


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


async def test_comment_accepted_then_failed(client: Client) -> None:
    """A comment can be stored and answered 503 all the same."""
    client.tenant.faults.add(match="comment", accept_then=503)
    answer = await client.post(f"{ROOT}/incidents/4101/comments", json=COMMENT)

    assert 503 == answer.status_code
    assert 1 == len(client.tenant.incidents["4101"]["comments"])


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


async def test_whole_tenant() -> None:
    """A tenant made up as a whole finds its planted intrusion."""
    app = build_app(devices=40, days=1, now=NOW)
    token, _ = app.state.tenant.issue()
    query = 'DeviceNetworkEvents | where RemoteIP == "203.0.113.9" | distinct DeviceName'
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.post(HUNTING, json={"query": query}, headers=headers)

    assert [{"DeviceName": "srv-7.contoso.com"}] == answer.json()["results"]
