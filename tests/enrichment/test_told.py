"""Findings are told once, and told at last: what is refused, lost or interrupted is not forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.work import work_on
from tests.support.scene import OTHER, SERVER, Scene

if TYPE_CHECKING:
    from tests.support.tenant import Fleet

CARD = "SensorHealthState"
FOUND = "\nFOUND (high): archive-then-upload: 1 row on srv-7\n"


@pytest.fixture
async def scene(fleet: Fleet) -> AsyncIterator[Scene]:
    """Yield a tenant with one server, from which something was stolen half an hour ago."""
    scene = Scene(fleet)
    scene.theft(timedelta(minutes=-30))
    yield scene
    await scene.close()


async def ask(scene: Scene, incident: str, **body: object) -> str:
    """Start a person's run on an incident, let a worker work on it, and return its id."""
    run = await scene.app.ask(incidentId=incident, **body)
    scene.app.messages = [message for message in scene.app.messages if message[1] != run]
    await work_on(scene.app.tools, run)
    return run


@pytest.mark.fault("A1", before="'written' == 'alreadyThere': and no comment stood there")
async def test_a_refused_comment_silences_no_later_run(scene: Scene) -> None:
    """After one 400, whoever comes with the same findings posts them."""
    scene.app.tenant.faults.add(match="comment", status=400)
    incident = scene.incident()
    await scene.replay.minutes(2)
    refused = scene.comments(incident)
    run = await ask(scene, incident["id"])
    done = await scene.app.done(run)

    assert [] == refused
    assert "written" == done.comments[0].status
    assert FOUND in scene.comments(incident)[0]


@pytest.mark.fault("A11", before="1 == 0 comments: the ledger had settled the findings")
async def test_a_refused_comment_is_tried_again_by_itself(scene: Scene) -> None:
    """Nobody asks and the incident does not change: two hours later the findings stand on it, once."""
    scene.app.tenant.faults.add(match="comment", status=400)
    incident = scene.incident()
    await scene.replay.minutes(2)
    await scene.replay.settle()

    assert 1 == len(scene.comments(incident))
    assert FOUND in scene.comments(incident)[0]


@pytest.mark.fault("A1", before="1 == 0 comments: the run that gave up had claimed and settled them")
async def test_a_role_that_was_missing_for_a_day_costs_no_finding(scene: Scene) -> None:
    """The run waits for 24 hours and gives up; once the role is there, the findings are told."""
    incident = scene.incident()
    day = scene.start + timedelta(hours=25)
    scene.app.tenant.faults.add(match="comment", status=403, until=day)
    await scene.replay.minutes(25 * 60, every=15)
    waited = scene.comments(incident)
    await scene.replay.settle()

    assert [] == waited
    assert 1 == len(scene.comments(incident))
    assert FOUND in scene.comments(incident)[0]


async def test_a_comment_that_was_taken_with_an_error_is_not_repeated(scene: Scene) -> None:
    """Graph took it and answered 503: it is found on the incident, and stands there once."""
    scene.app.tenant.faults.add(match="comment", accept_then=503)
    incident = scene.incident()
    await scene.replay.minutes(2)
    await scene.replay.settle()

    assert 1 == len(scene.comments(incident))


@pytest.mark.fault("A1", before="assert None: the second run ended alreadyThere, and nothing stood there")
async def test_a_claim_whose_holder_died_is_taken_over(scene: Scene) -> None:
    """The comment's post was lost with its worker; another run with the same findings posts it, a lease later."""
    scene.app.tenant.faults.add(match="comment", status=503)
    incident = scene.incident()
    run = await ask(scene, incident["id"])
    first = await scene.app.read(run)
    other = await ask(scene, incident["id"])
    waits = (await scene.app.read(other)).wait
    scene.app.ahead = timedelta(minutes=4)
    await work_on(scene.app.tools, other)
    await work_on(scene.app.tools, run)
    stands = [(await scene.app.done(each)).comments[0].status for each in (other, run)]

    assert first.wait
    assert waits
    assert "another run is posting this comment" in waits.reason
    assert ["written", "alreadyThere"] == stands
    assert 1 == len(scene.comments(incident))


@pytest.mark.fault("A16", before="1 == 2 comments: the incident that was just read was not searched")
async def test_the_same_findings_are_told_once_with_the_state_lost(scene: Scene) -> None:
    """The comment itself says what was told, also with something behind its last line."""
    incident = scene.incident()
    first = await ask(scene, incident["id"])
    scene.app.tenant.incidents[incident["id"]]["comments"][0]["comment"] += "\n\n[edited]"
    for key in await scene.app.tools.store.keys(""):
        if not key.startswith("runs/"):
            scene.app.forget(key)
    second = await ask(scene, incident["id"])
    (comment,) = (await scene.app.done(second)).comments

    assert 1 == len(scene.comments(incident))
    assert ("alreadyThere", f"these findings stand on the incident, from run {first}") == (
        comment.status, comment.reason
    )  # fmt: skip


