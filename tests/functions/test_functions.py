"""The whole app on Microsoft's worker library, called over HTTP and queues, against the local tenant."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.pages.layout import STYLE_HASH
from shared.version import VERSION
from tests.support.callers import JSON
from tests.support.deployed import KEY, finished
from tests.support.hunt_files import six_hunts

if TYPE_CHECKING:
    from sandbox.tenant.state import Tenant

ROOT = Path(__file__).parents[2]
INCIDENT = "4101"
HUNT = "archive-then-upload"


@pytest.fixture(scope="module")
def accepted(http: httpx.Client) -> httpx.Response:
    """The answer to a request for an incident's enrichment."""
    return http.post("/api/enrich", json={"incidentId": INCIDENT})


@pytest.fixture(scope="module")
def run(http: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """The run that this request started, once it is done."""
    return finished(http, accepted.headers["location"])


def test_an_enrichment_is_accepted_with_202(http: httpx.Client, accepted: httpx.Response) -> None:
    """The answer names the run, the address to look for it, and after how many seconds to look."""
    run_id = accepted.json()["runId"]

    assert (202, "queued") == (accepted.status_code, accepted.json()["status"])
    assert f"{http.base_url}/api/runs/{run_id}" == accepted.headers["location"]
    assert 1 <= int(accepted.headers["retry-after"]) <= 60
    assert "no-store" == accepted.headers["cache-control"]


def test_a_done_run_lists_every_outcome_and_its_comment(run: dict[str, Any]) -> None:
    """A completed run says how each hunt ended, and that its comment was written."""
    outcomes = {hunt["hunt"]: hunt["outcome"] for hunt in run["hunts"]}

    assert "completed" == run["status"]
    assert "found" == outcomes[HUNT]
    assert {"found", "nothingFound", "notApplicable", "noTelemetry"} >= set(outcomes.values())
    assert [{"incidentId": INCIDENT, "status": "written", "reason": ""}] == run["comments"]
    assert datetime.fromisoformat(run["requested"]) <= datetime.fromisoformat(run["finished"])


def test_the_comment_starts_with_the_verdict_without_secrets(
    cloud: tuple[str, Tenant], run: dict[str, Any]
) -> None:
    """
    The incident has one comment of the run; it contains neither the key nor a password from a command line.
    """
    comments = [each["comment"] for each in cloud[1].incidents[INCIDENT]["comments"]]
    ours = [text for text in comments if f"Outrider {run['runId']}" in text.split("\n")[-1]]

    assert 1 == len(ours)
    assert ours[0].startswith(f"Outrider: {run['verdict']}\n")
    assert "Winter2024" not in ours[0]
    assert KEY not in ours[0]


def test_findings_are_the_same_as_json_and_csv(http: httpx.Client, run: dict[str, Any]) -> None:
    """Both formats have the same columns and the same number of rows, and neither contains a secret."""
    where = f"/api/runs/{run['runId']}/findings"
    body = http.get(where, params={"hunt": HUNT}).json()
    answer = http.get(where, params={"hunt": HUNT, "format": "csv"})
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))

    assert (HUNT, False) == (body["hunt"], body["more"])
    assert body["columns"] == head
    assert len(body["rows"]) == len(rows) >= 1
    assert answer.headers["content-type"].startswith("text/csv")
    assert f'attachment; filename="{run["runId"][:8]}-{HUNT}.csv"' == answer.headers["content-disposition"]
    assert "Winter2024" not in answer.text + str(body)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, f"this run has rows of .*{HUNT}"),
        ({"hunt": "no-such-hunt"}, f"hunt='no-such-hunt': this run has rows of .*{HUNT}"),
        ({"hunt": HUNT, "format": "xml"}, "give csv or json"),
    ],
)
def test_a_wrong_findings_query_is_answered_with_the_choices(
    http: httpx.Client, run: dict[str, Any], query: dict[str, str], message: str
) -> None:
    """Without a hunt, or with an unknown hunt or format, the 400 says what can be asked for."""
    answer = http.get(f"/api/runs/{run['runId']}/findings", params=query)

    assert 400 == answer.status_code
    assert re.search(message, answer.json()["error"]["message"])


def test_the_report_page_loads_only_its_own_style(http: httpx.Client, run: dict[str, Any]) -> None:
    """It contains no script, and once the run is done it does not reload itself."""
    answer = http.get(f"/api/runs/{run['runId']}/report")
    policy = answer.headers["content-security-policy"]

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert policy.startswith(f"default-src 'none'; style-src {STYLE_HASH};")
    assert ("nosniff", "no-referrer") == (
        answer.headers["x-content-type-options"],
        answer.headers["referrer-policy"],
    )
    assert "<script" not in answer.text
    assert 'http-equiv="refresh"' not in answer.text
    assert run["runId"] in answer.text


