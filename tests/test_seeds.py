"""
Each shipped hunt gives the rows of the published hunt it comes from, over the same telemetry.

The published queries stand in `tests/seeds/`, their placeholders filled in.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import Engine
from shared import catalog, kql
from shared.entities import Device, Indicator

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEEDS = Path(__file__).with_name("seeds")
HUNTS = catalog.load().by_name
KINDS = {
    "srv-1": ("Linux", "Server"),
    "srv-2": ("Linux", "Server"),
    "wks-1": ("Linux", "Workstation"),
    "box-1": ("Linux", ""),
    "pc-1": ("Windows11", "Workstation"),
    "mac-1": ("macOS", "Workstation"),
}


def identity(name: str) -> str:
    """A device's id in this telemetry."""
    return f"{list(KINDS).index(name):040x}"


def on(name: str, at: timedelta, **row: Any) -> dict[str, Any]:
    """A row of a device, *at* before now; its name in capitals now and then."""
    return {"Timestamp": NOW - at, "DeviceId": identity(name), "DeviceName": f"{name}.contoso.com", **row}


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Telemetry full of traps: case, empty values, both sides of every edge, what is excluded."""
    engine = Engine()
    engine.load(
        "DeviceInfo",
        [
            on(n, timedelta(hours=h), OSPlatform=k[0], DeviceType=k[1])
            for n, k in KINDS.items()
            for h in (1, 9, 20)
        ],
    )
    processes = [
        "sensecm",
        "SENSECM",
        "snapd",
        "networkmanager",
        "NetworkManager",
        "fwupdmgr",
        "curl",
        "",
        "http",
    ]
    addresses = [
        ("203.0.113.9", "Public"),
        ("127.0.0.1", "Public"),
        ("10.0.0.5", "Private"),
        ("203.0.113.7", ""),
    ]
    folders = ["/usr/bin/", "/usr/lib/apt/methods/http", "/USR/LIB/APT/methods/", ""]
    commands = ["run", "python3 /usr/lib/Ubuntu-Release-Upgrader/check", ""]
    times = [timedelta(minutes=1), timedelta(hours=23, minutes=59), timedelta(hours=24), timedelta(hours=25)]
    grid = list(product(processes, addresses, folders, commands, times))
    network = [
        on(name, at, InitiatingProcessFileName=process, RemoteIP=ip, RemoteIPType=kind, RemotePort=443,
           InitiatingProcessFolderPath=folder, InitiatingProcessCommandLine=command, Protocol="Tcp")
        for name in KINDS
        for process, (ip, kind), folder, command, at in grid[list(KINDS).index(name) % 2 :: 2] + grid[:40]
    ]  # fmt: skip
    packed = timedelta(hours=5)
    processes_run = [
        on(name, packed, FileName=file, ProcessCommandLine=command, AccountName="svc")
        for name in KINDS
        for file in ("tar", "TAR", "zip", "gzip", "7z")
        for command in ("tar -czf /tmp/x.tgz /srv", "zip x.ZIP .", "gzip x", "tar xf y", "")
    ]
    tick = timedelta(microseconds=1)
    thirty = timedelta(minutes=30)
    for after in (timedelta(0), -tick, tick, thirty - tick, thirty, thirty + tick):
        for tool, (ip, kind) in product(("curl", "CURL", "scp", "perl"), addresses):
            network += [
                on(name, packed - after, InitiatingProcessFileName=tool, RemoteIP=ip, RemoteIPType=kind,
                   RemotePort=22, InitiatingProcessCommandLine=f"{tool} up")
                for name in KINDS
            ]  # fmt: skip
    engine.load("DeviceNetworkEvents", network)
    engine.load("DeviceProcessEvents", processes_run)
    urls = ["", "203.0.113.9", "http://203.0.113.9/x", "https://EVIL.example/A/b", "https://evil.example/b",
            "https://notevil.example/a"]  # fmt: skip
    engine.load(
        "DeviceFileEvents",
        [
            on(name, timedelta(hours=2), FileName=f"f{n}", FileOriginUrl=url, FileOriginReferrerUrl=referrer,
               FileOriginIP=ip, SHA1=f"{n:040x}")
            for name in KINDS
            for n, (url, referrer, ip) in enumerate(product(urls, urls, ["", "203.0.113.9", "203.0.113.99"]))
        ],
    )  # fmt: skip
    return engine


def run(engine: Engine, query: str, columns: list[str] | None = None) -> tuple[Counter[Any], list[str]]:
    """The rows of a query over the last day, counted, on *columns* or its own."""
    schema, rows = engine.hunt(
        query, start=NOW - timedelta(hours=24) + timedelta(microseconds=1), end=NOW, now=NOW
    )
    names = columns or [column["name"] for column in schema]
    return Counter(tuple(str(row[name]) for name in names) for row in rows), names


@pytest.mark.parametrize(
    ("hunt", "devices"),
    [
        ("linux-server-egress-baseline", ["srv-1", "srv-2", "box-1"]),
        ("linux-desktop-egress-baseline", ["wks-1", "box-1"]),
    ],
)
def test_baselines(engine: Engine, hunt: str, devices: list[str]) -> None:
    """A baseline gives its seed's rows over the devices of its kind, and none of the others."""
    wanted, columns = run(engine, (SEEDS / f"{hunt}.kql").read_text())
    where = columns.index("DeviceName")
    wanted = Counter({row: n for row, n in wanted.items() if row[where].split(".")[0] in devices})
    everyone = [Device(identity(name)) for name in KINDS]
    shipped = HUNTS[hunt]
    query = kql.device_query(shipped.query, everyone, take=100_000, applies_to=shipped.applies_to)

    assert wanted
    assert wanted == run(engine, query, columns)[0]
    assert wanted == run(engine, kql.fleet_query(shipped.query, applies_to=shipped.applies_to), columns)[0]


@pytest.mark.parametrize(
    "device", [Device(identity("srv-1")), Device(name="srv-1"), Device(name="SRV-1.contoso.com")]
)
def test_archive_then_upload(engine: Engine, device: Device) -> None:
    """Archive and upload give the seed's rows, the 30 minutes inclusive, by id, short or full name."""
    wanted, columns = run(engine, (SEEDS / "archive-then-upload.kql").read_text())
    query = kql.device_query(HUNTS["archive-then-upload"].query, [device], take=100_000)

    assert wanted
    assert wanted == run(engine, query, columns)[0]


def test_file_origin(engine: Engine) -> None:
    """File origin gives the seed's rows and those whose FileOriginIP is the address, and no other."""
    seed = (SEEDS / "file-origin.kql").read_text()
    ip, url = Indicator("ip", "203.0.113.9"), Indicator("url", "evil.example/a")
    shipped = HUNTS["file-origin"].query
    by_ip = seed.replace(
        'FileOriginUrl contains "evil.example/a" or FileOriginReferrerUrl contains "evil.example/a"',
        'FileOriginIP == "203.0.113.9"',
    )
    by_url = seed.replace('FileOriginUrl == "203.0.113.9" or ', "")
    addresses, columns = run(engine, by_ip)
    pages, _ = run(engine, by_url)

    assert addresses
    assert pages
    assert addresses == run(engine, kql.indicator_query(shipped, [ip], take=100_000), columns)[0]
    assert pages == run(engine, kql.indicator_query(shipped, [url], take=100_000), columns)[0]
    assert addresses + pages == run(engine, kql.indicator_query(shipped, [ip, url], take=100_000), columns)[0]
