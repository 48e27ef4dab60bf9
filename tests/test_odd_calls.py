"""Odd characters in calls, absurd times and deep bodies end in an answer, a comment, or one run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.tenant import incidents, sentinel
from shared.entities.request import body_digest, parse_enrich
from shared.errors import InvalidRequest
from shared.graph.client import Graph
from shared.model.record import Work
from shared.sentinel.body import parse
from shared.state.runs import run_id
from shared.watch import look
from shared.work import work_on
from tests.support.endings import EXFILTRATION, endings
from tests.support.odd import CESU, DEEP, ESCAPE, HALF, only_empty, through
from tests.support.tenant import Deployment, Fleet


@pytest.mark.fault("A13", before="InvalidRequest: the body is no JSON: Input data was truncated")
async def test_half_a_character_in_a_call_ends_in_an_answer(app: Deployment) -> None:
    """A device's name is hunted as far as it can be written; an address that holds it is refused, with the reason."""
    body = b'{"devices": [{"name": "srv-\\ud83d"}], "incidentId": 4101}'
    work = Work(run_id(""), app.now(), body_digest(body), **parse_enrich(body, app.tools.limits))
    await app.tools.runs.start(work, chosen_key=False)
    await work_on(app.tools, work.run_id)
    done = await app.done(work.run_id)

    assert {"noTelemetry"} == set(endings(done).values())
    assert ["written"] == [comment.status for comment in done.comments]
    with pytest.raises(InvalidRequest, match="is no IP address, URL, domain or file hash"):
        parse_enrich(b'{"indicators": ["https://evil.example/\\ud83d"]}', app.tools.limits)


@pytest.mark.fault("A13", before="InvalidRequest: the body is no JSON: Input data was truncated")
async def test_half_a_character_from_sentinel_ends_in_a_comment(app: Deployment) -> None:
    """It may stand in the title, in an entity of the playbook's body, or in one that Azure sends."""
    source = app.tenant.standalone[0]
    body = sentinel.trigger(app.tenant, source)
    body["object"]["properties"]["title"] = f"Upload {HALF}"
    body["object"]["properties"]["relatedEntities"].append({"kind": "Ip", "properties": {"address": HALF}})
    through(app, b'"hostName": "', b'"azureID": "' + ESCAPE + CESU + b'", "hostName": "')
    raw = json.dumps(body).encode()
    work = Work.for_sentinel(run_id(""), app.now(), body_digest(raw), parse(raw))
    await app.tools.runs.start(work, chosen_key=False)
    await work_on(app.tools, work.run_id)
    done = await app.done(work.run_id)

    assert "completed" == done.status
    assert ["written"] == [comment.status for comment in done.comments]
    assert "Part of the incident could not be read: entities (1)" in done.notes


@pytest.mark.fault("A13", before="RecursionError")
@pytest.mark.parametrize("body", [DEEP, b'{"devices": ' + DEEP + b"}", b'{"object": ' + DEEP + b"}"])
def test_a_body_nested_too_deeply_is_refused(app: Deployment, body: bytes) -> None:
    """It is the caller's mistake (400), not ours (500)."""
    with pytest.raises(InvalidRequest):
        parse_enrich(body, app.tools.limits)
    with pytest.raises(InvalidRequest):
        parse(body)

    assert 64 == len(body_digest(body))


@pytest.mark.fault("A13", before="UnicodeEncodeError: surrogates not allowed")
async def test_a_comment_with_half_a_character_can_be_posted(app: Deployment) -> None:
    """A hunt's own text may hold one: it is written as its escape."""
    graph: Graph = app.tools.graph
    await graph.add_comment(EXFILTRATION, f"odd {HALF}", within=5)

    assert ["odd \\ud83d"] == app.comments(EXFILTRATION)


@pytest.mark.fault("A13", before="OverflowError: date value out of range")
@pytest.mark.parametrize(
    "time",
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
     "0002-01-01T00:00:00", "2026-13-45", 7, None, {}],
)  # fmt: skip
async def test_absurd_times_of_an_incident_end_in_a_comment(app: Deployment, time: Any) -> None:
    """The window of each hunt ends by now and starts before it ends, and the watch goes on."""
    source = app.tenant.incidents[EXFILTRATION]
    for alert in source["alerts"]:
        alert |= {"lastActivityDateTime": time, "createdDateTime": time}
    source |= {"createdDateTime": time}
    done = await app.enrich(incidentId=EXFILTRATION)
    windows = [each.window for each in done.outcomes if each.window]

    assert ["written"] == [comment.status for comment in done.comments]
    assert all(window.start < window.end <= app.now() for window in windows)


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "x", "", 7, {}, None]
)
async def test_an_absurd_last_update_starts_one_run(fleet: Fleet, time: Any) -> None:
    """The watch starts the incident's run once, and the other's, too."""
    app = await only_empty(fleet)
    odd, other = (incidents.generate(app.tenant, severity="low") for _ in range(2))
    # Of two equal keys the later counts: the one that is put behind the id.
    app.tenant.incidents[odd["id"]] = {"lastUpdateDateTime": odd["lastUpdateDateTime"], **odd}
    plain, patched = {"id": odd["id"]}, {"id": odd["id"], "lastUpdateDateTime": time}
    through(app, json.dumps(plain)[1:-1].encode(), json.dumps(patched)[1:-1].encode())
    first, second = await look(app.tools), await look(app.tools)
    started = [(await app.read(run)).work.incident_id for _, run, _ in app.messages]
    await app.close()

    assert (2, 0) == (first.started, second.started)
    assert {odd["id"], other["id"]} == set(started)
