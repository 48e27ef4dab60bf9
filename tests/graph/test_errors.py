"""What the Graph client does about a refusal: wait, try again, or raise an error that explains it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.errors import (
    BadQuery,
    GraphError,
    NotFound,
    PermissionDenied,
    ResultTooLarge,
    Throttled,
    TimedOut,
    Unavailable,
)
from shared.graph.client import HUNTING_ROLE, INCIDENT_ROLE, Graph
from shared.incident import waiting
from tests.support.line import MONTH, ROWS, Answer, Line, hunt, look, refusal, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOO_LARGE = "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of rows."
PAGE = httpx.Response(502, html="<h1>Bad gateway</h1>", headers={"request-id": "7d1e"})


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry_after": "7"}, [7]),
        ({"retry_after": "2.128"}, [2.128]),
        ({"retry_after": "-1"}, []),
        ({"retry_after": "Tue, 24 Nov 2020 12:00:00 GMT"}, []),
        ({"retry_after": "soon"}, [1]),
        ({}, [1]),
    ],
)
async def test_a_throttled_call_is_made_again_after_retry_after(
    headers: dict[str, str], waits: list[float]
) -> None:
    """It is read as seconds or a date, and where it cannot be read, the call waits one second."""
    line = Line(refusal(429, **headers), ROWS)

    assert ROWS.content == await line.graph().run_hunting_query("A", MONTH)
    assert waits == line.slept


async def test_retry_after_may_be_a_date_in_the_future() -> None:
    """A call that is throttled until 20 seconds from now waits about that long."""
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    line = Line(refusal(429, retry_after=when), ROWS)
    await line.graph().run_hunting_query("A", MONTH)

    assert 18 < line.slept[0] <= 20


async def test_a_wait_of_over_30_seconds_is_left_to_the_caller() -> None:
    """The call fails at once, and its error holds the number of seconds."""
    line = Line(refusal(429, retry_after="31"))
    with pytest.raises(Throttled) as caught:
        await line.graph().run_hunting_query("A", MONTH)

    assert (31, [], 1) == (caught.value.retry_after, line.slept, len(line.requests))


@pytest.mark.parametrize("answer", [refusal(429), refusal(503), httpx.ConnectError("no route")])
async def test_a_failure_that_may_pass_is_tried_four_times(answer: Answer) -> None:
    """Each wait in between is twice as long as the one before."""
    line = Line(answer)
    with pytest.raises((Throttled, Unavailable)):
        await line.graph().run_hunting_query("A", MONTH)

    assert ([1, 2, 4], 4) == (line.slept, len(line.requests))


@pytest.mark.parametrize(
    ("call", "answer", "error", "message"),
    [
        (hunt, refusal(400, "'foo' is unknown"), BadQuery, "'foo' is unknown"),
        (hunt, refusal(400, TOO_LARGE), ResultTooLarge, TOO_LARGE),
        (hunt, refusal(403, "Missing roles"), PermissionDenied, "Missing roles"),
        (hunt, refusal(418, "no"), GraphError, "no"),
        (hunt, refusal(504, "slow"), TimedOut, "slow"),
        (hunt, httpx.ReadTimeout("quiet"), TimedOut, "no answer within 190 s"),
        (look, refusal(404, "no such"), NotFound, "no such"),
        (look, refusal(401, "expired"), Unavailable, "Graph refuses the token: expired"),
        (look, PAGE, Unavailable, "Bad Gateway"),
        (look, httpx.RemoteProtocolError("cut"), Unavailable, "Graph cannot be reached: RemoteProtocolError"),
        (say, refusal(400, "too long"), BadQuery, "too long"),
        (say, refusal(429), Throttled, "Too Many Requests"),
        (say, refusal(503), Unavailable, "Service Unavailable"),
        (say, httpx.ReadTimeout("quiet"), TimedOut, "no answer within 190 s"),
    ],
)  # fmt: skip
async def test_each_refusal_is_an_error_of_its_own(
    call: Callable[[Graph], Awaitable[Any]], answer: Answer, error: type[GraphError], message: str
) -> None:
    """It has Graph's words. What cannot pass is sent only once, and so is any comment."""
    line = Line(answer)
    with pytest.raises(GraphError) as caught:
        await call(line.graph())

    assert (error, message) == (type(caught.value), caught.value.message)
    assert (4 if call is look and error is Unavailable else 1) == len(line.requests)


@pytest.mark.parametrize(
    ("call", "role"), [(hunt, HUNTING_ROLE), (look, INCIDENT_ROLE), (say, INCIDENT_ROLE)]
)
async def test_a_403_names_the_role_that_is_missing(
    call: Callable[[Graph], Awaitable[Any]], role: str
) -> None:
    """Hunting needs one application role; reading and commenting on incidents needs another."""
    with pytest.raises(PermissionDenied) as caught:
        await call(Line(refusal(403)).graph())

    assert role == caught.value.role


@pytest.mark.parametrize(
    ("answer", "facts"), [(refusal(404), (404, "Code", "0f3c")), (PAGE, (502, "", "7d1e"))]
)
async def test_an_error_carries_status_code_and_request_id(
    answer: Answer, facts: tuple[int, str, str]
) -> None:
    """The request id comes from the body of the answer, or else from its header."""
    with pytest.raises(GraphError) as caught:
        await look(Line(answer).graph())

    assert facts == (caught.value.status, caught.value.code, caught.value.request_id)


async def test_a_comment_without_an_answer_is_given_up() -> None:
    """It is not sent again, since Graph may have taken it."""

    class Silence(Line):
        """A line on which no answer ever comes back."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Keep the request, and wait for ever."""
            self.requests.append(request)
            return await asyncio.Future()

    line = Silence()
    with pytest.raises(Unavailable, match="no answer to the comment within 0 s"):
        await line.graph().add_comment("1", "text", within=0.05)

    assert 1 == len(line.requests)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<h1>Maintenance</h1>"),
        httpx.Response(200, content=b'{"id": "1", "comments": ['),
        httpx.Response(302, headers={"location": "https://graph.microsoft.com/v1.0/security/incidents/1"}),
    ],
)
async def test_an_unreadable_incident_is_an_error_of_graph(answer: httpx.Response) -> None:
    """A run waits for such an error to pass; an error of our own would end it."""
    with pytest.raises(GraphError):
        await look(Line(answer).graph())


async def test_an_unreadable_list_of_incidents_is_an_error_of_graph() -> None:
    """As with a single incident, the watch can then try again later."""
    with pytest.raises(GraphError):
        await Line(httpx.Response(200, html="x")).graph().list_incidents(datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize("text", ["inf", "1e999", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_run_waits_a_day_at_most_before_trying_again(text: str) -> None:
    """However long Graph says to wait, even for ever, the run tries again after a day."""
    with pytest.raises(Throttled) as caught:
        await look(Line(refusal(429, retry_after=text)).graph())

    assert timedelta(days=1, seconds=1) >= waiting.wait_for(caught.value).delay
