"""Which hunts for indicators can hold themselves to a window: those of which it is certain what they read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.telemetry.engine import tables
from shared.kql.tables import DATED, LOOKUPS, OF_SENTINEL, OTHERWISE_TIMED, SCOPABLE, UNSCOPABLE, UNTIMED
from shared.kql.write import can_bound, device_leg, fleet_leg, indicator_leg
from shared.model.entity import Device, Indicator

START, END = datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)
BETWEEN = "between (datetime(2026-11-22T00:00:00.000000Z) .. datetime(2026-11-24T12:00:00.000000Z))"
GIVEN = [Indicator("ip", "203.0.113.9"), Indicator("fileHash", "a" * 40)]
NO_TIME = "DeviceTvmSoftwareInventory | where SoftwareName in (_IpAddresses)"


def declared(query: str) -> list[str]:
    """Return the tables that the query is held to, as they are declared in front of it, with its window."""
    lines = indicator_leg(query, GIVEN, take=5, end=END, start=START).lines
    return [line for line in lines if line.startswith("let ") and line not in query]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("DeviceFileEvents | where SHA1 in (_FileHashes)", {"DeviceFileEvents": "Timestamp"}),
        ("EmailEvents | where SenderIPv4 in (_IpAddresses)", {"EmailEvents": "Timestamp"}),
        ("SigninLogs | where IPAddress in (_IpAddresses)", {"SigninLogs": "TimeGenerated"}),
        (NO_TIME, {}),
        ("DeviceNetworkEvents | where RemoteIP in (_IpAddresses)\n| join (DeviceTvmSoftwareInventory) on DeviceId",
         {"DeviceNetworkEvents": "Timestamp"}),
        ("union DeviceNetworkEvents, SigninLogs | where RemoteIP in (_IpAddresses) or IPAddress in (_IpAddresses)",
         {"DeviceNetworkEvents": "Timestamp", "SigninLogs": "TimeGenerated"}),
        ("let Own = DeviceFileEvents | where SHA1 in~ (_FileHashes);\nOwn | where SHA1 !in (_FileHashes)",
         {"DeviceFileEvents": "Timestamp"}),
    ],
)  # fmt: skip
def test_each_table_is_held_to_the_window_by_its_own_time(query: str, expected: dict[str, str]) -> None:
    """Defender's by Timestamp, Sentinel's by TimeGenerated; what has no time by none, and a list of values is no table."""
    assert can_bound(query, scoped=False)
    assert [f"let {table} = {table} | where {column} {BETWEEN};" for table, column in expected.items()] == (
        declared(query)
    )


@pytest.mark.parametrize(
    "query",
    [
        "Custom_CL | where Ip in (_IpAddresses)",
        "CloudStorageAggregatedEvents | where IpAddress in (_IpAddresses)",
        "DeviceNetworkEvents | where RemoteIP in (_IpAddresses) | join (Custom_CL) on DeviceId",
        "DeviceNetworkEvents | where RemoteIP in (_IpAddresses) and RemoteIP in (Watched)",
        "MyFunction() | where RemoteIP in (_IpAddresses)",
        "union Device* | where RemoteIP in (_IpAddresses)",
        "search in (DeviceNetworkEvents) '203.0.113.9' | where RemoteIP in (_IpAddresses)",
        "let t = 'DeviceNetworkEvents'; table(t) | where RemoteIP in (_IpAddresses)",
        "let DeviceInfo = DeviceNetworkEvents | where RemoteIP in (_IpAddresses); union DeviceInfo, (DeviceInfo)\n| union (workspace('x').DeviceInfo)",
    ],
)  # fmt: skip
def test_what_may_read_more_than_is_known_cannot_be_held(query: str) -> None:
    """It is refused with a window of its own; the call's timespan alone can hold it, as before."""
    assert not can_bound(query, scoped=False)
    with pytest.raises(ValueError, match="is not certain"):
        indicator_leg(query, GIVEN, take=5, end=END, start=START)
    assert BETWEEN not in indicator_leg(query, GIVEN, take=5, end=END).query


def test_every_hunt_for_devices_can_be_held() -> None:
    """All that it may read has a Timestamp, and is declared in front of it."""
    assert can_bound("DeviceInfo | take 5", scoped=True)
    assert can_bound("DeviceInfo | where PublicIP != '' | join (DeviceNetworkEvents) on DeviceId", scoped=True)  # fmt: skip


def test_what_stands_beside_devices_is_held_to_the_window_too() -> None:
    """By the time that it has: Sentinel's by its own, and what holds how things stand by none; alone or over the fleet."""
    query = (
        "DeviceLogonEvents | where TimeGenerated > ago(1d) | join (EmailEvents) on $left.AccountName == $right.RecipientObjectId\n"
        "| join (SigninLogs) on $left.AccountName == $right.UserId | lookup (IdentityInfo) on AccountName"
    )
    alike = " | extend TimeGenerated = Timestamp"
    expected = [
        f"let EmailEvents = EmailEvents | where Timestamp {BETWEEN}{alike};",
        f"let IdentityInfo = IdentityInfo{alike};",
        f"let SigninLogs = SigninLogs | where TimeGenerated {BETWEEN};",
    ]
    legs = [
        device_leg(query, [Device("a" * 40)], take=5, end=END, start=START),
        fleet_leg(query, end=END, start=START),
    ]

    for leg in legs:
        assert expected == [
            line for line in leg.lines if line.startswith("let ") and "DeviceLogonEvents" not in line
        ]
    assert all(BETWEEN not in line for line in device_leg(query, [Device("a" * 40)], take=5, end=END).lines)


def test_what_is_known_of_a_tables_time_is_what_its_schema_says() -> None:
    """Of each table that the sandbox knows; one that is dated is held to no window all the same."""
    without = OF_SENTINEL | UNTIMED | OTHERWISE_TIMED
    known = SCOPABLE | LOOKUPS | UNSCOPABLE

    assert sum(map(len, (OF_SENTINEL, UNTIMED, OTHERWISE_TIMED))) == len(known & without)
    assert sum(map(len, (SCOPABLE, LOOKUPS, UNSCOPABLE))) == len(known)
    assert frozenset() == DATED & without
    assert [] == [
        name
        for name, columns in tables().items()
        if name in known and ("Timestamp" in columns) != (name not in without)
    ]
