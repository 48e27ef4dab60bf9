"""Answers that lack a column, a time or a device, and rows that are gone: none of them reads as nothing new."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sandbox.telemetry.engine import timestamp
from sandbox.tenant.evidence import device
from sandbox.tenant.state import Limits
from shared.errors import InvalidRequest
from shared.outcomes.reading import decode_answer, decode_rows
from shared.sweep.serving import serve_rows
from tests.support.sweeping import ARCHIVES, COLUMNS, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

#: The device of incident 4101.
SERVER = device("srv-7.contoso.com")


def rows(app: Sweeping, number: int, **fields: Any) -> list[dict[str, Any]]:
    """Return rows of one server, each about a destination of its own, with these *fields*."""
    at = timestamp(app.now() - timedelta(hours=1))
    common = {
        "DeviceId": SERVER["mdeDeviceId"],
        "DeviceName": SERVER["deviceDnsName"],
        "Process": "curl",
        "NetCmd": "curl",
        "RemotePort": 443,
    }
    times = {"Connections": 1, "FirstSeen": at, "LastSeen": at, "Days": 1}
    return [common | times | {"RemoteIP": f"198.51.100.{n}"} | fields for n in range(number)]


@pytest.mark.fault("A26", before="'notRun' == 'nothingFound'")
async def test_an_answer_without_the_new_column_is_not_run(app: Sweeping) -> None:
    """Over rows that lack the column which tells what is new, the hunt is *not run*, and says why."""
    app.answers(SERVERS, rows(app, 200), tuple(name for name in COLUMNS if name != "FirstSeen"))
    done = await app.done(await app.swept(SERVERS))

    assert ("notRun", "failed") == (done.outcomes[0].outcome, done.status)
    assert "its rows have no column FirstSeen (sweep.new)" in done.outcomes[0].reason


@pytest.mark.fault("A26", before="'notRun' == 'nothingFound', or 'found' for yesterday")
@pytest.mark.parametrize("value", ["11/24/2026 06:00", "yesterday", 1764000000, {"a": 1}])
async def test_an_answer_whose_times_cannot_be_read_is_not_run(app: Sweeping, value: Any) -> None:
    """If a value in the column is no time, nobody knows what is new, and nothing is claimed."""
    app.answers(SERVERS, [*rows(app, 3, FirstSeen="2020-01-01T00:00:00Z"), *rows(app, 1, FirstSeen=value)])
    done = await app.done(await app.swept(SERVERS))

    assert "notRun" == done.outcomes[0].outcome
    assert "its column FirstSeen (sweep.new) has values that are no times" in done.outcomes[0].reason


@pytest.mark.fault("A26", before="'notRun' == 'nothingFound'")
async def test_rows_without_a_time_are_counted_and_told(app: Sweeping) -> None:
    """Where some rows have no time and none is new, the hunt is *not run*; with new ones, it says how many."""
    app.answers(SERVERS, [*rows(app, 3, FirstSeen="2020-01-01T00:00:00Z"), *rows(app, 2, FirstSeen=None)])
    old = (await app.done(await app.swept(SERVERS))).outcomes[0]
    app.tenant.faults.clear()
    app.answers(SERVERS, [*rows(app, 3), *rows(app, 2, FirstSeen="")])
    new = (await app.done(await app.swept(SERVERS))).outcomes[0]

    assert ("notRun", "found") == (old.outcome, new.outcome)
    assert {"2 of 5 rows have no time in the column that tells what is new, so nobody knows whether they are"} == {
        old.reason, new.reason
    }  # fmt: skip


@pytest.mark.fault("A26", before="'27 new destinations on 1 device' in the verdict")
async def test_rows_that_name_no_device_are_on_none(app: Sweeping) -> None:
    """The headline does not say `on 1 device`; the row has no device, and none is counted."""
    app.answers(SERVERS, rows(app, 27), tuple(name for name in COLUMNS if not name.startswith("Device")))
    run = await app.swept(SERVERS)
    done, summary = await app.done(run), await app.summary(run, SERVERS)

    assert f"{SERVERS} 27 new destinations in rows that name no device" in done.verdict
    assert (0, 0, 27) == (summary.devices, summary.new_devices, summary.nameless)
    assert {0} == {row.devices for row in summary.ranked}


@pytest.mark.fault("A26", before="assert 2 == 1: two devices with names and no ids counted as one")
async def test_devices_with_names_alone_are_told_apart_by_them(app: Sweeping) -> None:
    """Without DeviceId, the name says which device it is, for the counts and for comments."""
    columns = tuple(name for name in COLUMNS if name != "DeviceId")
    app.answers(ARCHIVES, [*rows(app, 1), *rows(app, 1, DeviceName="srv-8")], columns)
    run = await app.swept(ARCHIVES)

    assert 2 == (await app.summary(run, ARCHIVES)).new_devices
    assert 1 == len(app.comments("4101"))


@pytest.mark.fault("A26", before="(note,) == ()")
async def test_new_rows_without_a_device_are_told_since_none_is_commented(app: Sweeping) -> None:
    """The hunt comments on incidents, but not for rows that belong to no device: a note says how many they are."""
    app.answers(ARCHIVES, [*rows(app, 2, DeviceId="", DeviceName=""), *rows(app, 1)])
    done = await app.done(await app.swept(ARCHIVES))

    assert (
        f"{ARCHIVES}: 2 new rows without a device's id or name, for which no incident can be found",
    ) == done.notes
    assert 1 == len(app.comments("4101"))


@pytest.mark.fault("A26", before="3 == 0")
async def test_columns_in_other_case_are_the_same_columns(app: Sweeping) -> None:
    """Graph's examples write names in both cases; new is new in either."""
    app.answers(
        SERVERS, [{**row, "firstSeen": row["FirstSeen"]} for row in rows(app, 3)], (*COLUMNS[:7], "firstSeen")
    )
    run = await app.swept(SERVERS)

    assert 3 == (await app.summary(run, SERVERS)).new_rows


