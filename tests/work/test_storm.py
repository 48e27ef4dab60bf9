"""On the sandbox's host: workers and hosts that die one after the other, and a stop between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.machine import weather

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.fault("H2", before="what the host's death cut off was commented after 607 to 617 seconds")
def test_every_incident_is_commented_once_through_all_deaths(tmp_path: Path) -> None:
    """Twenty incidents; the worker killed every 3 seconds, the host once, and a stop; all done within three minutes."""
    _, seconds, _ = weather(tmp_path, range(7001, 7021), most=200, seconds=16, worker=3, host=10, stop=6)

    assert seconds < 180
