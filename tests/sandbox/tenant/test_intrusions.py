"""The planted intrusions: what they leave behind, and where."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.tenant.intrusions import Intrusion, chains, intrusions, plant

END = datetime(2026, 3, 11, 12, tzinfo=UTC)
ALL = {one.name: one for one in (*intrusions(END), *chains(END))}
CHAINS = [one.name for one in chains(END)]
TABLES = {
    "ransom": {"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceRegistryEvents", "DeviceEvents", "DeviceLogonEvents", "DeviceImageLoadEvents"},
    "webshell": {"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceEvents"},
    "miner": {"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceEvents"},
    "stealer": {"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceEvents"},
}  # fmt: skip
PUBLIC = [ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "127.0.0.0/8")]  # fmt: skip


@pytest.fixture(params=CHAINS)
def chain(request: pytest.FixtureRequest) -> Intrusion:
    """One of the intrusions that go from the first command to the last."""
    return ALL[request.param]


def test_no_two_are_on_one_device() -> None:
    """So each row says which it belongs to."""
    where = Counter(device for one in ALL.values() for device in {row["DeviceId"] for _, row in one.rows})

    assert {1} == set(where.values())


def test_incidents_have_numbers_of_their_own() -> None:
    """Two of the same number would be one."""
    assert len(ALL) == len({one.incident["id"] for one in ALL.values()})


def test_a_chain_is_whole(chain: Intrusion) -> None:
    """It leaves rows in each of the tables that Defender would have some in, all within two hours, and they can be loaded."""
    engine = Engine()
    plant(engine, [chain])

    assert TABLES[chain.name] == {table for table, _ in chain.rows}
    assert all(END - timedelta(hours=2) <= row["Timestamp"] <= END for _, row in chain.rows)
    (count,) = engine.connection.execute("SELECT count(*) FROM DeviceProcessEvents").fetchone() or (0,)
    assert count == sum(table == "DeviceProcessEvents" for table, _ in chain.rows)


def test_the_rows_of_a_chain_are_as_defender_writes_them(chain: Intrusion) -> None:
    """Each has the process behind it; what started has hashes, and on Windows an integrity level."""
    windows = chain.name in {"ransom", "webshell"}
    for table, row in chain.rows:
        assert row["InitiatingProcessFileName"], row
        assert re.fullmatch("[0-9a-f]{40}", row["InitiatingProcessSHA1"])
        if table == "DeviceProcessEvents":
            assert row["FileName"] == re.split(r"[/\\]", row["FolderPath"])[-1]
            assert re.fullmatch("[0-9a-f]{64}", row["SHA256"])
            assert windows == bool(row["ProcessIntegrityLevel"])
            assert windows == bool(row["AccountSid"])


def test_addresses_and_domains_are_ones_of_documentation() -> None:
    """No row names a host that somebody has."""
    for one in ALL.values():
        for _, row in one.rows:
            if address := row.get("RemoteIP"):
                assert any(ip_address(address) in block for block in PUBLIC), address
            assert re.fullmatch(r"|(?:[\w-]+\.)+(?:example|contoso\.com)", row.get("RemoteUrl", "").lower())


def test_evidence_is_of_what_was_left(chain: Intrusion) -> None:
    """Files that an incident names are in the telemetry under the same hash, and so are its addresses."""
    evidence = chain.incident["alerts"][0]["evidence"]
    hashes = {item["fileDetails"]["sha1"] for item in evidence if "fileDetails" in item}
    addresses = {item["ipAddress"] for item in evidence if "ipAddress" in item}

    assert hashes
    assert addresses
    assert hashes <= {row.get("SHA1") for _, row in chain.rows}
    assert addresses <= {row.get("RemoteIP") for _, row in chain.rows}
