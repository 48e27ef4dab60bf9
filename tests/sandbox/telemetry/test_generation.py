"""The generated fleet, and the intrusions that are planted in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import device_id, generate
from sandbox.tenant.incidents import generate as make_up
from sandbox.tenant.intrusions import DROP_ADDRESS, chains, intrusions, plant
from sandbox.tenant.state import Tenant

END = datetime(2026, 3, 10, 12, tzinfo=UTC)
TABLES = ("DeviceInfo", "DeviceNetworkEvents", "DeviceProcessEvents", "DeviceFileEvents")

LINUX_EGRESS = """
let LinuxDeviceIds = DeviceInfo | where OSPlatform == "Linux" | distinct DeviceId;
DeviceNetworkEvents
| where Timestamp > ago(24h)
| where DeviceId in (LinuxDeviceIds)
| where RemoteIPType == "Public"
| where RemoteIP !startswith "127."
"""
SERVER_EGRESS = LINUX_EGRESS + '| where InitiatingProcessFileName !in ("sensecm")'
DESKTOP_EGRESS = (
    LINUX_EGRESS
    + """
| where InitiatingProcessFileName !in ("sensecm", "snapd", "networkmanager", "fwupdmgr")
| where InitiatingProcessFolderPath !startswith "/usr/lib/apt/"
| where InitiatingProcessCommandLine !contains "ubuntu-release-upgrader"
"""
)
ARCHIVE_THEN_UPLOAD = """
let ArchiveProc = DeviceProcessEvents
| where Timestamp > ago(24h)
| where FileName in ("tar", "zip", "gzip")
| where ProcessCommandLine has_any (".zip", ".tgz", ".tar", "tar -c", "tar -cz", "zip ")
| project DeviceId, DeviceName, ArchiveTime = Timestamp, AccountName;
let UploadEgress = DeviceNetworkEvents
| where Timestamp > ago(24h)
| where RemoteIP !startswith "127."
| where RemoteIPType == "Public" or isempty(RemoteIPType)
| where InitiatingProcessFileName in ("curl", "wget", "python", "python3", "openssl", "scp", "sftp")
| project DeviceId, NetTime = Timestamp, RemoteIP;
ArchiveProc
| join kind=inner (UploadEgress) on DeviceId
| where NetTime between (ArchiveTime .. (ArchiveTime + 30m))
"""
FILE_ORIGIN = """
DeviceFileEvents
| where FileOriginUrl contains "updates.evil.example" or FileOriginReferrerUrl contains "updates.evil.example"
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with a small fleet and all intrusions, and without what else happens (`test_life`)."""
    engine = Engine()
    generate(engine, devices=40, days=2, end=END, life=False)
    plant(engine, intrusions(END))
    return engine


def hunt(engine: Engine, query: str) -> list[dict[str, Any]]:
    """Run *query* over all telemetry, and return its rows."""
    return engine.hunt(query, start=END - timedelta(days=30), end=END, now=END)[1]


def rows(seed: int) -> list[list[dict[str, Any]]]:
    """Return every row of one day in a new fleet, table by table."""
    engine = Engine()
    generate(engine, devices=40, days=1, seed=seed, end=END)
    return [hunt(engine, f"{table} | order by DeviceId asc, Timestamp asc, ReportId asc") for table in TABLES]


def test_the_same_arguments_give_the_same_rows() -> None:
    """Another seed gives other rows in every table."""
    first = rows(1)

    assert rows(1) == first
    assert all(other != one for other, one in zip(rows(2), first, strict=True))


def test_every_device_reports_every_hour(engine: Engine) -> None:
    """Each of the 40 devices sends one heartbeat per hour, all of them before the end."""
    found = hunt(engine, "DeviceInfo | summarize N = count(), Last = max(Timestamp) by DeviceName")

    assert 40 == len(found)
    assert {48} == {row["N"] for row in found}
    assert all(row["Last"] < "2026-03-10T12" for row in found)


def test_the_fleet_has_devices_of_every_kind(engine: Engine) -> None:
    """There are servers and clients of Linux and Windows, a Mac, a network device, and some of no known type."""
    found = hunt(engine, "DeviceInfo | summarize N = dcount(DeviceId) by DeviceType, OSPlatform")

    assert {
        ("Server", "Linux"): 16,
        ("Workstation", "Linux"): 12,
        ("Workstation", "Windows11"): 6,
        ("Server", "WindowsServer2022"): 2,
        ("Workstation", "macOS"): 1,
        ("", "Linux"): 2,
        ("NetworkDevice", "Linux"): 1,
    } == {(row["DeviceType"], row["OSPlatform"]): row["N"] for row in found}


def test_no_remote_address_is_a_real_one(engine: Engine) -> None:
    """Every address is reserved for documentation, private or loopback."""
    public = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    allowed = [ip_network(block) for block in (*public, "10.0.0.0/8", "127.0.0.0/8")]
    found = {row["RemoteIP"] for row in hunt(engine, "DeviceNetworkEvents | distinct RemoteIP")}

    assert 100 < len(found)
    assert set() == {a for a in found if not any(ip_address(a) in block for block in allowed)}


def test_only_the_planted_upload_follows_an_archive(engine: Engine) -> None:
    """Only srv-7 uploads in time; srv-3 does so a minute too late, or does not leave the machine."""
    found = hunt(engine, ARCHIVE_THEN_UPLOAD)

    assert [("srv-7.contoso.com", DROP_ADDRESS)] == [(row["DeviceName"], row["RemoteIP"]) for row in found]


def test_the_server_baseline_shows_the_planted_address(engine: Engine) -> None:
    """It shows other addresses, too, but none that Defender's own sensor talks to."""
    found = hunt(engine, SERVER_EGRESS + '| where DeviceName == "srv-7.contoso.com"')

    assert DROP_ADDRESS in {row["RemoteIP"] for row in found}
    assert 5 < len(found)
    assert "sensecm" not in {row["InitiatingProcessFileName"] for row in found}