@pytest.mark.fault("A15", before="4 == 6 hunts: what had failed a minute ago was hunted again by the watch")
async def test_a_persons_run_is_an_entry_as_any_other(scene: Scene) -> None:
    """What failed a minute ago is not hunted by the watch, although the comment has changed the incident."""
    scene.app.tenant.faults.add(match="hunt", contains="ArchiveCmd", status=400, times=9)
    incident = scene.incident()
    await ask(scene, incident["id"])
    hunts = scene.app.calls("hunt")
    await scene.replay.minutes(10)

    assert hunts == scene.app.calls("hunt")
    assert 1 == len(scene.comments(incident))


async def test_a_persons_run_beside_the_watch_repeats_nothing(scene: Scene) -> None:
    """Who asks while the watch hunts gets all of it hunted; the findings stand on the incident once."""
    incident = scene.incident()
    await scene.replay.minutes(2)
    run = await ask(scene, incident["id"])
    done = await scene.app.done(run)
    await scene.replay.settle()

    assert "alreadyThere" == done.comments[0].status
    assert {"archive-then-upload", "linux-server-egress-baseline"} <= {o.hunt for o in done.outcomes}
    assert 1 == len(scene.comments(incident))


async def test_a_dry_run_leaves_the_incident_to_the_watch(scene: Scene) -> None:
    """It tells nobody, so what it hunted is hunted and told all the same."""
    incident = scene.incident()
    await ask(scene, incident["id"], comment=False)
    await scene.replay.minutes(2)

    assert FOUND in scene.comments(incident)[0]


@pytest.mark.parametrize("fault", [{"status": 400}, {"status": 504}])
@pytest.mark.fault("A3", before="'Outrider: 2 of 3 hunts found something on srv-7; …; no telemetry on srv-8'")
async def test_without_the_card_nobody_is_silent(fleet: Fleet, fault: dict[str, int]) -> None:
    """A hunt finds something and the card fails: the other device was not looked at, and is so again later."""
    scene = Scene(fleet, SERVER, OTHER)
    scene.theft(timedelta(minutes=-30))
    scene.app.tenant.faults.add(match="hunt", contains=CARD, times=1_000, **fault)
    incident = scene.incident(*map(scene.device, (SERVER, OTHER)))
    await scene.replay.minutes(2)
    (first,) = scene.comments(incident)
    entries = await scene.app.tools.ledger.entries(f"defender-{incident['id']}")
    await scene.close()

    assert FOUND in first
    assert (
        "\nNOT RUN on srv-8: archive-then-upload, linux-server-egress-baseline (the device card could not be read"
        in first
    )
    assert "; not run in full on srv-8" in first.splitlines()[0]
    assert "no record of it" not in first
    assert not [key for key in entries[-1].looked if scene.device(OTHER)["mdeDeviceId"] in key]


@pytest.mark.fault("A3", before="['found'] == ['noTelemetry'], for a device that its own rows name")
async def test_a_device_known_by_name_is_found_without_its_card(scene: Scene) -> None:
    """The rows themselves say that an id is that of the name."""
    scene.app.tenant.faults.add(match="hunt", contains=CARD, status=400, times=1_000)
    done = await scene.app.enrich(devices=["srv-7"])
    found = next(outcome for outcome in done.outcomes if outcome.hunt == "archive-then-upload")

    assert ["found"] == [device.outcome for device in found.devices]


@pytest.mark.fault("A2", before="'2 of 2 hunts found something on srv-7', and nothing found on srv-8")
async def test_a_noisy_device_hides_no_other(fleet: Fleet) -> None:
    """A device with 10,001 newer rows leaves another its one, and the cut is told."""
    scene = Scene(fleet, SERVER, OTHER)
    scene.theft(timedelta(minutes=-20), SERVER, count=10_001)
    scene.theft(timedelta(hours=-3), OTHER, "203.0.113.88")
    incident = scene.incident(*map(scene.device, (SERVER, OTHER)))
    await scene.replay.minutes(2)
    (text,) = scene.comments(incident)
    await scene.close()

    assert "\nFOUND (high): archive-then-upload: more than 10,000 rows on srv-7, srv-8\n" in text
    assert text.startswith("Outrider: found on srv-7, srv-8: archive-then-upload (over 10,000); ")
    assert "203.0.113[.]88" in text
