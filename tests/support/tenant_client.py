"""Clients of a local tenant in this process, where every planted incident is open."""

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
    """Speaks to a tenant with a token of its, whose clock is `now`; five devices reported, a day apart."""

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
        """Take a token for *resource*, by default Graph."""
        token, _ = self.tenant.issue(*resource)
        self.headers["Authorization"] = f"Bearer {token}"

    async def hunt(self, query: str = "DeviceInfo", timespan: str | None = None) -> httpx.Response:
        """Run *query*."""
        return await self.post(HUNTING, json={"Query": query, "Timespan": timespan})

    async def listed(self, **options: str) -> list[str]:
        """Return the ids of the incidents that match *options*."""
        answer = await self.get(f"{ROOT}/incidents", params={f"${name}": v for name, v in options.items()})
        assert 200 == answer.status_code, answer.text
        return [incident["id"] for incident in answer.json()["value"]]


class ArmClient(Client):
    """Speaks to Resource Manager; `own` is the incident of Sentinel's own, `mirrored` that of Defender's 4101."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sign_in(ARM)
        self.own = arm_id(self.tenant.standalone[0])
        self.mirrored = arm_id(self.tenant.incidents["4101"])

    async def comment(self, text: str = "<p>found</p>", name: str = NAME) -> httpx.Response:
        """Write the comment *name* on Sentinel's own incident."""
        return await self.put(f"{self.own}/comments/{name}{VERSION}", json={"properties": {"message": text}})

    async def comments(self) -> list[dict[str, Any]]:
        """List the comments on Sentinel's own incident."""
        listed: list[dict[str, Any]] = (await self.get(f"{self.own}/comments{VERSION}")).json()["value"]
        return listed
