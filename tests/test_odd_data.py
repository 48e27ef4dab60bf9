"""Odd characters, broken items and wrong types hold up no incident: the others, and the odd one, get their runs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.tenant import incidents
from shared.watch import look
from shared.work import work_on
from tests.support.endings import EXFILTRATION, endings, outcome
from tests.support.odd import CESU, DEEP, ESCAPE, HALF, HUGE, only_empty, through
from tests.support.tenant import Deployment, Fleet


def set_title(incident: dict[str, Any]) -> None:
    """Put half a character into an incident's title."""
    incident["displayName"] = f"Upload {HALF} of an archive"


def set_comment(incident: dict[str, Any]) -> None:
    """Put a comment with half a character onto an incident."""
    incident["comments"].append({"comment": f"seen {HALF}", "createdByDisplayName": HALF})


def set_types(incident: dict[str, Any]) -> None:
    """Give fields of an incident other types than Graph documents."""
    incident |= {"displayName": 7, "severity": {"value": "high"}, "comments": [7], "incidentWebUrl": []}


@pytest.mark.fault("A13", before="Unavailable: Graph's answer is not understood: Input data was truncated")
@pytest.mark.parametrize("spoil", [set_title, set_comment, set_types])
async def test_one_odd_incident_of_fifty_stops_none(fleet: Fleet, spoil: Any) -> None:
    """All fifty get their runs, and the odd one's ends with a comment on it."""
    app = await only_empty(fleet)
    opened = [incidents.generate(app.tenant, severity="low") for _ in range(49)]
    odd = app.tenant.open("exfiltration")
    assert odd
    spoil(odd)
    incidents.update(app.tenant, odd)
    looked = await look(app.tools)
    runs = {(await app.read(run)).work.incident_id: run for _, run, _ in app.messages}
    await work_on(app.tools, runs[odd["id"]])
    done = await app.done(runs[odd["id"]])
    await app.close()

    assert 50 == looked.started
    assert {incident["id"] for incident in (*opened, odd)} == runs.keys()
    assert "completed" == done.status
    assert ["written"] == [comment.status for comment in done.comments]


@pytest.mark.fault("A13", before="Unavailable: Graph's answer is not understood")
@pytest.mark.parametrize(
    ("old", "new", "unreadable", "started"),
    [
        (b'"status": "active"', b'"status": act"ive"', 0, 50),
        (b'"customTags": []', b'"customTags": ' + DEEP, 0, 50),
        (b'"summary": null', b'"summary": 1e400', 0, 50),
        (b'"summary": null', b'"summary": ' + HUGE, 0, 50),
        (b'"summary": null', b'"summary": "\xff\xfe' + CESU + b'"', 0, 50),
        (b'"id": ', b'"id": {}, "ID": ', 1, 49),
    ],
    ids=["syntax", "deep", "1e400", "digits", "bytes", "no id"],
)
async def test_a_broken_item_of_a_page_holds_up_no_other(
    fleet: Fleet, old: bytes, new: bytes, unreadable: int, started: int
) -> None:
    """It gets a run of its own if its id can be read; else it is counted."""
    app = await only_empty(fleet)
    marked = [incidents.generate(app.tenant, severity="low") for _ in range(50)][25]
    item = json.dumps({key: value for key, value in marked.items() if key != "alerts"}).encode()
    patched = through(app, item, item.replace(old, new, 1))
    looked = await look(app.tools)
    await app.close()

    assert 1 == patched.hits
    assert (started, unreadable) == (looked.started, looked.unreadable)


