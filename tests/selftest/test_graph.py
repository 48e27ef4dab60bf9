"""What the selftest tries in Microsoft Graph: the token, the roles and the hunting queries."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken

from sandbox.tenant.state import HUNT, READ, RESPONDER, WRITE
from shared.selftest.graph import check_graph
from tests.support.surroundings import Stranger, Surroundings, unmet, untold
from tests.support.tenant import Deployment, Fleet, Identity

#: What is said of a role that Graph misses: the script for either shell.
GRANT = (
    "Grant {} to the app's identity: infra/grant-permissions.sh, or in PowerShell infra/grant-permissions.ps1, "
    "with its object id"
)


class Abroad(Identity):
    """An identity whose tokens are valid in another cloud."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return a token that the tenant's Graph refuses."""
        token, expires = self._tenant.issue("https://graph.example")
        return AccessToken(token, int(expires))


@pytest.mark.parametrize(
    ("role", "left", "needs", "advice"),
    [
        (HUNT, {WRITE, RESPONDER}, {HUNT}, GRANT.format(HUNT)),
        (WRITE, {HUNT, READ, RESPONDER}, {f"{WRITE}: commenting"}, GRANT.format(WRITE)),
        (
            WRITE, {HUNT, RESPONDER}, {f"{WRITE}: reading", f"{WRITE}: commenting"}, GRANT.format(WRITE),
        ),
        (RESPONDER, {HUNT, WRITE}, {f"{RESPONDER} on the workspace law-soc"}, f"Assign {RESPONDER}"),
    ],
    ids=["hunting", "only reading", "no incidents", "Sentinel"],
)  # fmt: skip
async def test_a_missing_role_is_named_with_what_to_grant(
    around: Surroundings, role: str, left: set[str], needs: set[str], advice: str
) -> None:
    """The advice also says that a role granted less than a day ago may not have taken effect yet."""
    around.tenant.roles = left
    answer = await around.check()

    assert needs == unmet(answer).keys()
    assert not answer.met
    assert {True} == {
        text.startswith(advice) and "granted less than a day ago" in text for text in unmet(answer).values()
    }
    assert ({"hunts held to devices", "many hunts in one call"} if role == HUNT else set()) == untold(answer)


async def test_throttling_is_not_mistaken_for_a_missing_role(around: Surroundings) -> None:
    """A throttled tenant is reported after one query; whether the role is there is left open."""
    around.tenant.faults.add(match="hunt", status=429, retry_after=17, times=9)
    answer = await around.check()
    quota = next(need for need in answer.needs if need.name == "hunting quota")

    assert {"hunting quota"} == unmet(answer).keys()
    assert "Graph throttles this tenant (429), for 17 seconds" == quota.found
    assert "HUNTS_PER_MINUTE" in quota.mend
    assert {HUNT, "hunts held to devices", "many hunts in one call"} == untold(answer)
    assert 1 == around.app.calls("hunt")


@pytest.mark.fault(
    "H7", before="hunting quota: met is False, 'Graph throttles this tenant (429), for 60 seconds'"
)
async def test_our_own_pace_is_not_told_as_throttling(fleet: Fleet) -> None:
    """A hunt that HUNTS_PER_MINUTE holds back was never sent: nothing is told about the tenant, and why."""
    app = Deployment(fleet, HUNTS_PER_MINUTE="1")
    await app.tools.graph.run_hunting_query("DeviceInfo | take 1", "PT1H")
    needs = {need.name: need for need in await check_graph(app.tools, Identity(app.tenant))}
    await app.close()
    why = "not told: waiting for its turn: HUNTS_PER_MINUTE (1) is used up"

    assert (None, None) == (needs[HUNT].met, needs["hunting quota"].met)
    assert why == needs[HUNT].found
    assert needs["hunting quota"].found.startswith(f"{why}, for ")
    assert {HUNT, "hunting quota", "hunts held to devices", "many hunts in one call"} == {
        n for n, need in needs.items() if not need.met
    }


async def test_throttling_by_graph_is_told_beside_our_own_pace(fleet: Fleet) -> None:
    """Where our pace holds the hunt back and Graph answers another call with 429, that is what is told."""
    app = Deployment(fleet, HUNTS_PER_MINUTE="1")
    await app.tools.graph.run_hunting_query("DeviceInfo | take 1", "PT1H")
    app.tenant.faults.add(match="comment", status=429, retry_after=17, times=9)
    needs = {need.name: need for need in await check_graph(app.tools, Identity(app.tenant))}
    await app.close()

    assert "Graph throttles this tenant (429), for 17 seconds" == needs["hunting quota"].found


