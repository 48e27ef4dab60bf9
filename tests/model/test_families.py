"""`appliesTo.osPlatform` takes Windows as a family, and Python, the query and Microsoft's parser agree about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.kusto.judge import Judge
from sandbox.telemetry.engine import Engine
from shared.kql.write import fleet_query
from shared.model.hunt import AppliesTo

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLATFORMS = (
    "Windows10", "Windows11", "windows11", "Windows10WVD", "WindowsServer2019", "WindowsServer2022", "Windows",
    "Linux", "linux", "macOS", "MacOS", "iOS", "Android", "", "Unknown", "Other", "None",
)  # fmt: skip
UNKNOWN = {"", "Unknown", "Other", "None"}
WINDOWS = {platform for platform in PLATFORMS if platform.lower().startswith("windows")}
FOR = {
    ("Windows",): WINDOWS | UNKNOWN,
    ("windows",): WINDOWS | UNKNOWN,
    ("Linux",): {"Linux", "linux", *UNKNOWN},
    ("macOS",): {"macOS", "MacOS", *UNKNOWN},
    ("Windows", "macOS"): WINDOWS | {"macOS", "MacOS"} | UNKNOWN,
    ("Windows11",): {"Windows11", "windows11", *UNKNOWN},
    ("WindowsServer2019", "Linux"): {"WindowsServer2019", "Linux", "linux", *UNKNOWN},
    (): set(PLATFORMS),
}
EACH = pytest.mark.parametrize(("wanted", "fit"), FOR.items(), ids=map("+".join, FOR))


@EACH
def test_a_family_is_every_platform_that_begins_with_its_name(wanted: tuple[str, ...], fit: set[str]) -> None:
    """Windows is Windows11 and WindowsServer2019 alike; an exact name is itself, in any case."""
    applies_to = AppliesTo(wanted)

    assert fit == {platform for platform in PLATFORMS if not applies_to.excludes(platform, "")}


@EACH
def test_the_query_leaves_out_the_same_devices(wanted: tuple[str, ...], fit: set[str]) -> None:
    """Devices of the other kinds are left out in the query itself."""
    engine = Engine()
    rows = [
        {"Timestamp": NOW - timedelta(hours=1), "DeviceId": f"{n:040x}", "OSPlatform": platform}
        for n, platform in enumerate(PLATFORMS)
    ]
    engine.load("DeviceInfo", rows)
    query = fleet_query("DeviceInfo", end=NOW, applies_to=AppliesTo(wanted))
    _, found = engine.hunt(query, start=NOW - timedelta(days=1), end=NOW, now=NOW)
    engine.close()

    assert fit == {PLATFORMS[int(row["DeviceId"], 16)] for row in found}


@pytest.mark.node
@pytest.mark.parametrize("wanted", FOR, ids=map("+".join, FOR))
def test_microsofts_parser_accepts_the_condition(wanted: tuple[str, ...], judge: Judge) -> None:
    """It has no error or warning."""
    assert [] == judge(fleet_query("DeviceInfo", end=NOW, applies_to=AppliesTo(wanted))).diagnostics