@pytest.mark.fault("A13", before="Unavailable, or UnicodeDecodeError, RecursionError: the run died")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Linux", b"Lin" + ESCAPE),
        (b"python3", b"pyth" + ESCAPE),
        (b"python3", b"pyth" + CESU),
        (b"python3", b"pyth\xff"),
        (b'"RemotePort"', b'"Remote' + ESCAPE + b'Port"'),
        (b'"RemotePort": 443', b'"RemotePort": 1e400'),
        (b'"RemotePort": 443', b'"RemotePort": ' + HUGE),
        (b'"RemotePort": 443', b'"RemotePort": ' + DEEP),
        (b'"RemotePort": 443', b'"RemotePort": NaN'),
        (b'"displayName": "', b'"displayName": "' + CESU),
        (b'"hostName": "', b'"hostName": "' + ESCAPE),
        (b'"detectionStatus": "detected"', b'"detectionStatus": ' + DEEP),
        (b'"processId": 4711', b'"processId": 1e400'),
        (b'"comments": []', b'"comments": [{"comment": "' + CESU + ESCAPE + b'"}]'),
        (b'"type": "String"', b'"type": null'),
    ],
    ids=lambda value: repr(value[:24]),
)
async def test_odd_data_at_any_door_ends_in_a_comment(alone: Deployment, old: bytes, new: bytes) -> None:
    """An incident, its evidence and the answers of its hunts are read as far as they can be."""
    patched = through(alone, old, new)
    done = await alone.enrich(incidentId=EXFILTRATION)

    assert patched.hits
    assert done.status in {"completed", "completedWithFailures"}
    assert ["written"] == [comment.status for comment in done.comments]
    assert "found" in endings(done).values()


@pytest.mark.fault("A13", before="the run waits: Graph does not answer")
async def test_what_cannot_be_read_of_an_incident_is_named(app: Deployment) -> None:
    """The run goes on with the rest, and its comment says which parts are missing."""
    source = app.tenant.incidents[EXFILTRATION]
    source["severity"] = ["high"]
    source["alerts"].append("an alert")
    source["alerts"][0]["evidence"] += ["evidence", {"@odata.type": "#x.ipEvidence", "ipAddress": {}}]
    done = await app.enrich(incidentId=EXFILTRATION)
    said = "Part of the incident could not be read: severity, alerts, evidence (2)"

    assert said in done.notes
    assert said in app.comments(EXFILTRATION)[0]


@pytest.mark.fault("A13", before="the run ended: nothing to hunt for")
async def test_an_incident_of_which_nothing_can_be_read_waits_and_fails(app: Deployment) -> None:
    """With no entity but what cannot be read, nobody knows what to hunt: the reason is said after two hours."""
    app.tenant.incidents[EXFILTRATION]["alerts"] = {"value": []}
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    early = (await app.read(run)).wait
    app.ahead = timedelta(hours=3)
    await work_on(app.tools, run)
    done = await app.done(run)

    assert early
    assert "Part of the incident could not be read: alerts" in early.reason
    assert "failed" == done.status
    assert "Part of the incident could not be read: alerts" in done.reason


@pytest.mark.fault("A13", before="ValidationError: the run died")
async def test_rows_that_cannot_be_read_are_counted_and_told(alone: Deployment) -> None:
    """The others are found, and a device without any is not run, since one of these may be about it."""
    through(alone, b'"results": [', b'"results": [null, 5, "x", ')
    done = await alone.enrich(incidentId=EXFILTRATION, hunts=["archive-then-upload"])
    found = outcome(done, "archive-then-upload").found

    assert 3 == found.unreadable
    assert f"3 of {found.rows + 3} rows of archive-then-upload could not be read" in done.notes


@pytest.mark.fault("A13", before="ValidationError: the run died")
async def test_an_answer_without_a_readable_row_is_not_nothing_found(alone: Deployment) -> None:
    """Rows were there: the hunt is *not run*."""
    patched = through(alone, b'"results": [{', b'"results": [5], "more": [{')
    done = await alone.enrich(incidentId=EXFILTRATION)

    assert patched.hits
    assert {"notRun"} == {o.outcome for o in done.outcomes if o.found.unreadable}
    assert "nothingFound" not in {o.outcome for o in done.outcomes if o.found.unreadable}
