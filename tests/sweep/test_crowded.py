"""Sweeps of fleets with many new rows or many open incidents: no device crowds another out of its comment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.telemetry.engine import timestamp
from sandbox.tenant.evidence import device
from tests.support.sweeping import ARCHIVES, Sweeping
from tests.support.tenant import Fleet

NOISY, QUIET = "0" * 40, "f" * 40


def row(app: Sweeping, device_id: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a row of the archive hunt, new since an hour, on the device with this id."""
    at = timestamp(app.now() - timedelta(hours=1))
    return {
        "DeviceId": device_id,
        "DeviceName": f"box-{device_id[:2]}",
        "Process": "curl",
        "NetCmd": f"curl -T {number}.tgz",
        "RemoteIP": "203.0.113.9",
        "RemotePort": 443,
        "Connections": 1,
        "FirstSeen": at,
        "LastSeen": at,
        "Days": 1,
        **fields,
    }


def about(device_id: str) -> dict[str, Any]:
    """Return an incident's evidence of the device with this id."""
    return device(f"box-{device_id[:2]}") | {"mdeDeviceId": device_id}


@pytest.mark.fault("A12", before="assert 1 == 0: no comment on the other incident")
async def test_a_noisy_device_silences_no_other_devices_incident(fleet: Fleet) -> None:
    """With 10,100 new rows of one device, another device's one new row is commented on its incident all the same."""
    app = Sweeping(fleet)
    app.answers(ARCHIVES, [*(row(app, NOISY, n) for n in range(10_100)), row(app, QUIET)])
    quiet = app.incident(5000, about(QUIET))
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()

    assert 1 == len(app.comments(quiet))
    assert [(quiet, "written")] == [(each.incident_id, each.status) for each in done.comments]
    assert ("completed", ()) == (done.status, done.notes)


@pytest.mark.fault("A12", before="'more than 50 rows' not in the comment, which said 50 rows")
async def test_a_cut_in_a_comment_is_told_there_and_in_the_notes(fleet: Fleet) -> None:
    """A device's own incident has as many of its rows as MAX_ROWS allows, and says that there are more."""
    app = Sweeping(fleet, MAX_ROWS="50")
    app.answers(ARCHIVES, [row(app, NOISY, n) for n in range(60)])
    noisy = app.incident(5000, about(NOISY))
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()
    (text,) = app.comments(noisy)

    assert "more than 50 rows" in text
    assert (f"{ARCHIVES}: the comment on incident {noisy} has 50 of 60 new rows (MAX_ROWS)",) == done.notes


@pytest.mark.fault("A12", before="'box-00, box-ff' not in 'Outrider: 1 of 1 hunt found something on box-00'")
async def test_devices_of_one_incident_share_its_rows_fairly(fleet: Fleet) -> None:
    """Where both are on one incident, the quiet device's row is in the comment beside the noisy one's."""
    app = Sweeping(fleet, MAX_ROWS="50")
    app.answers(ARCHIVES, [*(row(app, NOISY, n) for n in range(60)), row(app, QUIET)])
    both = app.incident(5000, about(NOISY), about(QUIET))
    await app.swept(ARCHIVES)
    await app.close()

    assert "box-00, box-ff" in app.comments(both)[0].splitlines()[0]


async def test_the_same_cut_is_commented_once_in_whatever_order(fleet: Fleet) -> None:
    """A second sweep, whose answer has the same rows in another order, cuts them alike and repeats nothing."""
    app = Sweeping(fleet, MAX_ROWS="50")
    app.incident(5000, about(NOISY))
    rows = [row(app, NOISY, n) for n in range(150)]
    app.answers(ARCHIVES, rows)
    await app.swept(ARCHIVES)
    app.tenant.faults.clear()
    app.answers(ARCHIVES, rows[::-1])
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()

    assert 1 == len(app.comments("5000"))
    assert ["alreadyThere"] == [each.status for each in done.comments]


async def test_a_device_beyond_max_devices_still_has_its_comment(fleet: Fleet) -> None:
    """New rows are looked up for every device of an incident: MAX_DEVICES limits what is hunted for."""
    app = Sweeping(fleet, MAX_DEVICES="1")
    app.answers(ARCHIVES, [row(app, QUIET)])
    wide = app.incident(5000, about(NOISY), about(QUIET))
    await app.swept(ARCHIVES)
    await app.close()

    assert 1 == len(app.comments(wide))


@pytest.mark.fault("A26", before="assert 3 >= 918 - 611: 307 incidents were read")
async def test_a_sweep_reads_only_incidents_that_may_concern_it(fleet: Fleet) -> None:
    """Of 300 incidents that an earlier sweep has read, the next reads those about the new rows' devices alone."""
    app = Sweeping(fleet)
    app.answers(ARCHIVES, [row(app, NOISY)])
    for n in range(5001, 5300):
        app.incident(n, about(f"{n:040x}"))
    await app.swept(ARCHIVES)
    app.incident(5000, about(QUIET))
    await app.let_pass(1_000)
    await app.swept(ARCHIVES)
    before = app.reads()
    app.tenant.faults.clear()
    app.answers(ARCHIVES, [row(app, QUIET)])
    await app.let_pass(1_000)
    await app.swept(ARCHIVES)
    await app.close()

    assert 3 >= app.reads() - before
    assert 1 == len(app.comments("5000"))


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=20)])
async def test_an_incident_that_changed_is_read_again(fleet: Fleet, ago: timedelta) -> None:
    """A device that joined an incident after it was read, or just before, is not missed."""
    app = Sweeping(fleet)
    app.answers(ARCHIVES, [row(app, NOISY)])
    grown = app.incident(5000, about("1" * 40), lastUpdateDateTime=timestamp(app.now() - ago))
    await app.swept(ARCHIVES)
    app.tenant.faults.clear()
    app.answers(ARCHIVES, [row(app, QUIET)])
    app.tenant.incidents[grown]["alerts"][0]["evidence"].append(about(QUIET))
    # Evidence that arrives just after an update may not move its time once more.
    app.tenant.incidents[grown]["lastUpdateDateTime"] = timestamp(app.now())
    await app.swept(ARCHIVES)
    await app.close()

    assert 1 == len(app.comments(grown))


async def test_incidents_read_before_a_refusal_are_not_read_again(fleet: Fleet) -> None:
    """Where Graph refuses one of a hundred incidents, the sweep waits, and reads that one alone afterwards."""
    app = Sweeping(fleet)
    app.answers(ARCHIVES, [row(app, NOISY)])
    for n in range(5000, 5100):
        app.incident(n, about(f"{n:040x}"))
    app.tenant.faults.add(match="incident", contains="/5050", status=429, retry_after=600)
    run = await app.start(ARCHIVES)
    wait = await app.deliver(run)
    before = app.reads()
    await app.let_pass(601)
    await app.finish(run)
    await app.close()

    assert wait
    assert 10 > app.reads() - before


async def test_a_merged_incident_has_one_comment(fleet: Fleet) -> None:
    """An incident that was merged while the list was read leads to the other, which is commented once."""
    app = Sweeping(fleet)
    app.answers(ARCHIVES, [row(app, QUIET)])
    into = app.incident(5000, about(QUIET))
    app.incident(5001, about(QUIET), redirectIncidentId=into)
    done = await app.done(await app.swept(ARCHIVES))
    await app.close()

    assert 1 == len(app.comments(into))
    assert [into] == [each.incident_id for each in done.comments]
