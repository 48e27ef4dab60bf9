"""Hunts in the local tenant are answered as Graph answers them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.tenant.app import build_app
from sandbox.tenant.filters import timespan
from sandbox.tenant.state import HUNT, READ, Limits
from tests.support.tenant_client import ARM, HUNTING, NOW, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a tenant where every planted incident is open."""
    async with Client() as client:
        yield client


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


async def test_missing_role() -> None:
    """Without the role, a hunt is a 403 that names what is required and what was granted."""
    async with Client(roles=[READ]) as client:
        answer = await client.hunt()

    assert 403 == answer.status_code
    assert (
        f"Missing application roles. API required roles: {HUNT}, application roles: {READ}."
        == answer.json()["error"]["message"]
    )


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


async def test_whole_tenant() -> None:
    """A tenant made up as a whole finds its planted intrusion."""
    app = build_app(devices=40, days=1, now=NOW)
    token, _ = app.state.tenant.issue()
    query = 'DeviceNetworkEvents | where RemoteIP == "203.0.113.9" | distinct DeviceName'
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.post(HUNTING, json={"query": query}, headers=headers)

    assert [{"DeviceName": "srv-7.contoso.com"}] == answer.json()["results"]


async def test_cpu_quota_for_a_while(client: Client) -> None:
    """A CPU quota can stay spent until a moment of the tenant's clock, however often it is asked."""
    until = client.now + timedelta(minutes=15)
    client.tenant.faults.add(match="hunt", status=429, cpu=True, until=until)
    blocked = [(await client.hunt()).status_code for _ in range(3)]
    client.now = until

    assert [429, 429, 429] == blocked
    assert 200 == (await client.hunt()).status_code
    assert [] == client.tenant.faults.plan


async def test_silently_cut() -> None:
    """A tenant may cut an answer at exactly so many rows, and say nothing."""
    async with Client(limits=Limits(truncate_rows=3)) as client:
        over, within = await client.hunt(), await client.hunt("DeviceInfo | take 2")

    assert (200, 3) == (over.status_code, len(over.json()["results"]))
    assert {"@odata.context", "schema", "results"} == set(over.json())
    assert 2 == len(within.json()["results"])


async def test_too_costly() -> None:
    """A hunt over more rows than a tenant is said to manage in time is a 504, a narrower one is answered."""
    async with Client(limits=Limits(costly_rows=2)) as client:
        wide, narrow = await client.hunt(), await client.hunt(timespan="P1D")

    assert (504, "UnknownError") == (wide.status_code, wide.json()["error"]["code"])
    assert 200 == narrow.status_code


async def test_other_audience(client: Client) -> None:
    """A token for Resource Manager is none for Graph."""
    client.sign_in(ARM)
    answer = await client.hunt()

    assert (401, "InvalidAuthenticationToken") == (answer.status_code, answer.json()["error"]["code"])
