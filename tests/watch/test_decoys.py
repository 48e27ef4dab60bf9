"""Sixty decoys of high severity, and one real incident, from the look to the comment."""

from __future__ import annotations

import pytest

from tests.support.rush import Rush
from tests.support.tenant import Fleet


@pytest.mark.fault("A29", before="369 seconds passed until the comment")
@pytest.mark.parametrize("later", [0, 20], ids=["among them", "in the next look"])
async def test_decoys_delay_a_real_incident_by_95_seconds_at_most(fleet: Fleet, later: int) -> None:
    """
    A medium incident that is listed among or after 60 high ones has its comment 95 seconds after it opened.

    A look is due within 60 and starts it among its first 6 runs; the queue is polled after 2. Its hunts wait
    for the pace for 30 at most, which the simulation does not count.
    """
    rush = Rush(fleet)
    for _ in range(60):
        rush.open("high")
    await rush.seconds(later)
    real = rush.open("medium")
    passed = await rush.until_comment(real)
    decoys = sum(bool(incident["comments"]) for incident in rush.tenant.incidents.values()) - 1

    assert passed + 30 <= 95
    assert decoys < 60
    await rush.close()


async def test_every_decoy_has_its_comment_once_the_quota_allows(fleet: Fleet) -> None:
    """Sixty runs of five hunts fit into 7 minutes of 45 calls: in the eighth, none is left."""
    rush = Rush(fleet)
    decoys = [rush.open("high") for _ in range(60)]
    await rush.seconds(8 * 60)

    assert [1] * 60 == [len(decoy["comments"]) for decoy in decoys]
    await rush.close()


@pytest.mark.fault("A29", before="24 that came later were commented before it")
async def test_a_run_that_waits_keeps_its_place_among_those_that_come_later(fleet: Fleet) -> None:
    """Runs that a caller starts every 5 seconds, more than the quota allows, do not overtake it for ever."""
    rush = Rush(fleet)
    rush.watching = False
    for _ in range(20):
        await rush.ask(incidentId=rush.open("high")["id"])
    await rush.seconds(2)
    real = rush.open("medium")
    await rush.ask(incidentId=real["id"])
    later = []
    while not real["comments"] and len(later) < 120:
        later.append(rush.open("high"))
        await rush.ask(incidentId=later[-1]["id"])
        await rush.seconds(5)

    assert real["comments"]
    assert [] == [late["id"] for late in later[5:] if late["comments"]]
    await rush.close()
