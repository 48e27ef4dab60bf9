"""Which devices a hunt applies to."""

from __future__ import annotations

import pytest

from shared.model.hunt import AppliesTo


@pytest.mark.parametrize(
    ("os_platform", "device_type", "excluded"),
    [("Linux", "Server", False), ("linux", "server", False), ("", "", False), ("Linux", "IoT", False),
     ("Linux", "Workstation", True), ("", "Workstation", True), ("Windows11", "Server", True)],
)  # fmt: skip
def test_only_a_known_fact_excludes_a_device(os_platform: str, device_type: str, excluded: bool) -> None:
    """An unknown platform or type does not exclude it, nor does a type that says nothing about its kind."""
    assert excluded is AppliesTo(("Linux",), ("Server",)).excludes(os_platform, device_type)