@pytest.mark.fault(
    "A26", before="OutriderError: the rows of …, devices 00-38, are no longer there; BadGzipFile"
)
@pytest.mark.parametrize("damaged", [None, b"", b"no gzip"])
async def test_a_part_whose_rows_are_gone_is_not_run(fleet: Fleet, damaged: bytes | None) -> None:
    """A stored part that is deleted or damaged before it is counted is lost, with its reason; the rest counts."""
    app = Sweeping(fleet, limits=Limits(rows=99), most=100, HUNTS_PER_MINUTE="15")
    run = await app.start(DESKTOPS)
    while len(whole := await app.record(run).whole(DESKTOPS)) < 2:
        wait = await app.deliver(run)
        await app.let_pass(wait.delay.total_seconds() if wait else 0)
        assert wait
    key = f"runs/{run}/rows/{DESKTOPS}/{whole[0].name}"
    await app.break_object(key, damaged)
    await app.finish(run)
    summary, done = await app.summary(run, DESKTOPS), await app.done(run)
    await app.close()

    assert [whole[0].name] == [lost.part for lost in summary.lost]
    assert summary.coverage < 1
    assert "completedWithFailures" == done.status
    assert "the rows of" in done.outcomes[0].reason


@pytest.mark.fault("A26", before="OutriderError: the rows of …, devices 00-ff, are no longer there")
async def test_rows_that_are_gone_when_comments_are_due_are_a_failure(app: Sweeping) -> None:
    """The sweep has counted them, but cannot tell whose they are: it says that incidents may lack a comment."""
    app.tenant.faults.add(match="incident", status=429, retry_after=60)
    run = await app.start(ARCHIVES)
    await app.deliver(run)
    await app.break_object(f"runs/{run}/rows/{ARCHIVES}/00-ff", None)
    await app.finish(run)
    done = await app.done(run)

    assert ("completedWithFailures", "failed") == (done.status, done.comments[0].status)
    assert "incidents may lack a comment: the rows of" in done.comments[0].reason


@pytest.mark.fault("A26", before="OutriderError: the rows of …, devices 00-ff, are no longer there")
async def test_rows_that_are_gone_are_served_as_more(app: Sweeping) -> None:
    """Asked for the new rows, the rest is served and said to be cut; asked for that part, the caller is told."""
    run = await app.swept(DESKTOPS)
    await app.break_object(f"runs/{run}/rows/{DESKTOPS}/00-ff", None)
    read = await app.read(run)
    _, more = await serve_rows(app.tools.store, read, app.tools.catalog, DESKTOPS)

    assert more
    with pytest.raises(InvalidRequest, match="no longer there"):
        await serve_rows(app.tools.store, read, app.tools.catalog, DESKTOPS, "00-ff")


@pytest.mark.fault("A26", before="(1, 'other') == (0, 'dd-ff'): the device's row was in no part")
async def test_rows_of_odd_device_ids_survive_the_division() -> None:
    """A device whose id does not begin with hex digits is swept also where the fleet is divided into parts."""
    app = Sweeping(Fleet(), limits=Limits(rows=149), most=150)
    at = app.now() - timedelta(hours=2)
    odd = {"DeviceId": "zz-9", "DeviceName": "odd-1", "Timestamp": at}
    engine = app.tenant.engine
    engine.load("DeviceInfo", [odd | {"OSPlatform": "Linux", "DeviceType": "Workstation"}])
    net = {"RemoteIP": "203.0.113.200", "RemoteIPType": "Public", "InitiatingProcessFileName": "curl"}
    engine.load("DeviceNetworkEvents", [odd | net | {"RemotePort": 443, "ActionType": "ConnectionSuccess"}])
    run = await app.swept(DESKTOPS)
    found = [row for row in await app.rows(run, DESKTOPS) if row["DeviceName"] == "odd-1"]
    parts = [part.name for part in await app.record(run).whole(DESKTOPS)]

    assert (1, "other") == (len(found), parts[-1])

    raw, _ = await serve_rows(app.tools.store, await app.read(run), app.tools.catalog, DESKTOPS, "other", 150)
    await app.close()

    assert ["odd-1"] == [row["DeviceName"] for row in decode_rows(decode_answer(raw))]


@pytest.mark.fault("A26", before="KeyError: 'Ids'")
async def test_a_count_that_is_not_understood_divides_by_halves(app: Sweeping) -> None:
    """The sweep goes on without the counts, and every part that comes is one of the fleet."""
    app.most = 100
    app.tenant.limits = replace(app.tenant.limits, rows=99)
    body = {"schema": [{"name": "Foo", "type": "String"}], "results": [{"Foo": "x"}]}
    app.tenant.faults.add(match="hunt", contains="Rows = count()", status=200, body=body, times=1_000)
    run = await app.swept(DESKTOPS)

    assert 1.0 == (await app.summary(run, DESKTOPS)).coverage


@pytest.mark.fault("A26", before="KeyError: 'DeviceType'")
async def test_a_fleet_that_cannot_be_counted_is_told(app: Sweeping) -> None:
    """An answer without the counts of devices is a note, and a hunt without rows is then *not run*."""
    body = {"schema": [{"name": "OSPlatform", "type": "String"}], "results": [{"OSPlatform": "Linux"}]}
    app.tenant.faults.add(match="hunt", contains="Devices = count()", status=200, body=body)
    app.answers(SERVERS, [])
    done = await app.done(await app.swept(SERVERS))

    assert done.notes[0].startswith("How many devices there are could not be read: ")
    assert "notRun" == done.outcomes[0].outcome
