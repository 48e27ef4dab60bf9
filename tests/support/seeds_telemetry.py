"""
Telemetry over which a hunt of ours and the published hunt it comes from must find the same rows.

It holds the hunts' edge cases, in every combination or at random.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from sandbox.telemetry.engine import Engine

if TYPE_CHECKING:
    from random import Random

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KINDS = {
    "srv-1": ("Linux", "Server"),
    "srv-2": ("Linux", "Server"),
    "wks-1": ("Linux", "Workstation"),
    "box-1": ("Linux", ""),
    "pc-1": ("Windows11", "Workstation"),
    "mac-1": ("macOS", "Workstation"),
}
TICK, HALF_HOUR, DAY = timedelta(microseconds=1), timedelta(minutes=30), timedelta(hours=24)
PACKED = timedelta(hours=5)
PROCESSES = (
    "sensecm",
    "SENSECM",
    "snapd",
    "networkmanager",
    "NetworkManager",
    "fwupdmgr",
    "curl",
    "",
    "http",
)
ADDRESSES = (("203.0.113.9", "Public"), ("127.0.0.1", "Public"), ("10.0.0.5", "Private"), ("203.0.113.7", ""))
FOLDERS = ("/usr/bin/", "/usr/lib/apt/methods/http", "/USR/LIB/APT/methods/", "")
COMMANDS = ("run", "python3 /usr/lib/Ubuntu-Release-Upgrader/check", "")
ARCHIVERS = ("tar", "TAR", "zip", "gzip", "7z")
ARCHIVE_COMMANDS = ("tar -czf /tmp/x.tgz /srv", "zip x.ZIP .", "gzip x", "tar xf y", "")
TOOLS = ("curl", "CURL", "scp", "perl")
AFTER = (timedelta(0), -TICK, TICK, HALF_HOUR - TICK, HALF_HOUR, HALF_HOUR + TICK)
URLS = ("", "203.0.113.9", "http://203.0.113.9/x", "https://EVIL.example/A/b", "https://evil.example/b",
        "https://notevil.example/a")  # fmt: skip
ORIGINS = ("", "203.0.113.9", "203.0.113.99")

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def identity(name: str) -> str:
    """Return the device id, 40 hexadecimal digits, of the device *name* in this telemetry."""
    return f"{list(KINDS).index(name):040x}"


def on(name: str, at: timedelta, **row: Any) -> Row:
    """Return a row of the device *name*, *at* before NOW; in some rows its name is in capitals."""
    full = f"{name}.contoso.com"
    capitals = sum(len(str(value)) for value in row.values()) % 3 == 0
    return {
        "Timestamp": NOW - at,
        "DeviceId": identity(name),
        "DeviceName": full.upper() if capitals else full,
        **row,
    }


def connection(
    name: str, at: timedelta, process: str, address: tuple[str, str], folder: str, command: str
) -> Row:
    """Return a row of DeviceNetworkEvents; *address* is an IP address and its type."""
    ip, kind = address
    return on(name, at, InitiatingProcessFileName=process, RemoteIP=ip, RemoteIPType=kind, RemotePort=443,
              InitiatingProcessFolderPath=folder, InitiatingProcessCommandLine=command, Protocol="Tcp")  # fmt: skip


def every_combination() -> Tables:
    """
    Return tables in which all edge cases are combined with each other.

    They are times on both sides of each limit, what the hunts exclude, names in another case, and empty
    values.
    """
    times = (timedelta(minutes=1), timedelta(hours=23, minutes=59), DAY, timedelta(hours=25))
    grid = list(product(PROCESSES, ADDRESSES, FOLDERS, COMMANDS, times))
    network = [
        connection(name, at, process, address, folder, command)
        for name in KINDS
        for process, address, folder, command, at in grid[list(KINDS).index(name) % 2 :: 2] + grid[:40]
    ]
    network += [
        connection(name, PACKED - after, tool, address, "", f"{tool} up")
        for after, tool, address, name in product(AFTER, TOOLS, ADDRESSES, KINDS)
    ]
    return {
        "DeviceInfo": [
            on(n, timedelta(hours=h), OSPlatform=k[0], DeviceType=k[1]) for n, k in KINDS.items() for h in (1, 9, 20)
        ],
        "DeviceNetworkEvents": network,
        "DeviceProcessEvents": [
            on(name, PACKED, FileName=file, ProcessCommandLine=command, AccountName="svc")
            for name, file, command in product(KINDS, ARCHIVERS, ARCHIVE_COMMANDS)
        ],
        "DeviceFileEvents": [
            on(name, timedelta(hours=2), FileName=f"f{n}", FileOriginUrl=url, FileOriginReferrerUrl=referrer,
               FileOriginIP=ip, SHA1=f"{n:040x}")
            for name in KINDS
            for n, (url, referrer, ip) in enumerate(product(URLS, URLS, ORIGINS))
        ],
    }  # fmt: skip


def near(chance: Random, *values: str) -> str:
    """Return one of *values*; in about 3 of 10 cases, a character is changed, removed or inserted."""
    value = chance.choice(values)
    if chance.random() < 0.3:
        at = chance.randrange(len(value) + 1)
        new = chance.choice([value[at : at + 1].swapcase(), "", *" \"'\\*%_.é"])
        value = value[:at] + new + value[at + chance.randrange(2) :]
    return value


def some_time(chance: Random) -> timedelta:
    """Return a random time before NOW, as a timedelta: up to 25 hours, or at an edge of the last 24 hours."""
    edge = chance.choice([timedelta(0), TICK, DAY - TICK, DAY, DAY + TICK])
    return chance.choice([edge, *[timedelta(seconds=chance.uniform(0, 90_000))] * 4])


def some_address(chance: Random) -> tuple[str, str]:
    """Return a random IP address and its type, most often one that the hunts look for."""
    address = near(chance, "127.0.0.1", "12"), chance.choice(["Public", "public", "Private", ""])
    return chance.choice([*ADDRESSES, *[ADDRESSES[0]] * 4, address])


def egress_by_chance(chance: Random) -> Tables:
    """Return tables of random devices whose platform and type change, and their connections."""
    platforms = ["Linux"] * 4 + ["linux", "Windows11", ""]
    types = ["Server", "SERVER", "Workstation", "workstation", "NetworkDevice", ""]
    upgrade = "ubuntu-release-upgrader"
    return {
        # All at different times: of two rows at the same time, either could count as the latest.
        "DeviceInfo": [
            on(chance.choice(list(KINDS)), timedelta(hours=hour),
               OSPlatform=chance.choice(platforms), DeviceType=chance.choice(types))
            for hour in chance.sample(range(30), 14)
        ],
        "DeviceNetworkEvents": [
            connection(chance.choice(list(KINDS)), some_time(chance), near(chance, *PROCESSES), some_address(chance),
                       near(chance, *FOLDERS), near(chance, *COMMANDS) + near(chance, upgrade, "", "") + "é")
            for _ in range(60)
        ],
    }  # fmt: skip


def upload_by_chance(chance: Random) -> Tables:
    """Return tables of random archive commands, and of connections up to 40 minutes after them."""
    names = ["srv-1", "srv-1", "srv-2"]
    starts = [PACKED, DAY - TICK, DAY - HALF_HOUR, DAY, DAY + TICK]
    return {
        "DeviceProcessEvents": [
            on(chance.choice(names), chance.choice(starts), FileName=near(chance, *ARCHIVERS),
               ProcessCommandLine=near(chance, *ARCHIVE_COMMANDS) + near(chance, "", ".tar", "zip ", "-cz"))
            for _ in range(20)
        ],
        "DeviceNetworkEvents": [
            connection(chance.choice(names), chance.choice(starts) - after, near(chance, *TOOLS, "python3"),
                       some_address(chance), "", "")
            for _ in range(8)
            for after in (*AFTER, timedelta(seconds=chance.uniform(-60, 2_400)))
        ],
    }  # fmt: skip


def download_by_chance(chance: Random) -> Tables:
    """Return a table of random files, with the addresses and URLs that they came from."""

    def url() -> str:
        return near(chance, *URLS, "evil.example/A") + near(chance, "", "", "/evil.example/a?")

    return {
        "DeviceFileEvents": [
            on(chance.choice(list(KINDS)), some_time(chance), FileName="f", FileOriginUrl=url(),
               FileOriginReferrerUrl=url(), FileOriginIP=near(chance, *ORIGINS))
            for _ in range(60)
        ]
    }  # fmt: skip


def filled(tables: Tables) -> Engine:
    """Return an engine that holds *tables*."""
    engine = Engine()
    for table, rows in tables.items():
        engine.load(table, rows)
    return engine
