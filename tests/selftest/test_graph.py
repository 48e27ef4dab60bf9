"""The needs of Graph: a token, the roles, hunting as hunts do it."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken

from sandbox.tenant.state import HUNT, READ, RESPONDER, WRITE
from tests.support.surroundings import Stranger, Surroundings, unmet, untold
from tests.support.tenant import Identity


class Abroad(Identity):
    """An identity whose tokens are good for another cloud."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return a token that this Graph does not take."""
        token, expires = self._tenant.issue("https://graph.example")
        return AccessToken(token, int(expires))


@pytest.mark.parametrize(
    ("role", "left", "needs", "mend"),
    [
        (HUNT, {WRITE, RESPONDER}, {HUNT}, f"Grant {HUNT}"),
        (WRITE, {HUNT, READ, RESPONDER}, {f"{WRITE}: commenting"}, f"Grant {WRITE}"),
        (
            WRITE, {HUNT, RESPONDER}, {f"{WRITE}: reading", f"{WRITE}: commenting"}, f"Grant {WRITE}",
        ),
        (RESPONDER, {HUNT, WRITE}, {f"{RESPONDER} on the workspace"}, f"Assign {RESPONDER}"),
    ],
    ids=["hunting", "only reading", "no incidents", "Sentinel"],
)  # fmt: skip
async def test_role(around: Surroundings, role: str, left: set[str], needs: set[str], mend: str) -> None:
    """A missing role is named, with what to grant, and that a day may pass until the grant shows."""
    around.tenant.roles = left
    answer = await around.check()

    assert needs == unmet(answer).keys()
    assert not answer.met
    assert {True} == {
        text.startswith(mend) and "granted less than a day ago" in text for text in unmet(answer).values()
    }
    assert ({"hunts held to devices"} if role == HUNT else set()) == untold(answer)


async def test_throttled(around: Surroundings) -> None:
    """A tenant that throttles is named as that, at once; whether the role is there is left open."""
    around.tenant.faults.add(match="hunt", status=429, retry_after=17, times=9)
    answer = await around.check()
    quota = next(need for need in answer.needs if need.name == "hunting quota")

    assert {"hunting quota"} == unmet(answer).keys()
    assert "Graph throttles this tenant (429), for 17 seconds" == quota.found
    assert "HUNTS_PER_MINUTE" in quota.mend
    assert {HUNT, "hunts held to devices"} == untold(answer)
    assert 1 == around.app.calls("hunt")


async def test_no_token(around: Surroundings) -> None:
    """Without a token nothing of Graph's is told; Entra's code is, and its text is not."""
    around.identity = Stranger(around.tenant)
    answer = await around.check(AZURE_CLOUD="usgov")
    token = answer.needs[0]

    assert {"token"} == unmet(answer).keys()
    assert ("the identity gets no token: AADSTS500011", False) == (token.found, "Contoso" in str(answer))
    assert "AZURE_CLIENT_ID" in token.mend
    assert "AZURE_CLOUD must be the tenant's cloud, and is usgov" in token.mend
    assert 6 == len(untold(answer))


async def test_wrong_cloud(around: Surroundings) -> None:
    """A Graph that does not take the token is another cloud's: the two settings that name a cloud are the mend."""
    around.identity = Abroad(around.tenant)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "AZURE_CLOUD" in unmet(answer)["Microsoft Graph"]
    assert "GRAPH_URL" in unmet(answer)["Microsoft Graph"]
    assert {HUNT, f"{WRITE}: reading", f"{WRITE}: commenting"} < untold(answer)


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}])
async def test_graph_down(around: Surroundings, fault: dict[str, Any]) -> None:
    """Graph failing on its side, or not to be reached, is told apart from a missing right."""
    for kind in ("hunt", "incident", "comment"):
        around.tenant.faults.add(match=kind, times=9, **fault)
    answer = await around.check()

    assert {"Microsoft Graph"} == unmet(answer).keys()
    assert "network" in unmet(answer)["Microsoft Graph"]


@pytest.mark.parametrize(
    ("times", "found", "mend"),
    [
        (1, "Graph refuses a hunt held to one device: no shadows", "Open an issue"),
        (2, "Graph refuses `DeviceInfo | take 1`: no shadows", "Hunting needs the tables of Defender"),
    ],
)
async def test_scoping(around: Surroundings, times: int, found: str, mend: str) -> None:
    """A tenant that takes no hunt as Outrider writes it is told apart from one that has no tables at all."""
    body = {"error": {"code": "BadRequest", "message": "no shadows"}}
    around.tenant.faults.add(match="hunt", status=400, body=body, times=times)
    answer = await around.check()

    assert {"hunts held to devices"} == unmet(answer).keys()
    assert [found] == [need.found for need in answer.needs if need.met is False]
    assert unmet(answer)["hunts held to devices"].startswith(mend)
