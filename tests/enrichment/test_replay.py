"""Days of incidents, replayed: what was hunted and commented by their end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sandbox.tenant import incidents
from shared.enrichment import sharing
from shared.enrichment.planning import make_plan
from shared.incident.reading import from_defender
from shared.model.entity import hidden
from shared.model.incident import Incident
from shared.model.record import Work
from tests.support.mortal import MortalStore
from tests.support.replay import Replay
from tests.support.tenant import Fleet

if TYPE_CHECKING:
    import httpx

    from tests.support.azurite import Azurite

DAY = timedelta(hours=24)
SKEW = timedelta(seconds=30)
SILENT = hidden("device:srv-lost.contoso.com")


async def play(replay: Replay, seed: int) -> None:
    """Let a day pass in which incidents open, grow, merge, are resolved and are opened again."""
    tenant, chance = replay.app.tenant, random.Random(seed)
    for hour in range(24):
        now = replay.now
        match hour % 6:
            case 0:  # two in the same instant, one by a clock that is fast, one by a clock that is slow
                for at in (now, now, now + SKEW, now - SKEW):
                    incidents.generate(tenant, at=at, severity="high")
            case 1:  # one is listed ten minutes after it came to be
                incidents.generate(tenant, at=now - timedelta(minutes=10), severity="medium")
            case 2:  # what there is grows, some of it in the same second
                some = [i for i in tenant.incidents.values() if i["status"] == "active"]
                for incident in chance.sample(some, 3):
                    incidents.grow(tenant, incident, at=now)
            case 3:  # one goes into another
                one, two = (incidents.generate(tenant, severity="low") for _ in range(2))
                await replay.minutes(20, every=5)
                incidents.merge(tenant, one, two)
            case 4:  # one is resolved, grows meanwhile, and is opened again
                incident = incidents.generate(tenant, severity="high")
                await replay.minutes(20, every=5)
                incidents.update(tenant, incident, status="resolved")
                incidents.grow(tenant, incident)
                await replay.minutes(10, every=5)
                incidents.update(tenant, incident, status="active")
            case _:  # the same evidence again, and a planted intrusion
                tenant.open()
                incident = next(iter(tenant.incidents.values()))
                again = [item for alert in incident["alerts"] for item in alert["evidence"]]
                incidents.grow(tenant, incident, *again)
        left = now + timedelta(hours=1) - replay.now
        await replay.minutes(int(left / timedelta(minutes=1)), every=5)
    await replay.settle()


def wanted(replay: Replay) -> dict[str, set[str]]:
    """Return what is to be hunted on each incident that is still open, except on the silent device."""
    tools = replay.app.tools
    result = {}
    for incident in replay.app.tenant.incidents.values():
        if incident["status"] not in ("resolved", "redirected"):
            read = msgspec.convert(incident, Incident)
            about = from_defender(read, read.id, tools.limits, private=False)
            plan = make_plan(Work("", replay.now, ""), about, tools.catalog, replay.now)
            keys = sharing.wanted(plan, tools.catalog)
            result[read.id] = {key for key in keys if not key.endswith(SILENT)}
    return result


def activities(incident: dict[str, Any]) -> int:
    """Return how often something new happened on an incident: the different times of its alerts' activity."""
    return len({alert["lastActivityDateTime"] for alert in incident["alerts"]})


async def check(replay: Replay) -> dict[str, set[str]]:
    """
    Check that nothing was missed, hunted without need or commented twice; return what the ledger settled.

    A pair of hunt and entity is hunted once for each new activity, and once more when its window is over.
    """
    settled, hunted, digests = await replay.settled(), await replay.hunted(), replay.digests()
    for incident, keys in wanted(replay).items():
        assert keys <= settled.get(incident, {}).keys(), incident
    most = {key: activities(incident) + 1 for key, incident in replay.app.tenant.incidents.items()}
    assert not [pair for pair, n in hunted.items() if pair[1] in settled[pair[0]] and n > most[pair[0]]]
    assert set() == await replay.untold()
    for incident, written in (await replay.written()).items():
        assert written <= set(digests[incident]), incident
    for incident, comments in digests.items():
        assert len(set(comments)) == len(comments), incident
    return {incident: set(keys) for incident, keys in settled.items()}


def deaths(plain: Replay) -> list[int]:
    """Return the numbers of twenty calls of a day like *plain*, at which workers die."""
    return random.Random(2).sample(range(plain.calls // 10, plain.calls * 9 // 10), 20)


async def test_a_day_ends_the_same_when_workers_die(fleet: Fleet) -> None:
    """
    Each incident is hunted as often as something happens, and late once more, and findings are told once.

    The ledger ends the same whether no worker died during the day or twenty did.
    """
    plain = Replay(fleet, fleet.end - DAY)
    await play(plain, 1)
    deadly = Replay(fleet, fleet.end - DAY, deaths(plain))
    await play(deadly, 1)

    assert len(plain.app.tenant.incidents) > 30
    assert 20 == deadly.died
    assert await check(plain) == await check(deadly)
    await plain.app.close()
    await deadly.app.close()


@pytest.mark.azurite
async def test_a_day_on_a_storage_account_ends_the_same_when_workers_die(
    fleet: Fleet, azurite: Azurite
) -> None:
    """With the state in a container and twenty deaths, the ledger ends as in memory and without any."""
    plain = Replay(fleet, fleet.end - DAY)
    await play(plain, 1)
    deadly = Replay(fleet, fleet.end - DAY, deaths(plain), opened=lambda: azurite.open(MortalStore))
    await play(deadly, 1)

    assert 20 == deadly.died
    assert await check(plain) == await check(deadly)
    await plain.app.close()
    await deadly.app.close()


async def test_paging_copes_with_incidents_that_change_meanwhile(fleet: Fleet) -> None:
    """Incidents that open or change between two pages of a list are neither missed nor hunted twice."""
    replay = Replay(fleet, fleet.end - DAY)
    tenant = replay.app.tenant
    for _ in range(60):
        incidents.generate(tenant, severity="low")
    oldest = next(iter(tenant.incidents.values()))

    def shift(request: httpx.Request) -> None:
        """Open an incident and update the oldest one before another page is read."""
        if "skip" in str(request.url) and len(tenant.incidents) < 63:
            incidents.generate(tenant, severity="low")
            incidents.update(tenant, oldest, assignedTo="analyst@contoso.com")

    replay.meanwhile = shift
    await replay.minutes(6)
    await replay.settle()

    assert 63 == len(tenant.incidents)
    assert await check(replay)
    await replay.app.close()
