"""A sweep that is started over HTTP, on Microsoft's worker library, until the run is done."""

from __future__ import annotations

import httpx

from sandbox.tenant.state import Tenant
from tests.support.deployed import finished
from tests.support.sweeping import ARCHIVES, SERVERS


def test_a_sweep_is_accepted_and_finds_what_is_new(http: httpx.Client) -> None:
    """It is accepted with 202; the verdict names the hunt and says that all of the fleet was covered."""
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


def test_a_sweep_comments_on_a_devices_open_incident(cloud: tuple[str, Tenant], http: httpx.Client) -> None:
    """What it finds on the device of incident 4101 is written there, with the run's id."""
    run = finished(http, http.post("/api/sweep", json={"hunts": [ARCHIVES]}).headers["location"])
    comments = [each["comment"] for each in cloud[1].incidents["4101"]["comments"]]

    assert [("4101", "written")] == [(each["incidentId"], each["status"]) for each in run["comments"]]
    assert any(f"Outrider {run['runId']}" in text for text in comments)


def test_the_same_idempotency_key_is_the_same_sweep(http: httpx.Client) -> None:
    """With another body, the key is refused with 409."""
    key = {"Idempotency-Key": "sweep-1"}
    first, again = (http.post("/api/sweep", json={"hunts": [SERVERS]}, headers=key) for _ in range(2))
    other = http.post("/api/sweep", json={"hunts": [ARCHIVES]}, headers=key)

    assert first.json()["runId"] == again.json()["runId"]
    assert 409 == other.status_code


def test_a_hunt_without_a_sweep_block_is_refused(http: httpx.Client) -> None:
    """The message names the hunts that have one."""
    answer = http.post("/api/sweep", json={"hunts": ["device-card"]})

    assert 400 == answer.status_code
    assert answer.json()["error"]["message"].startswith(
        "the hunt device-card has no sweep block; these have a sweep block: "
    )
