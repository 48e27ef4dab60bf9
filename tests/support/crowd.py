"""A Graph that counts hunting calls, and refuses what is beyond its quota; with a sweep whose calls never end."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, NamedTuple

import httpx

from shared.pace import free_at
from tests.benchmarks import sweep, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

_IDS = re.compile(r"\b0{36}([0-9a-f]{4})\b")
#: Rows of each group of devices: each has to be asked for alone, so a sweep sends 256 calls.
_MANY = 90_000


class Hunted(NamedTuple):
    """A hunting call: when it came, the incident that it is of, 0 for the sweep, and whether it was refused."""

    at: float
    incident: int
    refused: bool


class Crowd:
    """
    A Graph that takes *limit* hunting calls in any *minute* seconds by *clock*, and answers 429 to more.

    Each incident has a device of its own. `hunts` are the calls that came, and `comments` says how often each incident was
    commented.
    """

    def __init__(
        self, limit: int, *, clock: Callable[[], float] = time.monotonic, minute: float = 60.0
    ) -> None:
        self.hunts: list[Hunted] = []
        self.comments: dict[int, int] = {}
        self._limit, self._clock, self._minute = limit, clock, minute

    def answer(self, path: str, method: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        if path.endswith("unHuntingQuery"):
            return self._hunt({name.lower(): text for name, text in json.loads(body).items()}["query"])
        number = re.search(r"/incidents/(\d+)", path)
        if number and method == "POST":
            self.comments[int(number[1])] = self.comments.get(int(number[1]), 0) + 1
            return 200, b"{}"
        found = tenant.incident(number[1]) if number else {"value": []}
        return 200, json.dumps(found).encode()

    def _hunt(self, query: str) -> tuple[int, bytes]:
        now, ids = self._clock(), _IDS.findall(query)
        taken = [each for each in self.hunts if not each.refused and each.at > now - self._minute]
        refused = len(taken) >= self._limit
        self.hunts.append(Hunted(now, int(ids[0], 16) if ids else 0, refused))
        if refused:
            return 429, b'{"error": {"code": "TooManyRequests", "message": "Please retry again later."}}'
        return (200, json.dumps(tenant.answer(query)).encode()) if ids else _swept(query)

    @property
    def of_incidents(self) -> list[float]:
        """When the calls of incidents came."""
        return [each.at for each in self.hunts if each.incident]

    @property
    def busiest(self) -> int:
        """The most calls in any minute, which slides."""
        times = [each.at for each in self.hunts]
        return max(sum(0 <= other - first < self._minute for other in times) for first in times)

    def least(self, arrived: float, count: int) -> float:
        """Return the seconds from *arrived*, after which *count* calls could have been sent, beside the sweep's before."""
        begins = [each.at for each in self.hunts if each.at < arrived]
        for _ in range(count):
            begins.append(free_at(begins, self._limit, 0, arrived, self._minute))
        return begins[-1] - arrived

    def check(self, arrived: float, numbers: range) -> list[str]:
        """
        Return what there is to say of a crowd of incidents *numbers* that *arrived* while a sweep was under way.

        Raises AssertionError unless each has one comment, no call was refused, none was one too many, and incidents went
        before the sweep.
        """
        calls, last = self.of_incidents, max(self.of_incidents)
        swept = [each.at for each in self.hunts if not each.incident]
        between = sum(arrived < at < last for at in swept)
        before = sum(at <= arrived for at in swept)

        assert dict.fromkeys(numbers, 1) == dict(sorted(self.comments.items()))
        assert len(numbers) == len(calls)
        assert 0 == sum(each.refused for each in self.hunts)
        assert self.busiest <= self._limit
        assert before > 1
        assert between <= 1
        return [
            f"{self.busiest} of {self._limit} calls in the busiest minute",
            f"{sum(each.refused for each in self.hunts)} refused",
            f"{last - arrived:.1f} s, of which {self.least(arrived, len(numbers)):.1f} are the least possible",
            f"sweep: {before} calls before, {between} among the {len(calls)} of incidents, {len(swept) - before - between} after",
        ]


def _swept(query: str) -> tuple[int, bytes]:
    """Answer a call of the sweep: 256 groups of devices, each with as many rows as one answer may have."""
    prefixes = re.findall(r'DeviceId startswith "([0-9a-f]+)"', query)
    if "by OSPlatform, DeviceType" in query and "union" not in query:
        return 200, sweep.answer(sweep.KINDS, '{"OSPlatform":"Linux","DeviceType":"Server","Devices":256}')
    if "by Ids" in query:
        groups = (f'{{"Ids":"{number:02x}","Rows":{_MANY}}}' for number in range(256))
        return 200, sweep.answer(sweep.COUNTED, ",".join(groups))
    if prefixes:
        return 200, sweep.answer(sweep.ROWS, "")
    error = {"code": "BadRequest", "message": "Query execution has exceeded the allowed result size."}
    return 400, json.dumps({"error": error}).encode()


class Served:
    """A `Crowd` as an ASGI application."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = b""
        while (part := await receive()) and part["type"] == "http.request":
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        status, content = self._crowd.answer(scope["path"], scope["method"], body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Called(httpx.AsyncBaseTransport):
    """A transport that reaches a `Crowd` in this process."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        status, body = self._crowd.answer(request.url.path, request.method, await request.aread())
        return httpx.Response(status, content=body, headers={"content-type": "application/json"})
