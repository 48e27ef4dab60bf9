"""Nothing found means that nothing was there: what happens or arrives later is looked at, and told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.tenant import evidence, incidents
from shared.model.entity import hidden
from shared.work import work_on
from tests.support.scene import ADDRESS, OTHER, SERVER, Scene

if TYPE_CHECKING:
    from tests.support.tenant import Fleet

SOON = timedelta(minutes=5)


@pytest.fixture
async def scene(fleet: Fleet) -> AsyncIterator[Scene]:
    """Yield a tenant with one server."""
    scene = Scene(fleet)
    yield scene
    await scene.close()


@pytest.mark.fault("A9", before="expected 2 comments, got 1: '2 hunts found nothing on srv-7'")
async def test_a_decoy_first_and_the_theft_an_hour_later(scene: Scene) -> None:
    """The first comment says until when was looked; the second, after the window, tells of the theft."""
    scene.theft(timedelta(hours=1))
    incident = scene.incident()
    await scene.replay.minutes(2)
    (first,) = scene.comments(incident)
    await scene.replay.settle()
    _, second = scene.comments(incident)

    assert first.startswith("Outrider: nothing found so far on srv-7 (2 hunts)\n")
    assert "\nNothing found so far on srv-7: archive-then-upload, linux-server-egress-baseline\n" in first
    assert f" to {scene.start + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC\nLooks again at " in first
    assert "\nFOUND (high): archive-then-upload: 1 row on srv-7\n" in second


@pytest.mark.fault("A9", before="[False] == [True, False]: one comment, and the rows were never read")
async def test_late_telemetry_is_found_by_the_late_look(scene: Scene) -> None:
    """What happened before the incident and was reported after the first look is told."""
    incident = scene.incident()
    await scene.replay.minutes(2)
    scene.theft(timedelta(minutes=-30))
    await scene.replay.settle()

    assert ["nothing found so far" in text for text in scene.comments(incident)] == [True, False]


@pytest.mark.fault("A9", before="expected 2 comments, got 1: the first finding had settled the hunt")
async def test_a_theft_after_a_harmless_finding_is_told_too(scene: Scene) -> None:
    """A hunt that found something is looked at again as well, and told if there is more."""
    scene.theft(timedelta(minutes=-30), address="203.0.113.77")
    scene.theft(timedelta(hours=1))
    incident = scene.incident()
    await scene.replay.minutes(2)
    await scene.replay.settle()
    first, second = scene.comments(incident)

    assert ADDRESS.replace(".9", "[.]9") not in first
    assert ADDRESS.replace(".9", "[.]9") in second


async def test_a_hit_in_context_is_told_when_it_comes(scene: Scene) -> None:
    """More of what is normal is no news; the first row with the incident's address is, and more of that is none."""
    scene.call(timedelta(minutes=-30), address="198.51.100.7")
    incident = scene.incident(evidence.device(SERVER), evidence.ip(ADDRESS, "malicious"))
    await scene.replay.minutes(2)
    scene.call(timedelta(minutes=30), address="198.51.100.8")
    scene.call(timedelta(hours=1))
    await scene.replay.settle()
    _, second = scene.comments(incident)
    scene.call(timedelta(hours=2))
    incidents.grow(scene.app.tenant, incident, evidence.device(SERVER))
    await scene.replay.minutes(2)
    await scene.replay.settle()

    assert second.startswith("Outrider: found on srv-7: 203.0.113[.]9 in linux-server-egress-baseline (1)")
    assert 2 == len(scene.comments(incident))


async def test_the_late_look_is_silent_where_nothing_came(scene: Scene) -> None:
    """It settles what it looked at, comments nothing, and is not followed by another."""
    incident = scene.incident()
    await scene.replay.minutes(2)
    await scene.replay.settle()
    name = f"defender-{incident['id']}"
    entries = await scene.app.tools.ledger.entries(name)
    again = await scene.app.tools.runs.done(entries[-1].run_id)

    assert 1 == len(scene.comments(incident))
    assert 2 == sum(entry.closed for entry in entries)
    assert {"nothingFound", "notApplicable"} >= {outcome.outcome for outcome in again.outcomes}
    assert "off" == again.comments[0].status
    assert {key for entry in entries for key in entry.taken} == {key for e in entries for key in e.ended}


async def test_what_is_over_when_it_is_hunted_needs_no_late_look(scene: Scene) -> None:
    """Over a window that ended two hours ago, nothing found is said, and settled at once."""
    incident = scene.incident(last=scene.start - timedelta(hours=26, minutes=1))
    await scene.replay.minutes(2)
    (text,) = scene.comments(incident)

    assert "nothing found on srv-7 (2 hunts)" in text
    assert "so far" not in text
    assert "Looks again" not in text
    assert not scene.replay.waiting


async def test_a_window_is_over_two_hours_after_its_end(scene: Scene) -> None:
    """A minute earlier it is open: late telemetry may still come."""
    incident = scene.incident(last=scene.start - timedelta(hours=25, minutes=55))
    await scene.replay.minutes(2)

    assert "nothing found so far on srv-7 (2 hunts)" in scene.comments(incident)[0]


