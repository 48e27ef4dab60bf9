"""A sweep asked for over HTTP, on Microsoft's worker library, from the call to the run that is done."""

from __future__ import annotations

import httpx

from sandbox.tenant.state import Tenant
from tests.support.deployed import finished
from tests.support.sweeping import ARCHIVES, SERVERS


def test_swept(http: httpx.Client) -> None:
    """A sweep is taken with 202, and ends with what is new in the fleet."""
    accepted = http.post("/api/sweep", json={"hunts": [SERVERS]})
    run = finished(http, accepted.headers["location"])

    assert (202, "queued") == (accepted.status_code, accepted.json()["status"])
    assert 1 <= int(accepted.headers["retry-after"]) <= 60
    assert ("completed", [(SERVERS, "found")]) == (
        run["status"],
        [(hunt["hunt"], hunt["outcome"]) for hunt in run["hunts"]],
    )
    assert run["verdict"].startswith(f"sweep of 1 hunt: {SERVERS} ")
    assert run["verdict"].endswith("; coverage 100 %")


def test_commented(cloud: tuple[str, Tenant], http: httpx.Client) -> None:
    """What the sweep finds on the device of an open incident is commented there."""
    run = finished(http, http.post("/api/sweep", json={"hunts": [ARCHIVES]}).headers["location"])
    comments = [each["comment"] for each in cloud[1].incidents["4101"]["comments"]]

    assert [("4101", "written")] == [(each["incidentId"], each["status"]) for each in run["comments"]]
    assert any(f"Outrider {run['runId']}" in text for text in comments)


def test_repeated(http: httpx.Client) -> None:
    """The same key is the same sweep; with another body it is refused."""
    key = {"Idempotency-Key": "sweep-1"}
    first, again = (http.post("/api/sweep", json={"hunts": [SERVERS]}, headers=key) for _ in range(2))
    other = http.post("/api/sweep", json={"hunts": [ARCHIVES]}, headers=key)

    assert first.json()["runId"] == again.json()["runId"]
    assert 409 == other.status_code


def test_unknown(http: httpx.Client) -> None:
    """A hunt that does not sweep is refused, and those that do are named."""
    answer = http.post("/api/sweep", json={"hunts": ["device-card"]})

    assert 400 == answer.status_code
    assert answer.json()["error"]["message"].startswith(
        "the hunt device-card has no sweep block; these have one: "
    )