def test_the_catalogue_lists_every_hunt(http: httpx.Client) -> None:
    """It has the hunts in the order in which they are loaded, and none of their files is broken."""
    body = http.get("/api/hunts").json()

    assert [*six_hunts().by_name] == [hunt["hunt"] for hunt in body["hunts"]]
    assert [] == body["broken"]


def test_the_app_is_healthy_when_every_hunt_loads(http: httpx.Client) -> None:
    """GET /api/health also says that comments are on, no hunt file is broken, and the watch is switched off."""
    body = http.get("/api/health").json()

    assert ("healthy", "on", []) == (body["status"], body["comments"], body["broken"])
    assert [] == body["notices"]
    assert VERSION == body["version"]
    assert ("off", None) == (body["watch"]["status"], body["watch"]["looked"])


def test_a_call_without_the_key_is_answered_with_401(http: httpx.Client) -> None:
    """This holds for GET and POST, and for a run that does not exist."""
    answers = [
        httpx.request(method, f"{http.base_url}/api/{path}").status_code
        for method, path in (
            ("POST", "enrich"),
            ("GET", "hunts"),
            ("GET", "runs/1"),
            ("GET", "runs/1/report"),
        )
    ]

    assert [401] * 4 == answers


def test_a_key_in_the_query_is_repeated_in_location(http: httpx.Client) -> None:
    """A caller who has the key in the address can follow Location as it is."""
    body = {"devices": ["no-such-device"], "comment": False}
    answer = httpx.post(f"{http.base_url}/api/enrich", params={"code": KEY}, json=body)

    assert answer.headers["location"].endswith(f"/api/runs/{answer.json()['runId']}?code={KEY}")
    assert httpx.get(answer.headers["location"]).status_code in (200, 202)


def test_the_same_idempotency_key_is_the_same_run(http: httpx.Client) -> None:
    """The spacing of the body does not matter; with another body, the key is refused with 409."""
    headers = {"Idempotency-Key": "callout 7", **JSON}
    bodies = (
        b'{"devices": ["srv-7"], "comment": false}',
        b'{"comment":false,"devices":["srv-7"]}',
        b'{"devices": ["srv-3"]}',
    )

    first, second, other = (http.post("/api/enrich", content=body, headers=headers) for body in bodies)

    assert (202, 202, 409) == (first.status_code, second.status_code, other.status_code)
    assert first.json()["runId"] == second.json()["runId"]
    assert "IdempotencyKeyReused" == other.json()["error"]["code"]


def test_a_run_without_an_incident_comments_nowhere(http: httpx.Client) -> None:
    """It runs the hunts that the caller names, on the devices that the caller names."""
    answer = http.post("/api/enrich", json={"devices": ["srv-7"], "hunts": [HUNT]})

    run = finished(http, answer.headers["location"])

    assert ("completed", []) == (run["status"], run["comments"])
    assert [HUNT] == [hunt["hunt"] for hunt in run["hunts"]]


@pytest.mark.parametrize("path", ["", "/findings", "/report"])
@pytest.mark.parametrize("run_id", ["0" * 32, "x", "..%2F..%2Fetc"])
def test_an_unknown_run_is_answered_with_404(http: httpx.Client, run_id: str, path: str) -> None:
    """
    So are its findings and its report, and ids that are malformed or point outside of the state's folder.
    """
    assert 404 == http.get(f"/api/runs/{run_id}{path}").status_code


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty: send a JSON object"),
        (b"[]", "the body does not fit: Expected `object`, got `array`"),
        (
            b'{"incidentId": "abc"}',
            "incidentId 'abc' is no Defender incident's number, as in the address of its page",
        ),
        (b'{"devices": ["srv-7"], "hunts": ["x"]}', "there is no hunt 'x'; there are "),
    ],
)
def test_a_bad_body_is_answered_with_400(http: httpx.Client, body: bytes, message: str) -> None:
    """The error has the shape of Graph's errors, and its message says what to change."""
    answer = http.post("/api/enrich", content=body, headers=JSON)

    assert (400, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert "InvalidRequest" == answer.json()["error"]["code"]
    assert answer.json()["error"]["message"].startswith(message)


def test_every_problem_in_a_body_is_a_detail(http: httpx.Client) -> None:
    """The message counts the problems, and the details list them one by one."""
    error = http.post("/api/enrich", json={"incidentId": "abc", "lookback": "P31D"}).json()["error"]

    assert "2 problems in the body" == error["message"]
    assert ["InvalidRequest"] * 2 == [detail["code"] for detail in error["details"]]


def test_a_run_for_a_missing_incident_fails(http: httpx.Client) -> None:
    """The run's reason says that the incident cannot be read."""
    answer = http.post("/api/enrich", json={"incidentId": 999_999})

    run = finished(http, answer.headers["location"])

    assert "failed" == run["status"]
    assert "incident 999999 cannot be read" in run["reason"]
