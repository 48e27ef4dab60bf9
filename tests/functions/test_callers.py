"""Who may call the app, and whose an idempotency key is, where App Service authentication signs callers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import callers
from tests.support.callers import HANDLERS
from tests.support.openapi import operations
from tests.support.sweeping import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = {"devices": ["srv-7"], "comment": False}


@pytest.fixture(params=["entra"])
def platform(address: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of an app whose callers App Service authentication signs in, or who send a function key."""
    with callers.platform(address, request.param, monkeypatch):
        yield


async def call(operation: str, principal: str = "", key: str = "", body: Any = None) -> tuple[int, str]:
    """Call a function as the platform does for *principal*; return the status, and the run it names, if any."""
    headers = callers.principal(principal, **({"idempotency-key": key} if key else {}))
    answer = await callers.ask(operation, headers, body)
    return answer.status_code, callers.said(answer).get("runId", "")


@pytest.mark.fault("C", before="with _check_caller removed, no test failed")
@pytest.mark.usefixtures("platform")
async def test_every_call_without_a_principal_is_answered_with_401() -> None:
    """All calls of the OpenAPI file are tried, and the page's; with a principal, they are answered."""
    refused = {operation: (await call(operation))[0] for operation in HANDLERS}
    status, _ = await call("GET /api/hunts", "analyst")

    assert set(operations()) <= set(HANDLERS)
    assert dict.fromkeys(HANDLERS, 401) == refused
    assert 200 == status


@pytest.mark.fault("A27", before="assert (202, 202) == (202, 409)")
@pytest.mark.usefixtures("platform")
async def test_a_signed_in_callers_key_is_its_own() -> None:
    """Another caller's same key, with another body, is neither refused nor answered with the first one's run."""
    mine = await call("POST /api/enrich", "analyst", "monday", BODY)
    theirs = await call("POST /api/enrich", "playbook", "monday", {**BODY, "devices": ["srv-3"]})
    again = await call("POST /api/enrich", "analyst", "monday", BODY)

    assert (202, 202) == (mine[0], theirs[0])
    assert mine == again != theirs


@pytest.mark.parametrize("platform", ["key"], indirect=True)
@pytest.mark.usefixtures("platform")
async def test_callers_with_a_function_key_share_their_keys() -> None:
    """There, a principal is what the caller says, and does not count."""
    answers = {await call("POST /api/enrich", name, "shared", BODY) for name in ("one", "other", "")}

    assert 1 == len(answers)


@pytest.mark.fault("A27", before="assert (202, 202) == (202, 409)")
@pytest.mark.usefixtures("platform")
async def test_a_key_of_one_call_is_not_that_of_another() -> None:
    """A sweep with the key of an enrichment is a run of its own."""
    enriched = await call("POST /api/enrich", "analyst", "both", BODY)
    swept = await call("POST /api/sweep", "analyst", "both", {"hunts": [SERVERS]})

    assert (202, 202) == (enriched[0], swept[0])
    assert enriched[1] != swept[1]
