"""HTTP clients of a local tenant in this process, in which every planted incident is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from sandbox.telemetry.engine import Engine
from sandbox.tenant.app import create_app
from sandbox.tenant.intrusions import intrusions
from sandbox.tenant.sentinel import arm_id

if TYPE_CHECKING:
    from sandbox.tenant.state import Tenant

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROOT = "/v1.0/security"
HUNTING = f"{ROOT}/runHuntingQuery"
COMMENT = {"@odata.type": "microsoft.graph.security.alertComment", "comment": "Outrider: nothing found"}
ARM = "https://management.azure.com"
VERSION = "?api-version=2023-02-01"
NAME = "4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0014"


class Client(httpx.AsyncClient):
    """
    A client of a tenant of its own, with a token for Graph; *options* are those of `create_app`.

    The tenant's clock shows `now`, which a test may change. Five devices have one row of telemetry each, a
    day apart, the latest at NOW.
    """

    def __init__(self, **options: Any) -> None:
        self.now = NOW
        engine = Engine()
        engine.load(
            "DeviceInfo",
            [
                {
                    "Timestamp": NOW - timedelta(days=day),
                    "DeviceName": f"srv-{day}.contoso.com",
                    "OSPlatform": "Linux",
                }
                for day in range(5)
            ],
        )
        self.app = create_app(engine, intrusions(NOW), clock=lambda: self.now, **options)
        self.tenant: Tenant = self.app.state.tenant
        super().__init__(transport=httpx.ASGITransport(self.app), base_url="http://127.0.0.1")
        self.sign_in()

    def sign_in(self, *resource: str) -> None:
        """Use a new token for *resource*, by default Graph, in all further calls."""
        token, _ = self.tenant.issue(*resource)
        self.headers["Authorization"] = f"Bearer {token}"

    async def hunt(self, query: str = "DeviceInfo", timespan: str | None = None) -> httpx.Response:
        """Return the response to the hunting query *query* over *timespan* (ISO 8601 `start/end`)."""
        return await self.post(HUNTING, json={"Query": query, "Timespan": timespan})

    async def listed(self, **options: str) -> list[str]:
        """
        Return the ids of the listed incidents; *options* are OData's, without `$`, such as *filter*.

        Raises AssertionError if the answer is not 200.
        """
        answer = await self.get(f"{ROOT}/incidents", params={f"${name}": v for name, v in options.items()})
        assert 200 == answer.status_code, answer.text
        return [incident["id"] for incident in answer.json()["value"]]


class ArmClient(Client):
    """
    A client of a tenant of its own, with a token for Resource Manager.

    `own` is the path of the incident that only Sentinel has, `mirrored` that of Sentinel's copy of Defender's
    4101.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sign_in(ARM)
        self.own = arm_id(self.tenant.standalone[0])
        self.mirrored = arm_id(self.tenant.incidents["4101"])

    async def comment(self, text: str = "<p>found</p>", name: str = NAME) -> httpx.Response:
        """Write the comment *name*, a GUID, on the incident that only Sentinel has; return the response."""
        return await self.put(f"{self.own}/comments/{name}{VERSION}", json={"properties": {"message": text}})

    async def comments(self) -> list[dict[str, Any]]:
        """Return the comments on the incident that only Sentinel has, as Resource Manager lists them."""
        listed: list[dict[str, Any]] = (await self.get(f"{self.own}/comments{VERSION}")).json()["value"]
        return listed
