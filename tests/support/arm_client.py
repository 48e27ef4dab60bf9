"""Our client of Resource Manager with a script, or a local tenant, in place of Azure."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from requests.adapters import BaseAdapter

from shared import settings
from shared.sentinel.client import Arm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .tenant_client import ArmClient

ROOT = "https://arm.example"
ENVIRONMENT = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "127.0.0.1:7071",
    "ARM_URL": ROOT,
}

Answer = tuple[int, Any, "Mapping[str, str]"] | Exception


def answered(
    request: requests.PreparedRequest, status: int, body: bytes, headers: Mapping[str, str]
) -> requests.Response:
    """An answer as `requests` gives it."""
    response = requests.Response()
    response.request, response.url = request, request.url or ""
    response.status_code, response.raw, response.reason = status, io.BytesIO(body), "Because"
    response.headers.update(headers)
    return response


class Script(BaseAdapter):
    """Answers one call after the other, and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[requests.PreparedRequest] = []
        self.timeouts: list[Any] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Give the next answer."""
        self.asked.append(request)
        self.timeouts.append(options["timeout"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        return answered(
            request, status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers
        )

    def close(self) -> None:
        """Nothing is open."""


class Tenant(BaseAdapter):
    """Asks a tenant that lives in the test's event loop, from the thread in which the call is made."""

    def __init__(self, client: ArmClient) -> None:
        super().__init__()
        self._client, self._loop = client, asyncio.get_running_loop()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Ask, and wait for the answer."""
        path = (request.url or "").removeprefix(ROOT)
        asked = self._client.request(
            request.method or "",
            path,
            content=request.body,
            headers={"Authorization": request.headers["Authorization"]},
        )
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result(10)
        return answered(request, answer.status_code, answer.content, answer.headers)

    def close(self) -> None:
        """The client outlives a call."""


class Credential:
    """Gives tokens, and keeps what they were asked for."""

    def __init__(self, issue: Callable[[str], str] = lambda _: "secret", *, broken: bool = False) -> None:
        self.scopes: list[str] = []
        self._issue, self._broken = issue, broken

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for *scopes*."""
        self.scopes += scopes
        if self._broken:
            raise ClientAuthenticationError("no identity")
        return AccessToken(self._issue(scopes[0]), 0)


class Pause:
    """Waits without waiting, and keeps how long it would have been."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)


def client_of(
    adapter: BaseAdapter, credential: Credential | None = None, sleep: Pause | None = None, **environment: str
) -> Arm:
    """A client whose calls go to *adapter*."""

    def session() -> requests.Session:
        made = requests.Session()
        made.mount("https://", adapter)
        return made

    chosen = settings.read_settings({**ENVIRONMENT, **environment})
    return Arm(chosen, credential or Credential(), session=session, sleep=sleep or Pause())


def tenant_arm(tenant: ArmClient, sleep: Pause | None = None) -> Arm:
    """A client of *tenant*."""
    issue = Credential(lambda scope: tenant.tenant.issue(scope.removesuffix("/.default"))[0])
    return client_of(Tenant(tenant), issue, sleep)
