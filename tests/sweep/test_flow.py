"""A sweep of the fleet, in a tenant that answers whole, and in one that does all to prevent it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.catalog.load import load_hunts
from shared.catalog.select import select_for_sweep
from shared.entities.request import parse_sweep
from shared.errors import InvalidRequest
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

DROP, RELAY, STAGE = "203.0.113.9", "203.0.113.77", "203.0.113.44"
EVERY = {ARCHIVES, DESKTOPS, SERVERS}
# On the desktop, what the system does by itself; on the server, worth a look.
SYSTEM = {"http", "snapd", "fwupdmgr", "networkmanager"}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Telemetry for all tests of this module."""
    return Fleet(devices=200, days=7)


@pytest.fixture
async def app(fleet: Fleet) -> AsyncIterator[Sweeping]:
    """Outrider in a tenant of its own."""
    app = Sweeping(fleet)
    yield app
    await app.close()


async def test_done(app: Sweeping) -> None:
    """A sweep ends with an outcome for every hunt that has a sweep block, and says what is new in one line."""
    run = await app.swept()
    done = await app.done(run)

    assert "completed" == done.status
    assert EVERY == {outcome.hunt for outcome in done.outcomes}
    assert {"found"} == {outcome.outcome for outcome in done.outcomes}
    assert done.verdict.startswith("sweep of 3 hunts: archive-then-upload 1 new destination on 1 device; ")
    assert done.verdict.endswith("; coverage 100 %")


async def test_few_calls(app: Sweeping) -> None:
    """A fleet that fits into one answer is asked once a hunt, and once how many devices there are."""
    await app.swept()

    assert {200: 4} == app.answered()


@pytest.mark.parametrize(
    ("hunt", "planted"),
    [
        (SERVERS, {("srv-7", "curl", DROP), ("srv-7", "perl", DROP), ("srv-2", "wget", RELAY)}),
        (DESKTOPS, {("wks-012", "python3", STAGE), ("wks-003", "wget", RELAY)}),
    ],
)
async def test_rare_egress(app: Sweeping, hunt: str, planted: set[tuple[str, str, str]]) -> None:
    """What an intruder did on one server, or one desktop, is among the first ten rows."""
    summary = await app.summary(await app.swept(hunt), hunt)
    first = {(row.device.split(".")[0], row.process, row.destination) for row in summary.ranked[:10]}

    assert planted <= first
    assert 10 < len(summary.ranked)


async def test_noise(app: Sweeping) -> None:
    """What the system does by itself is left out on desktops and kept on servers; Defender's own in neither."""
    run = await app.swept(SERVERS, DESKTOPS)
    servers, desktops = [
        {(row["DeviceName"].split("-")[0], row["Process"]) for row in await app.rows(run, hunt)}
        for hunt in (SERVERS, DESKTOPS)
    ]

    assert SYSTEM.isdisjoint(process for _, process in desktops)
    assert {("srv", process) for process in SYSTEM} <= servers
    assert not any(process == "sensecm" for _, process in servers | desktops)
    assert ({"srv", "box"}, {"wks", "box"}) == ({kind for kind, _ in servers}, {kind for kind, _ in desktops})


async def test_newest_day(app: Sweeping, fleet: Fleet) -> None:
    """New is what a device did for the first time in the last 24 hours, and is counted exactly."""
    run = await app.swept(DESKTOPS)
    summary, rows = await app.summary(run, DESKTOPS), await app.rows(run, DESKTOPS)
    new = [row for row in rows if row["FirstSeen"] >= f"{fleet.end - timedelta(days=1):%Y-%m-%dT%H:%M:%S.%f}"]

    assert (len(rows), len(new)) == (summary.rows, summary.new_rows)
    assert len({row["DeviceId"] for row in new}) == summary.new_devices
    assert len({row["RemoteIP"] for row in new}) == summary.new_destinations
    assert len({row["RemoteIP"] for row in rows}) == summary.destinations == sum(d.new for d in summary.days)
    assert summary.days[-1].new == summary.first_destinations
    assert {row["FirstSeen"] for row in new} >= {row.first for row in summary.ranked}


async def test_rarity(app: Sweeping) -> None:
    """A row says how many devices talk to its destination, and to how many its process talks, in the whole fleet."""
    run = await app.swept(SERVERS)
    summary, rows = await app.summary(run, SERVERS), await app.rows(run, SERVERS)

    for each in (*summary.ranked[:30], *summary.ranked[-30:]):
        assert len({r["DeviceId"] for r in rows if r["RemoteIP"] == each.destination}) == each.devices
        assert len({r["RemoteIP"] for r in rows if r["Process"] == each.process}) == each.process_destinations


def test_select() -> None:
    """Hunts with a sweep block can be named; others are refused, and those that can are listed."""
    loaded = load_hunts()

    assert EVERY == {hunt.name for hunt in select_for_sweep(loaded)}
    assert [SERVERS] == [hunt.name for hunt in select_for_sweep(loaded, [SERVERS])]
    with pytest.raises(InvalidRequest) as raised:
        select_for_sweep(loaded, ["device-card", "nope"])
    assert (
        "the hunt device-card has no sweep block; these have one: "
        "archive-then-upload, linux-desktop-egress-baseline, linux-server-egress-baseline"
    ) == raised.value.details[0]
    assert raised.value.details[1].startswith("there is no hunt nope; ")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"hunt": []}', b'{"hunts": [7]}'])
def test_wrong_body(body: bytes) -> None:
    """A body that is no list of hunts is the caller's mistake."""
    with pytest.raises(InvalidRequest):
        parse_sweep(body)


def test_body() -> None:
    """A body names hunts, each once, or none for all."""
    assert (("a", "b"), ()) == (parse_sweep(b'{"hunts": ["a", "b", "a"]}'), parse_sweep(b"{}"))
