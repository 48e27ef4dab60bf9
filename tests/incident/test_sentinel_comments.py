"""What was found stands on an incident of Microsoft Sentinel's once, as long as comments fit there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tenant.state import READER, Limits
from shared.errors import GraphError, PermissionDenied, Throttled, Unavailable
from shared.incident.sentinel import post_once
from shared.sentinel.client import COMMENT_LIMIT, Arm
from tests.support.arm_client import Pause, tenant_arm
from tests.support.tenant_client import ArmClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.model.record import CommentResult

RUN, OTHER, DIGEST = "0a" * 16, "0b" * 16, "0d" * 16


@pytest.fixture
async def tenant() -> AsyncIterator[ArmClient]:
    """A tenant whose workspace has an incident of its own."""
    async with ArmClient() as client:
        yield client


def text_of(run_id: str) -> Callable[[bool], str]:
    """What a run writes, as the last comment or not."""
    return lambda last: f"<p>{'no more fit' if last else 'found'}</p><p>Outrider {run_id} {DIGEST}</p>"


async def post(arm: Arm, arm_id: str, run_id: str = RUN, digest: str = DIGEST) -> CommentResult:
    """Post *run_id*'s comment."""
    return await post_once(arm, run_id=run_id, arm_id=arm_id, digest=digest, render=text_of(run_id))


async def messages(tenant: ArmClient) -> list[str]:
    """What stands on the workspace's own incident."""
    return [one["properties"]["message"] for one in await tenant.comments()]


async def test_comment_once(tenant: ArmClient) -> None:
    """The same findings are one comment, whichever run writes them and however the incident's id is written."""
    arm = tenant_arm(tenant)
    first = await post(arm, tenant.own)
    again = await post(arm, tenant.own.replace("/incidents/", "/Incidents/"), OTHER)

    assert ("written", "alreadyThere") == (first.status, again.status)
    assert (tenant.own, "these findings stand on the incident") == (first.incident_id, again.reason)
    assert [f"<p>found</p><p>Outrider {RUN} {DIGEST}</p>"] == await messages(tenant)


async def test_delivered_again(tenant: ArmClient) -> None:
    """A run that is delivered again finds its own comment and says that it is written."""
    arm = tenant_arm(tenant)

    assert ["written"] * 2 == [(await post(arm, tenant.own)).status for _ in range(2)]
    assert 1 == len(await tenant.comments())


async def test_at_once(tenant: ArmClient) -> None:
    """Two runs that write the same findings at once write one comment."""
    arm = tenant_arm(tenant)
    await asyncio.gather(post(arm, tenant.own), post(arm, tenant.own, OTHER))

    assert 1 == len(await tenant.comments())


async def test_other_findings(tenant: ArmClient) -> None:
    """Other findings are another comment, and another incident's are, too."""
    arm = tenant_arm(tenant)
    results = [await post(arm, tenant.own), await post(arm, tenant.own, digest="0e" * 16),
               await post(arm, tenant.mirrored)]  # fmt: skip

    assert ["written"] * 3 == [result.status for result in results]
    assert 2 == len(await tenant.comments())


async def test_accepted_then_failed(tenant: ArmClient) -> None:
    """A comment that was taken and answered with an error is sent again, and is one."""
    tenant.tenant.faults.add(match="sentinel", contains="/comments/", accept_then=503)
    pause = Pause()
    result = await post(tenant_arm(tenant, pause), tenant.own)

    assert ("written", [1]) == (result.status, pause.waits)
    assert 1 == len(await tenant.comments())


async def fill(tenant: ArmClient, count: int) -> None:
    """Put *count* comments of other people's on the incident."""
    for number in range(count):
        await tenant.comment("seen", f"00000000-0000-4000-8000-{number:012}")


async def test_last_comment(tenant: ArmClient) -> None:
    """The hundredth comment says that no more fit, and the run after it is told so."""
    await fill(tenant, COMMENT_LIMIT - 1)
    arm = tenant_arm(tenant)
    last, late = await post(arm, tenant.own), await post(arm, tenant.own, OTHER, "0e" * 16)

    assert "written" == last.status
    assert "no more fit" in (await messages(tenant))[-1]
    assert ("failed", "the incident has 100 comments, and Microsoft Sentinel takes no more") == (
        late.status,
        late.reason,
    )
    assert COMMENT_LIMIT == len(await tenant.comments())


async def test_refused() -> None:
    """A comment that Azure refuses is failed, in Azure's words."""
    async with ArmClient(limits=Limits(comment=10)) as tenant:
        result = await post(tenant_arm(tenant), tenant.own)

    assert "failed" == result.status
    assert "Microsoft Sentinel refused the comment (400): Comment length should not exceed" in result.reason


async def test_gone(tenant: ArmClient) -> None:
    """An incident that is gone takes no comment."""
    result = await post(tenant_arm(tenant), tenant.own[:-12] + "000000000000")

    assert "failed" == result.status
    assert "(404)" in result.reason


async def test_only_reader() -> None:
    """A missing role is the run's to wait for, and is named."""
    async with ArmClient(roles=[READER]) as tenant:
        with pytest.raises(PermissionDenied) as raised:
            await post(tenant_arm(tenant), tenant.own)

    assert "Microsoft Sentinel Responder" == raised.value.role


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 429, "retry_after": 300}, Throttled),
        ({"status": 503, "times": 4}, Unavailable),
    ],
)
async def test_later(tenant: ArmClient, fault: dict[str, Any], expected: type[GraphError]) -> None:
    """Throttling and failures of Azure's are the run's to wait for."""
    tenant.tenant.faults.add(match="sentinel", contains="/comments/", **fault)
    with pytest.raises(expected):
        await post(tenant_arm(tenant), tenant.own)

    assert [] == await tenant.comments()
