"""What the client of Azure Resource Manager does about a failed call: try again, or raise an error."""

from __future__ import annotations

import pytest
import requests

from shared import retrying
from shared.errors import (
    GraphError,
    NotFound,
    OutriderError,
    PermissionDenied,
    Throttled,
    TimedOut,
    Unavailable,
)
from tests.support.arm_client import Credential, Pause, Script, client_of
from tests.support.sentinel_bodies import ARM_ID


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
async def test_each_status_is_an_error_of_its_own(status: int, expected: type[GraphError]) -> None:
    """It has Azure's words, code and request id, and where they matter the missing role or the wait."""
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
async def test_an_error_without_a_usable_body_keeps_its_kind(body: bytes) -> None:
    """An error that is not in Azure's form is what its status says."""
    with pytest.raises(NotFound, match="Because"):
        await client_of(Script((404, body, {}))).get_incident(ARM_ID)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b"null"])
async def test_an_undocumented_answer_counts_as_an_outage(body: bytes) -> None:
    """Whatever Azure was asked for, the run can wait until it answers as it should."""
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
async def test_only_a_connection_that_broke_is_tried_again(
    failure: Exception, expected: type[OutriderError], calls: int
) -> None:
    """A call that was sent, but not answered in time, is not repeated."""
    script = Script(*(failure,) * 4)
    with pytest.raises(expected):
        await client_of(script).get_incident(ARM_ID)

    assert calls == len(script.asked)


async def test_nothing_is_asked_without_a_token() -> None:
    """The error names the missing token, and is one for which a run waits."""
    script = Script()
    with pytest.raises(Unavailable, match="no token for Azure: ClientAuthenticationError"):
        await client_of(script, Credential(broken=True)).get_incident(ARM_ID)

    assert [] == script.asked


async def test_a_call_is_tried_again_after_a_wait() -> None:
    """It waits as long as Azure says, or else one, two and four seconds."""
    pause = Pause()
    script = Script((429, b"", {"Retry-After": "7"}), (503, b"", {}), (429, b"", {}), (200, {}, {}))

    assert [] == await client_of(script, sleep=pause).get_entities(ARM_ID)
    assert [7, 2, 4] == pause.waits


async def test_a_wait_of_over_30_seconds_is_left_to_the_run() -> None:
    """The call fails at once, and its error holds the number of seconds."""
    pause = Pause()
    with pytest.raises(Throttled) as raised:
        await client_of(Script((429, b"", {"Retry-After": "31"})), sleep=pause).get_entities(ARM_ID)

    assert (31, []) == (raised.value.retry_after, pause.waits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("17", 17), ("2.128", 2.128), ("-3", 0), ("inf", 86_400), ("nan", 0), ("", None), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_read_and_never_endless(text: str, expected: float | None) -> None:
    """It is seconds or a date, and at most one day; what cannot be read is no wait."""
    assert expected == retrying.read_retry_after(text)
