"""What a sweep finds in a tenant that answers every query in full, and which hunts can be swept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.catalog.load import Catalog, load_hunts
from shared.catalog.select import select_for_sweep
from shared.entities.request import parse_sweep
from shared.errors import InvalidRequest
from tests.support.hunt_files import five_hunts, write
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

DROP, RELAY, STAGE = "203.0.113.9", "203.0.113.77", "203.0.113.44"
EVERY = {ARCHIVES, DESKTOPS, SERVERS}
# Processes of the operating system, which the hunt leaves out on desktops and shows on servers.
SYSTEM = {"http", "snapd", "fwupdmgr", "networkmanager"}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Return a week's telemetry of 200 devices, shared by all tests of this module."""
    return Fleet(devices=200, days=7)


async def test_every_hunt_with_a_sweep_block_has_an_outcome(app: Sweeping) -> None:
    """The sweep completes, and its verdict says in one line what is new and how much was looked at."""
    run = await app.swept()
    done = await app.done(run)

    assert "completed" == done.status
    assert EVERY == {outcome.hunt for outcome in done.outcomes}
    assert {"found"} == {outcome.outcome for outcome in done.outcomes}
    assert done.verdict.startswith("sweep of 3 hunts: archive-then-upload 1 new destination on 1 device; ")
    assert done.verdict.endswith("; coverage 100 %")


@pytest.mark.parametrize(("batch", "calls"), [("on", 2), ("off", 4)])
async def test_a_fleet_that_fits_takes_one_query(fleet: Fleet, batch: str, calls: int) -> None:
    """With one more that counts, a sweep of three hunts takes two; asked one by one, a query for each, and one that counts."""
    app = Sweeping(fleet, HUNT_BATCH=batch)
    await app.swept()
    await app.close()

    assert {200: calls} == app.answered()


async def test_a_sweep_claims_no_time_that_its_query_does_not_look_at(app: Sweeping) -> None:
    """A query with `ago(2d)` is swept over two days of its seven, counted from the window's end."""
    hunt = app.tools.catalog.by_name[ARCHIVES]
    timed = replace(
        hunt, query=f"{hunt.query.rstrip()}\n| where ArchiveTime > ago(2d)", reach=timedelta(days=2)
    )
    app.tools = replace(app.tools, catalog=Catalog((timed,)))
    run = await app.swept(ARCHIVES)
    window = (await app.summary(run, ARCHIVES)).window

    assert timedelta(days=2) == window.end - window.start
    assert "found" == (await app.done(run)).outcomes[0].outcome


@pytest.mark.parametrize(
    ("hunt", "planted"),
    [
        (SERVERS, {("srv-7", "curl", DROP), ("srv-7", "perl", DROP), ("srv-2", "wget", RELAY)}),
        (DESKTOPS, {("wks-012", "python3", STAGE), ("wks-003", "wget", RELAY)}),
    ],
)
async def test_planted_intrusions_are_among_the_first_ten_rows(
    app: Sweeping, hunt: str, planted: set[tuple[str, str, str]]
) -> None:
    """What an intruder did on one server or one desktop stands at the top of many new rows."""
    summary = await app.summary(await app.swept(hunt), hunt)
    first = {(row.device.split(".")[0], row.process, row.destination) for row in summary.ranked[:10]}

    assert planted <= first
    assert 10 < len(summary.ranked)


async def test_system_traffic_is_shown_on_servers_but_not_desktops(app: Sweeping) -> None:
    """Processes of the operating system are left out on desktops; Defender's own are left out on both."""
    run = await app.swept(SERVERS, DESKTOPS)
    servers, desktops = [
        {(row["DeviceName"].split("-")[0], row["Process"]) for row in await app.rows(run, hunt)}
        for hunt in (SERVERS, DESKTOPS)
    ]

    assert SYSTEM.isdisjoint(process for _, process in desktops)
    assert {("srv", process) for process in SYSTEM} <= servers
    assert not any(process == "sensecm" for _, process in servers | desktops)
    assert ({"srv", "box"}, {"wks", "box"}) == ({kind for kind, _ in servers}, {kind for kind, _ in desktops})


