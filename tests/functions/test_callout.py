"""A Logic App's action calls the app: whatever fails on the way, there is one run and one comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.host.serve import connection_string
from sandbox.tenant.app import build_app
from sandbox.tenant.incidents import generate
from sandbox.tenant.state import Limits
from tests.support.deployed import KEY, SECRET, hosted, identity, served
from tests.support.gateway import Failure, Gateway
from tests.support.logic_app import HttpAction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from sandbox.tenant.state import Tenant

HUNT = "archive-then-upload"
POST, GET = ("POST", "/api/enrich"), ("GET", "/api/runs/[0-9a-f]{32}")
QUEUE = ("POST", "/devstoreaccount1/urgent/messages")


class Callouts:
    """The app behind a gateway that can fail, and what the calls to it led to."""

    def __init__(self, address: str, gateway: Gateway, tenant: Tenant, state: Path) -> None:
        self.url = f"{address}/api/enrich"
        self.address = address
        self.gateway = gateway
        self.tenant = tenant
        self._state = state

    def incident(self) -> str:
        """Open an incident that no run was started for yet, and return its id."""
        return str(generate(self.tenant)["id"])

    def runs(self) -> set[str]:
        """Return the ids of all runs so far, but for their late looks."""
        requests = self._state.glob("runs/*/request")
        return {file.parent.name for file in requests if b'"source":"late"' not in file.read_bytes()}

    def comments(self, incident: str) -> list[str]:
        """Return the texts of an incident's comments."""
        return [comment["comment"] for comment in self.tenant.incidents[incident]["comments"]]


@pytest.fixture(scope="module")
def callouts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callouts]:
    """The app on the local host, with a gateway between it and its callers, and between it and its queues."""
    cloud = build_app(devices=40, days=1, life=False, secret=SECRET, limits=Limits(calls_per_minute=None))
    gateway, folder = Gateway(), tmp_path_factory.mktemp("callouts")
    with served(cloud) as tenant, served(gateway) as address:
        settings = {"PUBLIC_URL": address, "AzureWebJobsStorage": connection_string(address)}
        with hosted(folder, **identity(tenant), **settings, HUNTS_PER_MINUTE="1000") as app:
            gateway.target = str(app.base_url).rstrip("/")
            yield Callouts(address, gateway, cloud.state.tenant, folder / "state")


@pytest.fixture
def action() -> HttpAction:
    """An HTTP action that sends the function key in a header."""
    return HttpAction({"x-functions-key": KEY})


def call(callouts: Callouts, action: HttpAction, incident: str, query: str = "") -> httpx.Response:
    """
    Let *action* ask for an incident's enrichment, with one hunt to save time, and return the last answer.
    """
    return action.post(f"{callouts.url}{query}", {"incidentId": incident, "hunts": [HUNT]})


def test_an_action_polls_its_run_until_it_is_completed(callouts: Callouts, action: HttpAction) -> None:
    """The 202 says where to look and when; the action polls there until the run has written its comment."""
    incident, before = callouts.incident(), callouts.runs()

    answer = call(callouts, action, incident)
    run = answer.json()
    first, *polls = action.calls

    assert (200, "completed") == (answer.status_code, run["status"])
    assert ("POST", 202) == (first.method, first.status)
    assert polls
    assert {f"{callouts.address}/api/runs/{run['runId']}"} == {poll.url for poll in polls}
    assert all(1 <= poll.waited <= 20 for poll in polls)
    assert {run["runId"]} == callouts.runs() - before
    assert [{"incidentId": incident, "status": "written", "reason": ""}] == run["comments"]
    assert 1 == len(callouts.comments(incident))


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([Failure(*POST, 504, "answer")], id="the answer is lost"),
        pytest.param([Failure(*POST, lose="connection")] * 3, id="the connection breaks three times"),
        pytest.param([Failure(*POST, 429, retry_after="7")], id="too many calls"),
        pytest.param([Failure(*POST, 408), Failure(*POST, 502, "answer")], id="out of time, then lost"),
        pytest.param([Failure(*QUEUE, 403)], id="the queue refuses"),
        pytest.param(
            [Failure(*QUEUE, 403), Failure(*POST, 504, "answer")],
            id="the queue refuses, and the answer is lost",
        ),
        pytest.param([Failure(*GET, status) for status in (429, 500, 502, 503)], id="polls fail"),
        pytest.param([Failure(*GET, lose="connection")] * 4, id="polls break"),
    ],
)
def test_failed_or_lost_calls_still_lead_to_one_run(
    callouts: Callouts, action: HttpAction, failures: list[Failure]
) -> None:
    """Calls that fail, or whose answers are lost, are retried and lead to the same run, with one comment."""
    incident, before = callouts.incident(), callouts.runs()
    callouts.gateway.failures += failures

    answer = call(callouts, action, incident)

    assert [] == callouts.gateway.failures
    assert any(made.status not in (200, 202) for made in action.calls)
    assert (200, "completed") == (answer.status_code, answer.json()["status"])
    assert {answer.json()["runId"]} == callouts.runs() - before
    assert "written" == answer.json()["comments"][0]["status"]
    assert 1 == len(callouts.comments(incident))


def test_a_run_that_cannot_be_queued_is_answered_with_503(callouts: Callouts, action: HttpAction) -> None:
    """The answer says when to try again, and the second attempt, 5 seconds later, is accepted."""
    incident = callouts.incident()
    callouts.gateway.failures.append(Failure(*QUEUE, 403))

    call(callouts, action, incident)

    assert [("POST", 503, 0.0), ("POST", 202, 5.0)] == [
        (c.method, c.status, c.waited) for c in action.calls[:2]
    ]


def test_a_run_completes_even_if_its_caller_gives_up(callouts: Callouts, action: HttpAction) -> None:
    """A later call starts a second run, which finds the comment of the first and adds none."""
    incident, before = callouts.incident(), callouts.runs()
    callouts.gateway.failures += [Failure(*POST, 504, "answer")] * 5
    answer = call(callouts, action, incident)

    again = call(callouts, HttpAction({"x-functions-key": KEY}), incident).json()

    assert (504, 5) == (answer.status_code, len(action.calls))
    assert 2 == len(callouts.runs() - before)
    assert ["alreadyThere"] == [comment["status"] for comment in again["comments"]]
    assert 1 == len(callouts.comments(incident))


def test_a_key_in_the_query_is_repeated_in_location(callouts: Callouts) -> None:
    """
    An action whose only key is in the address finds it in Location; without it, its polls would be refused.
    """
    incident, action = callouts.incident(), HttpAction()
    callouts.gateway.failures.append(Failure(*POST, 504, "answer"))

    answer = call(callouts, action, incident, f"?code={KEY}")

    assert (200, "completed") == (answer.status_code, answer.json()["status"])
    assert all(c.url.endswith(f"?code={KEY}") for c in action.calls)
    assert KEY not in answer.text
    assert 1 == len(callouts.comments(incident))


def test_a_call_without_a_key_starts_no_run(callouts: Callouts) -> None:
    """It is refused with 401 at once, and the action does not try again."""
    before, action = callouts.runs(), HttpAction()

    answer = call(callouts, action, "4101")

    assert (401, 1) == (answer.status_code, len(action.calls))
    assert before == callouts.runs()
