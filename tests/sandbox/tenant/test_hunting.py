"""The local tenant answers hunting queries as Graph does."""

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
    """A client of a tenant in which every planted incident is open."""
    async with Client() as client:
        yield client


@pytest.mark.parametrize("slash", ["/", "//"])
@pytest.mark.parametrize("name", ["runHuntingQuery", "microsoft.graph.security.runHuntingQuery"])
@pytest.mark.parametrize("key", ["Query", "query"])
async def test_a_hunt_runs_at_either_path(client: Client, slash: str, name: str, key: str) -> None:
    """The action's name may be short or full, and the keys of the body may be in either case."""
    answer = await client.post(f"/v1.0{slash}security/{name}", json={key: "DeviceInfo | count"})

    assert [{"Count": 5}] == answer.json()["results"]
    assert [{"name": "Count", "type": "Int64"}] == answer.json()["schema"]


async def test_a_hunt_sees_only_its_timespan(client: Client) -> None:
    """Of five devices that reported a day apart, a Timespan of one day covers two."""
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
def test_every_documented_timespan_form_is_read(text: str, days: tuple[float, float]) -> None:
    """No Timespan goes back more than 30 days."""
    start, end = (moment.replace(microsecond=0) for moment in timespan(text, NOW))

    assert days == ((NOW - start) / timedelta(days=1), (NOW - end) / timedelta(days=1))


@pytest.mark.parametrize("text", ["soon", "P", "P1Y", "P1D/soon"])
async def test_an_unreadable_timespan_is_answered_with_400(client: Client, text: str) -> None:
    """Examples are words, an empty period and a period in years."""
    assert 400 == (await client.hunt(timespan=text)).status_code


async def test_a_bad_query_is_answered_in_graphs_shape(client: Client) -> None:
    """The 400 says what is wrong with the query, and repeats the caller's own request id."""
    answer = await client.post(HUNTING, json={"Query": "Nope"}, headers={"client-request-id": "mine"})

    error = answer.json()["error"]
    assert (400, "BadRequest") == (answer.status_code, error["code"])
    assert "Fix semantic errors in your query." in error["message"]
    assert ({"date", "request-id", "client-request-id"}, "mine") == (
        set(error["innerError"]),
        error["innerError"]["client-request-id"],
    )


async def test_a_hunt_without_the_role_is_answered_with_403() -> None:
    """The message names the role that is required and those that were granted."""
    async with Client(roles=[READ]) as client:
        answer = await client.hunt()

    assert 403 == answer.status_code
    assert (
        f"Missing application roles. API required roles: {HUNT}, application roles: {READ}."
        == answer.json()["error"]["message"]
    )


async def test_more_rows_than_the_limit_are_answered_with_400() -> None:
    """An answer with exactly as many rows as the limit is returned."""
    async with Client(limits=Limits(rows=4)) as client:
        over, within = await client.hunt(), await client.hunt("DeviceInfo | take 4")

    assert (400, 200) == (over.status_code, within.status_code)
    assert "exceeded the allowed result size" in over.json()["error"]["message"]


async def test_an_answer_above_the_size_limit_is_refused() -> None:
    """The message says that the result is larger than allowed."""
    async with Client(limits=Limits(size=1000)) as client:
        answer = await client.hunt()

    assert "exceeded the allowed result size" in answer.json()["error"]["message"]


async def test_calls_beyond_the_quota_are_throttled() -> None:
    """They get 429 with Retry-After until a minute has passed."""
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


async def test_a_call_longer_than_the_limit_is_answered_with_504() -> None:
    """The error's code is UnknownError."""
    async with Client(limits=Limits(seconds=0.05)) as client:
        client.tenant.faults.add(match="hunt", delay=60)
        answer = await client.hunt()

    assert (504, "UnknownError") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_fault_meets_only_matching_queries(client: Client) -> None:
    """It meets as many calls as planned, and only those that contain its text."""
    client.tenant.faults.add(match="hunt", contains="take 2", times=2, status=429, retry_after=900)
    queries = ("DeviceInfo", "DeviceInfo | take 2", "DeviceInfo | take 2", "DeviceInfo | take 2")
    answers = [await client.hunt(query) for query in queries]

    assert [200, 429, 429, 200] == [answer.status_code for answer in answers]
    assert "900" == answers[1].headers["Retry-After"]


async def test_a_spent_cpu_quota_has_a_message_of_its_own(client: Client) -> None:
    """The 429 speaks of processing resources, and comes without Retry-After."""
    client.tenant.faults.add(match="hunt", status=429, cpu=True)
    answer = await client.hunt()

    assert "exceeded processing resources" in answer.json()["error"]["message"]
    assert "Retry-After" not in answer.headers


async def test_a_generated_tenant_contains_its_planted_intrusion() -> None:
    """A hunt for the intruder's address finds the one device that talked to it."""
    app = build_app(devices=40, days=1, life=False, now=NOW)
    token, _ = app.state.tenant.issue()
    query = 'DeviceNetworkEvents | where RemoteIP == "203.0.113.9" | distinct DeviceName'
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.post(HUNTING, json={"query": query}, headers=headers)

    assert [{"DeviceName": "srv-7.contoso.com"}] == answer.json()["results"]


async def test_a_cpu_quota_can_stay_spent_until_a_moment(client: Client) -> None:
    """Until then, by the tenant's clock, every hunt is refused; from then on, hunts work again."""
    until = client.now + timedelta(minutes=15)
    client.tenant.faults.add(match="hunt", status=429, cpu=True, until=until)
    blocked = [(await client.hunt()).status_code for _ in range(3)]
    client.now = until

    assert [429, 429, 429] == blocked
    assert 200 == (await client.hunt()).status_code
    assert [] == client.tenant.faults.plan


async def test_an_answer_can_be_cut_without_notice() -> None:
    """A tenant may cut at exactly so many rows, and nothing in the answer says that there were more."""
    async with Client(limits=Limits(truncate_rows=3)) as client:
        over, within = await client.hunt(), await client.hunt("DeviceInfo | take 2")

    assert (200, 3) == (over.status_code, len(over.json()["results"]))
    assert {"@odata.context", "schema", "results"} == set(over.json())
    assert 2 == len(within.json()["results"])


async def test_a_hunt_over_too_many_rows_times_out() -> None:
    """It is answered with 504, while a narrower hunt works."""
    async with Client(limits=Limits(costly_rows=2)) as client:
        wide, narrow = await client.hunt(), await client.hunt(timespan="P1D")

    assert (504, "UnknownError") == (wide.status_code, wide.json()["error"]["code"])
    assert 200 == narrow.status_code


async def test_a_token_for_resource_manager_is_refused(client: Client) -> None:
    """Graph takes only tokens that were issued for Graph."""
    client.sign_in(ARM)
    answer = await client.hunt()

    assert (401, "InvalidAuthenticationToken") == (answer.status_code, answer.json()["error"]["code"])
