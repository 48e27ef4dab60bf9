"""Sweeps whose answers are not as Graph documents them end, and say what could not be read."""

from __future__ import annotations

import pytest

from tests.support.endings import outcome
from tests.support.odd import through
from tests.support.sweeping import SERVERS, Sweeping
from tests.support.tenant import Fleet


@pytest.mark.fault("A13", before="KeyError, TypeError or OverflowError: the sweep died")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"Devices": ', b'"Machines": '),
        (b'"Devices": ', b'"Devices": [], "Others": '),
        (b'"Devices": ', b'"Devices": true, "Others": '),
        (b'"Devices": ', b'"Devices": 99999999999999999999999, "Others": '),
        (b'"OSPlatform": "', b'"OSPlatform": {}, "Platform": "'),
        (b'"Connections": ', b'"Connections": 99999999999999999999999, "Others": '),
        (b'"Days": ', b'"Days": 1e400, "Others": '),
    ],
)
async def test_an_odd_answer_ends_no_sweep(fleet: Fleet, old: bytes, new: bytes) -> None:
    """Its rows are counted as far as they can be read; how many devices there are may stay unknown."""
    app = Sweeping(fleet)
    patched = through(app, old, new)
    run = await app.swept(SERVERS)
    done = await app.done(run)
    await app.close()

    assert patched.hits
    assert "found" == outcome(done, SERVERS).outcome


@pytest.mark.fault("A13", before="ValidationError: the sweep died")
@pytest.mark.parametrize(
    ("new", "ending"), [(b'"results": [5, {', "found"), (b'"results": [5], "more": [{', "notRun")]
)
async def test_rows_that_cannot_be_read_are_never_nothing_new(fleet: Fleet, new: bytes, ending: str) -> None:
    """What was found is told, and how many rows could not be read; without any other row, it is *not run*."""
    app = Sweeping(fleet)
    through(app, b'"results": [{', new)
    run = await app.swept(SERVERS)
    summary, ended = await app.summary(run, SERVERS), outcome(await app.done(run), SERVERS)
    await app.close()

    assert 1 == summary.unreadable
    assert ending == ended.outcome
    assert "1 row could not be read" in ended.reason
