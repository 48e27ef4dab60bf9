"""Which devices a hunt applies to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.kql.write import device_query
from shared.model.entity import Device
from shared.model.hunt import AppliesTo

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("os_platform", "device_type", "excluded"),
    [("Linux", "Server", False), ("linux", "server", False), ("", "", False), ("Linux", "IoT", False),
     ("Linux", "Workstation", True), ("", "Workstation", True), ("Windows11", "Server", True)],
)  # fmt: skip
def test_only_a_known_fact_excludes_a_device(os_platform: str, device_type: str, excluded: bool) -> None:
    """An unknown platform or type does not exclude it, nor does a type that says nothing about its kind."""
    assert excluded is AppliesTo(("Linux",), ("Server",)).excludes(os_platform, device_type)


@pytest.mark.fault("A22", before="an osPlatform of Unknown, Other or None excluded the device")
@pytest.mark.parametrize("os_platform", ["Unknown", "unknown", "Other", "None", "NONE", ""])
def test_a_platform_that_says_nothing_excludes_no_device(os_platform: str) -> None:
    """Nor does the query leave it out: what Python says of a platform, the query says, too."""
    assert not AppliesTo(("Linux",)).excludes(os_platform, "")
    query = device_query("DeviceInfo", [Device("a" * 40)], take=1, end=NOW, applies_to=AppliesTo(("Linux",)))

    assert 'isnotempty(OSPlatform) and OSPlatform !in~ ("Linux", "none", "other", "unknown")' in query