async def test_new_means_first_seen_in_the_last_day(app: Sweeping, fleet: Fleet) -> None:
    """Rows, devices and destinations that were first seen in the last 24 hours are counted exactly."""
    run = await app.swept(DESKTOPS)
    summary, rows = await app.summary(run, DESKTOPS), await app.rows(run, DESKTOPS)
    new = [row for row in rows if row["FirstSeen"] >= f"{fleet.end - timedelta(days=1):%Y-%m-%dT%H:%M:%S.%f}"]

    assert (len(rows), len(new)) == (summary.rows, summary.new_rows)
    assert len({row["DeviceId"] for row in new}) == summary.new_devices
    assert len({row["RemoteIP"] for row in new}) == summary.new_destinations
    assert len({row["RemoteIP"] for row in rows}) == summary.destinations == sum(d.new for d in summary.days)
    assert summary.days[-1].new == summary.first_destinations
    assert {row["FirstSeen"] for row in new} >= {row.first for row in summary.ranked}


async def test_rarity_is_counted_over_the_whole_fleet(app: Sweeping) -> None:
    """A row says how many devices use its destination, and how many destinations its process has."""
    run = await app.swept(SERVERS)
    summary, rows = await app.summary(run, SERVERS), await app.rows(run, SERVERS)

    for each in (*summary.ranked[:30], *summary.ranked[-30:]):
        assert len({r["DeviceId"] for r in rows if r["RemoteIP"] == each.destination}) == each.devices
        assert len({r["RemoteIP"] for r in rows if r["Process"] == each.process}) == each.process_destinations


def test_only_hunts_with_a_sweep_block_can_be_swept() -> None:
    """Without names all of them are swept; any other hunt is refused with a list of those that can be."""
    loaded = five_hunts()

    assert EVERY == {hunt.name for hunt in select_for_sweep(loaded)}
    assert [SERVERS] == [hunt.name for hunt in select_for_sweep(loaded, [SERVERS])]
    with pytest.raises(InvalidRequest) as raised:
        select_for_sweep(loaded, ["device-card", "nope"])
    assert (
        "these hunts cannot sweep; these have a sweep block: "
        "archive-then-upload, linux-desktop-egress-baseline, linux-server-egress-baseline"
    ) == raised.value.message
    assert ("the hunt device-card has no sweep block", "there is no hunt 'nope'") == raised.value.details


@pytest.mark.fault("A20", before="assert 'wrong' not in {'wrong', …}: it was a hunt not run")
async def test_a_file_that_cannot_be_used_is_no_outcome_of_a_sweep(app: Sweeping, tmp_path: Path) -> None:
    """Its author is told elsewhere; the sweep is complete without it."""
    write(tmp_path, "wrong.yaml", "id: 1")
    hunts = tuple(hunt for hunt in app.tools.catalog.hunts if hunt.name == ARCHIVES)
    app.tools = replace(app.tools, catalog=Catalog(hunts, load_hunts(tmp_path).broken))
    run = await app.swept()
    done = await app.done(run)

    assert ("completed", [ARCHIVES]) == (done.status, [each.hunt for each in done.outcomes])


@pytest.mark.parametrize("body", [b"", b"[]", b'{"hunt": []}', b'{"hunts": [7]}'])
def test_a_malformed_sweep_request_is_refused(body: bytes) -> None:
    """An empty body, a list, an unknown field and a name that is no text are the caller's mistake."""
    with pytest.raises(InvalidRequest):
        parse_sweep(body)


def test_a_sweep_request_names_hunts_or_none_for_all() -> None:
    """A hunt that is named twice is swept once, and an empty object asks for all hunts."""
    assert (("a", "b"), ()) == (parse_sweep(b'{"hunts": ["a", "b", "a"]}'), parse_sweep(b"{}"))
