"""On the sandbox's host: workers and hosts that die one after the other, and a stop between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.answering import Tenant
from tests.support.deployed import served
from tests.support.machine import Machine, storm, until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.fault("H2", before="what the host's death cut off was commented after 607 to 617 seconds")
def test_every_incident_is_commented_once_through_all_deaths(tmp_path: Path) -> None:
    """Twenty incidents; the worker killed every 3 seconds, the host once, and a stop; all done within three minutes."""
    tenant, numbers = Tenant(delay=0.5), range(7001, 7021)
    with served(tenant) as address:
        machine = Machine(tmp_path, address)
        try:
            machine.start()
            for number in numbers:
                machine.enrich(number)
            last = storm(machine, seconds=16, worker=3, host=10, stop=6)
            until(tenant, numbers, 200)
        finally:
            machine.close()

    assert dict.fromkeys(numbers, 1) == {each: len(texts) for each, texts in sorted(tenant.comments.items())}
    assert max(tenant.times.values()) - last < 180
