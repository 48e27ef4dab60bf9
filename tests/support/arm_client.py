"""The app's client of Resource Manager, answered by a script or by a local tenant instead of Azure."""

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
    """Return the response to *request*, as `requests` would build it, with this status, body and headers."""
    response = requests.Response()
    response.request, response.url = request, request.url or ""
    response.status_code, response.raw, response.reason = status, io.BytesIO(body), "Because"
    response.headers.update(headers)
    return response


class Script(BaseAdapter):
    """
    A `requests` adapter that gives *answers* in turn, one per call.

    An answer is an exception, which is raised, or a status, a body and headers; a body that is not bytes is
    sent as JSON. `asked` has the requests so far, and `timeouts` the timeout of each.
    """

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[requests.PreparedRequest] = []
        self.timeouts: list[Any] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Record *request*, and return the next answer, or raise it if it is an exception."""
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
        """Do nothing: there is no connection to close."""


class Tenant(BaseAdapter):
    """
    A `requests` adapter that lets a tenant in the test's event loop answer.

    It must be created in that loop, and called from another thread.
    """

    def __init__(self, client: ArmClient) -> None:
        super().__init__()
        self._client, self._loop = client, asyncio.get_running_loop()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """
        Return the tenant's answer to *request*, of whose headers only Authorization is passed on.

        Raises TimeoutError if there is no answer within 10 seconds.
        """
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
        """Do nothing: the tenant's client is used for further calls."""


class Credential:
    """
    An identity whose tokens *issue* makes from a scope; by default each token is `secret`.

    `scopes` has the scopes that tokens were requested for. A *broken* one gives no token.
    """

    def __init__(self, issue: Callable[[str], str] = lambda _: "secret", *, broken: bool = False) -> None:
        self.scopes: list[str] = []
        self._issue, self._broken = issue, broken

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Return a token for the first of *scopes*. Raises ClientAuthenticationError if broken."""
        self.scopes += scopes
        if self._broken:
            raise ClientAuthenticationError("no identity")
        return AccessToken(self._issue(scopes[0]), 0)


class Pause:
    """A replacement for `asyncio.sleep` that returns at once; `waits` has the seconds that were asked for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Record *seconds*, and return at once."""
        self.waits.append(seconds)


def client_of(
    adapter: BaseAdapter, credential: Credential | None = None, sleep: Pause | None = None, **environment: str
) -> Arm:
    """Return a client whose calls go to *adapter*; *environment* adds to the settings or replaces them."""

    def session() -> requests.Session:
        made = requests.Session()
        made.mount("https://", adapter)
        return made

    chosen = settings.read_settings({**ENVIRONMENT, **environment})
    return Arm(chosen, credential or Credential(), session=session, sleep=sleep or Pause())


def tenant_arm(tenant: ArmClient, sleep: Pause | None = None) -> Arm:
    """Return a client whose calls *tenant* answers, with tokens that the tenant issues."""
    issue = Credential(lambda scope: tenant.tenant.issue(scope.removesuffix("/.default"))[0])
    return client_of(Tenant(tenant), issue, sleep)
