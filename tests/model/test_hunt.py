"""Which devices a hunt applies to."""

from __future__ import annotations

import pytest

from shared.model.hunt import AppliesTo


@pytest.mark.parametrize(
    ("os_platform", "device_type", "excluded"),
    [("Linux", "Server", False), ("linux", "server", False), ("", "", False), ("Linux", "IoT", False),
     ("Linux", "Workstation", True), ("", "Workstation", True), ("Windows11", "Server", True)],
)  # fmt: skip
def test_applies_to(os_platform: str, device_type: str, excluded: bool) -> None:
    """Only a known fact excludes a device: an unknown one, or a type that says nothing, does not."""
    assert excluded is AppliesTo(("Linux",), ("Server",)).excludes(os_platform, device_type)