async def test_tables_that_could_not_be_tried_are_not_told_as_missing(around: Surroundings) -> None:
    """Where a hunt is refused and the plain query is throttled, the advice is to try again."""
    body = {"error": {"code": "BadRequest", "message": "no shadows"}}
    around.tenant.faults.add(match="hunt", status=400, body=body, times=2)
    answer = await around.check(HUNTS_PER_MINUTE="2")

    assert unmet(answer)["hunts held to devices"].startswith("Run the self-test again in a minute")


async def test_without_a_token_nothing_in_graph_is_judged(around: Surroundings) -> None:
    """The answer has Entra's error code but not its text, and names the settings that may be wrong."""
    around.identity = Stranger(around.tenant)
    answer = await around.check(AZURE_CLOUD="usgov")
    token = answer.needs[0]

    assert {"token"} == unmet(answer).keys()
    assert ("the identity gets no token: AADSTS500011", False) == (token.found, "Contoso" in str(answer))
    assert "AZURE_CLIENT_ID" in token.mend
    assert "AZURE_CLOUD must be the tenant's cloud, and is usgov" in token.mend
    assert 7 == len(untold(answer))


async def test_a_refused_token_points_to_the_cloud_settings(around: Surroundings) -> None:
    """Where Graph refuses the token, the advice names both settings that choose a cloud."""
    around.identity = Abroad(around.tenant)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "AZURE_CLOUD" in unmet(answer)["Microsoft Graph"]
    assert "GRAPH_URL" in unmet(answer)["Microsoft Graph"]
    assert {HUNT, f"{WRITE}: reading", f"{WRITE}: commenting"} < untold(answer)


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}])
async def test_a_graph_outage_is_not_called_a_missing_role(
    around: Surroundings, fault: dict[str, Any]
) -> None:
    """Where Graph fails or cannot be reached, the only unmet need is Graph, and the advice the network."""
    for kind in ("hunt", "incident", "comment"):
        around.tenant.faults.add(match=kind, times=9, **fault)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "network" in unmet(answer)["Microsoft Graph"]


async def test_where_hunts_may_not_share_a_call_the_setting_is_named(around: Surroundings) -> None:
    """A hunt alone, sent after the call was refused, shows that it is the form; with the setting nothing is said of it."""
    body = {"error": {"code": "BadRequest", "message": "no functions"}}
    around.tenant.faults.add(match="hunt", contains="_Hunt0", status=400, body=body, times=9)
    answer, off = await around.check(), await around.check(HUNT_BATCH="off")

    assert {"many hunts in one call"} == unmet(answer).keys()
    assert unmet(answer)["many hunts in one call"].startswith("Set HUNT_BATCH to off")
    assert ["Graph refuses hunts that share a call: no functions"] == [
        need.found for need in answer.needs if need.met is False
    ]
    assert ({}, set()) == (unmet(off), untold(off))
    assert "many hunts in one call" not in {need.name for need in off.needs}


async def test_a_connection_that_closes_as_it_is_used_is_no_outage(around: Surroundings) -> None:
    """Comments are never sent again by themselves, but this one, which stands nowhere, is."""
    around.tenant.faults.add(match="comment", reset=True)
    answer = await around.check()

    assert {} == unmet(answer)
    assert set() == untold(answer)


@pytest.mark.parametrize(
    ("times", "found", "advice"),
    [
        (2, "Graph refuses a hunt held to one device: no shadows", "Open an issue"),
        (3, "Graph refuses `DeviceInfo | take 1`: no shadows", "Hunting needs the tables of Defender"),
    ],
)
async def test_refused_hunts_and_missing_tables_get_different_advice(
    around: Surroundings, times: int, found: str, advice: str
) -> None:
    """A plain query, sent after a hunt was refused, shows whether Defender's tables are there at all."""
    body = {"error": {"code": "BadRequest", "message": "no shadows"}}
    around.tenant.faults.add(match="hunt", status=400, body=body, times=times)
    answer = await around.check()

    assert {"hunts held to devices"} == unmet(answer).keys()
    assert [found] == [need.found for need in answer.needs if need.met is False]
    assert unmet(answer)["hunts held to devices"].startswith(advice)
