"""Findings are commented once on an incident of Microsoft Sentinel, as long as comments fit there."""

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
    """A client of a tenant whose workspace has an incident that only Sentinel knows."""
    async with ArmClient() as client:
        yield client


def text_of(run_id: str) -> Callable[[bool], str]:
    """Return a function that renders a run's comment, as the last one that fits or not."""
    return lambda last: f"<p>{'no more fit' if last else 'found'}</p><p>Outrider {run_id} {DIGEST}</p>"


async def post(arm: Arm, arm_id: str, run_id: str = RUN, digest: str = DIGEST) -> CommentResult:
    """Post the comment of *run_id*, and return the result."""
    return await post_once(arm, run_id=run_id, arm_id=arm_id, digest=digest, render=text_of(run_id))


async def messages(tenant: ArmClient) -> list[str]:
    """Return the texts of the comments on Sentinel's own incident."""
    return [one["properties"]["message"] for one in await tenant.comments()]


async def test_the_same_findings_are_commented_only_once(tenant: ArmClient) -> None:
    """A second run with the same findings writes nothing, even if it spells the incident's id differently."""
    arm = tenant_arm(tenant)
    first = await post(arm, tenant.own)
    again = await post(arm, tenant.own.replace("/incidents/", "/Incidents/"), OTHER)

    assert ("written", "alreadyThere") == (first.status, again.status)
    assert (tenant.own, "these findings stand on the incident") == (first.incident_id, again.reason)
    assert [f"<p>found</p><p>Outrider {RUN} {DIGEST}</p>"] == await messages(tenant)


async def test_a_redelivered_run_finds_its_own_comment(tenant: ArmClient) -> None:
    """When it posts for the second time, its comment counts as written and is not repeated."""
    arm = tenant_arm(tenant)

    assert ["written"] * 2 == [(await post(arm, tenant.own)).status for _ in range(2)]
    assert 1 == len(await tenant.comments())


async def test_two_runs_at_once_write_one_comment(tenant: ArmClient) -> None:
    """Two runs that post the same findings at the same time leave a single comment."""
    arm = tenant_arm(tenant)
    await asyncio.gather(post(arm, tenant.own), post(arm, tenant.own, OTHER))

    assert 1 == len(await tenant.comments())


async def test_other_findings_or_incidents_get_their_own_comment(tenant: ArmClient) -> None:
    """An earlier comment holds back neither different findings nor the same ones on another incident."""
    arm = tenant_arm(tenant)
    results = [await post(arm, tenant.own), await post(arm, tenant.own, digest="0e" * 16),
               await post(arm, tenant.mirrored)]  # fmt: skip

    assert ["written"] * 3 == [result.status for result in results]
    assert 2 == len(await tenant.comments())


async def test_a_comment_accepted_with_an_error_is_not_doubled(tenant: ArmClient) -> None:
    """Where Azure stores the comment but answers 503, sending it again leaves a single comment."""
    tenant.tenant.faults.add(match="sentinel", contains="/comments/", accept_then=503)
    pause = Pause()
    result = await post(tenant_arm(tenant, pause), tenant.own)

    assert ("written", [1]) == (result.status, pause.waits)
    assert 1 == len(await tenant.comments())


async def fill(tenant: ArmClient, count: int) -> None:
    """Put *count* comments by other people on the incident."""
    for number in range(count):
        await tenant.comment("seen", f"00000000-0000-4000-8000-{number:012}")


async def test_the_hundredth_comment_says_no_more_fit(tenant: ArmClient) -> None:
    """The run after it writes nothing, and gives the full incident as its reason."""
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


async def test_a_refused_comment_fails_in_azures_words() -> None:
    """The result of a comment that is too long repeats what Azure answered."""
    async with ArmClient(limits=Limits(comment=10)) as tenant:
        result = await post(tenant_arm(tenant), tenant.own)

    assert "failed" == result.status
    assert "Microsoft Sentinel refused the comment (400): Comment length should not exceed" in result.reason


async def test_an_incident_that_is_gone_takes_no_comment(tenant: ArmClient) -> None:
    """Posting to an incident that does not exist fails, and the reason holds the status 404."""
    result = await post(tenant_arm(tenant), tenant.own[:-12] + "000000000000")

    assert "failed" == result.status
    assert "(404)" in result.reason


async def test_a_missing_role_is_named_by_the_error() -> None:
    """With the Reader role alone, posting raises an error that names the role to assign."""
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
async def test_throttling_and_outages_are_left_to_the_run(
    tenant: ArmClient, fault: dict[str, Any], expected: type[GraphError]
) -> None:
    """Both raise an error that a run can wait for, and nothing is commented."""
    tenant.tenant.faults.add(match="sentinel", contains="/comments/", **fault)
    with pytest.raises(expected):
        await post(tenant_arm(tenant), tenant.own)

    assert [] == await tenant.comments()
