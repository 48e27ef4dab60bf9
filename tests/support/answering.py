"""A tenant that answers at once or after a while, kills the worker of some runs, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from .packed import hunts_in, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import Receive, Scope, Send

_IDS = re.compile(r"\b0{30}[0-9a-f]{10}\b")
_SCHEMA = [{"name": name, "type": "String"} for name in ("DeviceId", "DeviceName", "LastSeen", "Indicator")]


class Tenant:
    """
    A tenant, as an ASGI application, that takes *trip* seconds to answer any call, and *delay* more for a query.

    Each incident has a device of its own, and every hunt finds a row on it. Half-way through a query of one of the
    incidents *killers*, what `doom` returned when the query came is called. `comments` has the comments of each incident, `times` when the last one
    came, `read` when it was first read (both in seconds, monotonic), and `hunts` how often each query was asked.
    """

    def __init__(self, *, delay: float = 0.0, trip: float = 0.0, killers: Collection[int] = ()) -> None:
        self.comments: dict[int, list[str]] = {}
        self.times: dict[int, float] = {}
        self.read: dict[int, float] = {}
        self.hunts: Counter[str] = Counter()
        self.doom: Callable[[], Callable[[], object]] = lambda: lambda: None
        self._delay = delay
        self._trip = trip
        self._killers = killers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = b""
        while (part := await receive()) and part["type"] == "http.request":
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        content = json.dumps(await self._answer(scope["path"], scope["method"], body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, path: str, method: str, body: bytes) -> dict[str, Any]:
        if path.startswith("/msi"):
            until = str(int(time.time()) + 86_400)
            token = {"access_token": "token", "expires_on": until, "token_type": "Bearer"}
            return token | {"resource": "https://graph.microsoft.com"}
        found = re.search(r"/incidents/(\d+)", path)
        number = int(found[1]) if found else 0
        self.read.setdefault(number, time.monotonic())
        await asyncio.sleep(self._trip)
        if path.endswith("unHuntingQuery"):
            return await self._hunt({name.lower(): text for name, text in json.loads(body).items()}["query"])
        if not found:
            return {"value": []}
        if method == "POST":
            self.comments.setdefault(number, []).append(json.loads(body)["comment"])
            self.times[number] = time.monotonic()
            return {}
        return self._incident(number)

    async def _hunt(self, query: str) -> dict[str, Any]:
        self.hunts[query] += 1
        ids = set(_IDS.findall(query))
        if {int(each, 16) for each in ids} & set(self._killers):
            # The worker that asked, and not the next one, which is innocent.
            kill = self.doom()
            await asyncio.sleep(self._delay / 2)
            kill()
        await asyncio.sleep(self._delay)
        rows = [
            {"DeviceId": each, "DeviceName": f"srv-{int(each, 16)}", "LastSeen": "", "Indicator": ""}
            for each in ids
        ]
        if hunts := hunts_in(query):
            answer: dict[str, Any] = json.loads(pack(dict.fromkeys(hunts, (_SCHEMA, rows))))
            return answer
        return {"schema": _SCHEMA, "results": rows}

    def _incident(self, number: int) -> dict[str, Any]:
        device = {
            "@odata.type": "#microsoft.graph.security.deviceEvidence",
            "mdeDeviceId": f"{number:040x}",
            "deviceDnsName": f"srv-{number}",
            "osPlatform": "Linux",
            "verdict": "suspicious",
        }
        day = "2026-11-20T02:14:05Z"
        alert = {"firstActivityDateTime": day, "lastActivityDateTime": day, "evidence": [device]}
        return {
            "id": str(number),
            "displayName": "Exfiltration",
            "createdDateTime": day,
            "alerts": [alert],
            "comments": [{"comment": text} for text in self.comments.get(number, ())],
        }