def test_the_desktop_baseline_leaves_out_system_services(engine: Engine) -> None:
    """It shows the connection of python3, and not that of snapd."""
    query = DESKTOP_EGRESS + '| where DeviceName startswith "wks-012" and RemoteIP startswith "203.0.113."'
    found = hunt(engine, query)

    assert ["python3"] == [row["InitiatingProcessFileName"] for row in found]


def test_a_file_origin_is_its_url_or_its_referrer(engine: Engine) -> None:
    """One device got a file from the searched domain, and another through a page on it."""
    found = hunt(engine, FILE_ORIGIN)

    assert {"wks-012.contoso.com", "pc-002.contoso.com"} == {row["DeviceName"] for row in found}


def test_the_silent_device_sends_nothing(engine: Engine) -> None:
    """It is the one that Defender lost, and no table has a row of it."""
    counts = [hunt(engine, f'{table} | where DeviceName startswith "srv-lost" | count') for table in TABLES]

    assert [[{"Count": 0}]] * 4 == counts


def test_incidents_name_devices_of_the_fleet(engine: Engine) -> None:
    """Every device id in the evidence is that of a device in the telemetry."""
    known = {row["DeviceId"] for row in hunt(engine, "DeviceInfo | distinct DeviceId")}
    named = {
        item["mdeDeviceId"]
        for intrusion in (*intrusions(END), *chains(END))
        for alert in intrusion.incident["alerts"]
        for item in alert["evidence"]
        if item.get("mdeDeviceId")
    }

    assert device_id("srv-7.contoso.com") in named
    assert set() == named - known


def test_made_up_incidents_name_devices_of_the_fleet(engine: Engine) -> None:
    """They are about devices that report, with the platform that these report."""
    tenant = Tenant(engine, (), clock=lambda: END)
    made = [make_up(tenant)["alerts"][0]["evidence"][0] for _ in range(50)]
    known = hunt(engine, "DeviceInfo | distinct DeviceId, DeviceName, OSPlatform")

    assert 40 == len(tenant.fleet)
    assert set() == {(d["mdeDeviceId"], d["deviceDnsName"], d["osPlatform"]) for d in made} - {
        (row["DeviceId"], row["DeviceName"], row["OSPlatform"]) for row in known
    }
    assert len({d["deviceDnsName"] for d in made}) > 20


def test_a_fleet_that_is_too_small_is_refused() -> None:
    """The planted intrusions need at least 40 devices."""
    with pytest.raises(ValueError, match="at least 40 devices"):
        generate(Engine(), devices=39, end=END)


def test_progress_ends_with_all_devices_done() -> None:
    """The last call says that 40 of 40 devices are done."""
    calls: list[tuple[int, int]] = []
    generate(Engine(), devices=40, days=1, end=END, progress=lambda done, total: calls.append((done, total)))

    assert (40, 40) == calls[-1]