@pytest.mark.parametrize("year", [0, 7_973])
async def test_an_incident_without_a_credible_time_is_looked_at_late_once(scene: Scene, year: int) -> None:
    """Where its last activity is yet to come, or is not known, the second look is the last."""
    incident = scene.incident()
    times = ("firstActivityDateTime", "lastActivityDateTime", "createdDateTime")
    at = f"{2026 + year}-12-31T00:00:00Z" if year else None
    incident["alerts"][0] |= dict.fromkeys(times, at)
    incident["createdDateTime"] = at
    await scene.replay.minutes(2)
    await scene.replay.settle()
    entries = await scene.app.tools.ledger.entries(f"defender-{incident['id']}")

    assert 2 == sum(entry.closed for entry in entries)
    assert entries[-1].ended


async def test_without_late_looks_the_comment_says_so(fleet: Fleet) -> None:
    """With LATE_LOOK=off there is no second look, and nothing is settled that was not over."""
    scene = Scene(fleet, LATE_LOOK="off")
    incident = scene.incident()
    await scene.replay.minutes(2)
    await scene.replay.settle()
    (text,) = scene.comments(incident)
    entries = await scene.app.tools.ledger.entries(f"defender-{incident['id']}")
    await scene.close()

    end = scene.start + timedelta(minutes=1)
    assert (
        f"What happens or arrives after {end:%Y-%m-%d %H:%M} UTC is not looked at (LATE_LOOK is off)" in text
    )
    assert not any("archive" in key for entry in entries for key in entry.ended)
    assert entries[-1].looked


async def test_a_late_look_that_storage_would_lose_is_not_promised(fleet: Fleet) -> None:
    """With FINDINGS_DAYS=1 the run's request is deleted before the window is over: the comment says so."""
    scene = Scene(fleet, FINDINGS_DAYS="1")
    incident = scene.incident()
    await scene.replay.minutes(2)
    (text,) = scene.comments(incident)
    waiting = scene.replay.waiting
    await scene.close()

    assert "is not looked at (FINDINGS_DAYS ends before the window)" in text
    assert [] == waiting


async def test_an_update_hunts_again_only_what_was_active(fleet: Fleet) -> None:
    """A new alert on one device hunts that device again, and an update without activity nothing."""
    scene = Scene(fleet, SERVER, OTHER)
    incident = scene.incident(evidence.device(SERVER), evidence.device(OTHER))
    await scene.replay.minutes(2)
    hunts = scene.app.calls("hunt")
    incidents.update(scene.app.tenant, incident, assignedTo="analyst@contoso.com")
    await scene.replay.minutes(2)
    idle = scene.app.calls("hunt") - hunts
    scene.theft(timedelta(minutes=4), OTHER)
    await scene.replay.minutes(10)
    incidents.grow(scene.app.tenant, incident, evidence.device(OTHER))
    await scene.replay.minutes(2)
    (_, text) = scene.comments(incident)
    entries = await scene.app.tools.ledger.entries(f"defender-{incident['id']}")
    await scene.close()

    assert 0 == idle
    assert text.startswith("Outrider: found on srv-8: archive-then-upload (1); ")
    assert 2 == len([entry for entry in entries if not entry.closed])
    assert {hidden(f"device:{evidence.device_id(OTHER)}")} == {
        key.partition(" ")[2] for key in entries[-2].taken
    }


async def test_a_closed_incident_is_not_looked_at_again(scene: Scene) -> None:
    """An analyst who has resolved it is not called back; the run says why it did nothing."""
    scene.theft(timedelta(hours=1))
    incident = scene.incident()
    await scene.replay.minutes(2)
    incidents.update(scene.app.tenant, incident, status="resolved")
    hunts = scene.app.calls("hunt")
    await scene.replay.settle()

    assert hunts == scene.app.calls("hunt")
    assert 1 == len(scene.comments(incident))


async def test_a_late_look_gives_way_to_fresh_incidents(fleet: Fleet) -> None:
    """It leaves a third of the quota unused, and waits while the rest is."""
    scene = Scene(fleet, HUNTS_PER_MINUTE="9")
    scene.incident()
    await scene.replay.minutes(2)
    run = scene.replay.waiting[0][1]
    scene.app.ahead = timedelta(hours=27)
    for _ in range(7):
        await scene.app.tools.graph.run_hunting_query("DeviceInfo | count", "P1D")
    hunts = scene.app.calls("hunt")
    await work_on(scene.app.tools, run)
    waits = (await scene.app.read(run)).wait
    await scene.close()

    assert hunts == scene.app.calls("hunt")
    assert waits
    assert "HUNTS_PER_MINUTE" in waits.reason


@pytest.mark.fault("A10", before="expected 2 comments, got 1: the 101st was never hunted")
async def test_the_101st_indicator_is_hunted_by_the_next_run(scene: Scene) -> None:
    """One run hunts 100 and lists the one that is left, which the next run hunts and tells of."""
    origin = {"DeviceName": SERVER, "FileName": "q3.tgz", "FileOriginIP": "198.51.100.101", "SHA1": "a" * 40}
    scene.engine.load(
        "DeviceFileEvents",
        [{**origin, "Timestamp": scene.start - SOON, "DeviceId": evidence.device_id(SERVER)}],
    )
    listed = [evidence.ip(f"198.51.100.{n}", "suspicious") for n in range(1, 102)]
    incident = scene.incident(*listed)
    await scene.replay.minutes(1)
    (first,) = scene.comments(incident)
    await scene.replay.minutes(2)
    _, second = scene.comments(incident)

    assert "\nNot looked at (beyond 100 of a kind (MAX_INDICATORS)): address " in first
    assert second.startswith("Outrider: found on srv-7: file-origin (1)\n")
    assert " · 198.51.100[.]101 · q3.tgz · " in second
