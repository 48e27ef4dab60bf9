"""
The HTTP action of a Logic App, as Microsoft documents it.

While the answer is 202, the address in its Location is polled, every 20 seconds unless Retry-After says
otherwise. A call that is answered with 408, 429 or 5xx, or whose connection breaks, is retried up to four
times, 5 to 45 seconds apart unless Retry-After says otherwise. The action's headers and authentication are
sent with every call ("Call external HTTP or HTTPS endpoints", "Handle errors and exceptions in Azure Logic
Apps").
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETRIES = 4
_POLLS = 200
_POLL_INTERVAL = 20.0
_SHORTEST, _LONGEST, _SCALE = 5.0, 45.0, 7.5
# The most seconds that a test really waits, however long the action would.
_PAUSE = 0.1


class Call(NamedTuple):
    """
    One call that the action made.

    `status` is 0 if the connection broke. `waited` is how many seconds a real action would have waited before
    it.
    """

    method: str
    url: str
    status: int
    waited: float


class HttpAction:
    """
    One HTTP action in one run of a workflow.

    *authentication* are headers that are sent with every call. `calls` has the calls so far, retries
    included.
    """

    def __init__(self, authentication: Mapping[str, str] | None = None) -> None:
        self.calls: list[Call] = []
        self._waited = 0.0
        self._headers = {
            "x-ms-workflow-run-id": f"0858470{uuid.uuid4().int % 10**13:013d}",
            "x-ms-action-tracking-id": str(uuid.uuid4()),
            **(authentication or {}),
        }

    def post(self, url: str, body: Any) -> httpx.Response:
        """
        Post *body* as JSON, poll while the answer is 202, and return the last answer.

        Its status is 0 if the connection broke on every attempt, and 202 if 200 polls did not suffice.
        """
        answer = self._send("POST", url, body)
        for _ in range(_POLLS):
            if answer.status_code != httpx.codes.ACCEPTED:
                break
            self._wait(float(answer.headers.get("retry-after", _POLL_INTERVAL)))
            answer = self._send("GET", answer.headers["location"])
        return answer

    def _send(self, method: str, url: str, body: Any = None) -> httpx.Response:
        for attempt in range(_RETRIES + 1):
            answer = self._once(method, url, body)
            if answer.status_code not in (0, 408, 429) and answer.status_code < 500:
                break
            backoff = min(max(_SCALE * 2**attempt, _SHORTEST), _LONGEST)
            self._wait(float(answer.headers.get("retry-after", backoff)))
        return answer

    def _once(self, method: str, url: str, body: Any) -> httpx.Response:
        content = {} if body is None else {"json": body}
        try:
            # Every call opens a new connection, since Logic Apps call from many addresses.
            answer = httpx.request(method, url, headers=self._headers, trust_env=False, timeout=30, **content)
        except httpx.TransportError:
            answer = httpx.Response(0)
        self.calls.append(Call(method, url, answer.status_code, self._waited))
        self._waited = 0.0
        return answer

    def _wait(self, seconds: float) -> None:
        self._waited += seconds
        time.sleep(min(seconds, _PAUSE))
