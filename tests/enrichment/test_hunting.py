"""How each answer is taken: up to its limit, one large one at a time, with the time it took."""

from __future__ import annotations

import asyncio
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from sandbox.telemetry.engine import Engine
from shared.work import work_on
from tests.support.endings import BENIGN, EXFILTRATION, outcome
from tests.support.tenant import Deployment

if TYPE_CHECKING:
    from shared.model.record import Done
    from tests.support.tenant import Fleet


class Counted(asyncio.Lock):
    """A lock that counts how often it was acquired."""

    taken = 0

    async def acquire(self) -> Literal[True]:
        """Acquire the lock and count it."""
        self.taken += 1
        return await super().acquire()


async def hunted(app: Deployment, incident: str) -> tuple[Done, int]:
    """Hunt on an incident; return how the run ended, and how many answers were taken as large ones."""
    lock = Counted()
    run = await app.ask(incidentId=incident)
    await work_on(msgspec.structs.replace(app.tools, large_answers=lock), run)
    done = await app.done(run)
    await app.close()
    return done, lock.taken


@pytest.mark.parametrize(("width", "large"), [(4_500, 1), (10, 0)])
@pytest.mark.parametrize(("limit", "more"), [(299, True), (300, False)])
async def test_rows_are_taken_up_to_the_limit(
    fleet: Fleet, width: int, large: int, limit: int, more: bool
) -> None:
    """However large the answer is: one row more than the limit says that there are more."""
    files = copy(fleet)
    files.engine = Engine()
    row = {
        "DeviceId": f"{1:040x}", "DeviceName": "pc-1.contoso.com", "FileName": "part.bin", "FileOriginIP": "203.0.113.200",
        "FileOriginUrl": f"https://mirror.example{'/x' * width}", "SHA1": f"{1:040x}",
    }  # fmt: skip
    rows = [row | {"Timestamp": fleet.end - timedelta(minutes=n)} for n in range(300)]
    files.engine.load("DeviceFileEvents", rows)
    done, taken = await hunted(Deployment(files, MAX_ROWS=str(limit)), BENIGN)
    found = outcome(done, "file-origin").found

    assert (large, limit, more) == (taken, found.rows, found.more)


async def test_a_hunt_has_the_seconds_that_it_took(fleet: Fleet) -> None:
    """Also where Graph refused it."""
    app = Deployment(fleet)
    app.tenant.faults.add(match="hunt", contains="FileOriginUrl", status=400, times=1_000)
    done, taken = await hunted(app, EXFILTRATION)

    assert 0 == taken
    assert outcome(done, "file-origin").found.failure
    assert all(0 < each.found.seconds < 60 for each in done.outcomes)
