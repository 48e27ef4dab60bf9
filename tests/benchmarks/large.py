"""
Measure one side of a comparison in its own process: `python -m tests.benchmarks.large FILE outrider|json`.

Prints `{"seconds", "peak"}`. `seconds` is the processor time of all threads: for `outrider`, from the bytes
of the answer in FILE to the stored findings and the comment; for `json`, that of `json.loads` on the same
bytes. `peak` is by how many bytes resident memory rose above what it was with these bytes loaded (VmHWM of
/proc/self/status, since the peak that getrusage reports begins with the parent's).
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import httpx
from azure.core.credentials import AccessToken

from tests.benchmarks import tenant
from tests.benchmarks.scripted import Outrider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROWS = 100_000
HUNT = "linux-server-egress-baseline"
_PIECE = 65_536


def write(path: Path) -> None:
    """Write an answer of 100,000 rows, about 50 MB of JSON, to *path*, as Graph would send it."""
    chance = random.Random(4101)
    columns = (
        "DeviceId",
        "DeviceName",
        "InitiatingProcessFileName",
        "InitiatingProcessCommandLine",
        "RemoteIP",
    )
    schema = [{"name": name, "type": "String"} for name in (*columns, "RemoteUrl", "AccountName", "SHA1")]
    schema += [
        {"name": name, "type": kind} for name, kind in (("Timestamp", "DateTime"), ("RemotePort", "Int32"))
    ]
    rows = [
        {
            "DeviceId": f"{4101:040x}",
            "DeviceName": tenant.device("4101"),
            "InitiatingProcessFileName": chance.choice(("curl", "python3.11", "rsync", "backup-agent")),
            "InitiatingProcessCommandLine": f"/usr/bin/rsync -az /srv/data/{chance.randbytes(40).hex()}",
            "RemoteIP": f"198.51.100.{chance.randrange(256)}",
            "RemoteUrl": f"https://storage-{chance.randrange(50)}.example/{chance.randbytes(20).hex()}",
            "AccountName": chance.choice(("root", "svc-backup", "www-data")),
            "SHA1": chance.randbytes(20).hex(),
            "Timestamp": f"2026-11-24T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}.{n % 1000:03d}Z",
            "RemotePort": chance.choice((22, 443, 8443)),
        }
        for n in range(ROWS)
    ]
    path.write_text(json.dumps({"schema": schema, "results": rows}, separators=(",", ":")))


class InProcess(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """
    A tenant in this process that answers the hunt with *pieces*, one after another as from a socket.

    Its other answers are small, and so is that to the hunt while *pieces* is empty.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the scripted tenant does, except for the hunt."""
        if request.method == "GET":
            return httpx.Response(200, json=tenant.incident(request.url.path.rsplit("/", 1)[-1]))
        if request.url.path.endswith("/comments"):
            return httpx.Response(201, json={})
        query = str(json.loads(request.content))
        # Neither the device card, nor what is counted over the fleet, has the large answer.
        if "LoggedOnUsers" in query or "let _Values = " in query or not self._pieces:
            return httpx.Response(200, json=tenant.answer(query))
        return httpx.Response(200, stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces of the answer to the hunt."""
        for piece in self._pieces:
            yield piece


class Identity:
    """An identity that returns a token without requesting one."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return a token that is valid for an hour."""
        return AccessToken("token", int(time.time()) + 3_600)

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def resident(kind: str) -> int:
    """Return this process's resident memory (*kind* `VmRSS`) or its peak so far (`VmHWM`), in bytes."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1_024


async def enrich(raw: bytes, folder: str) -> dict[str, float]:
    """
    Return the `seconds` and `peak` of an enrichment whose hunt is answered with *raw*.

    Its state is stored in *folder*. An enrichment with a small answer comes first, so that what is imported
    late is not measured. Raises AssertionError unless all rows but one are stored and one comment is written.
    """
    pieces: list[bytes] = []
    url, tenant_here = "http://127.0.0.1", InProcess(pieces)
    # Each hunt is asked alone: `packed` measures those that share a call.
    outrider = Outrider(url, Identity(), tenant_here, state_url=f"file://{folder}", HUNT_BATCH="off")
    await outrider.enrich(incidentId=4101, hunts=[HUNT])
    pieces += [raw[start : start + _PIECE] for start in range(0, len(raw), _PIECE)]
    del raw
    before, started = resident("VmRSS"), time.process_time()
    done = await outrider.enrich(incidentId=4102, hunts=[HUNT])
    took = time.process_time() - started

    assert (ROWS - 1, True) == (done.outcomes[0].found.rows, done.outcomes[0].found.more)
    assert ["written"] == [each.status for each in done.comments]
    return {"seconds": took, "peak": resident("VmHWM") - before}


def loads(raw: bytes) -> dict[str, float]:
    """Return the `seconds` and `peak` of `json.loads` on *raw*."""
    before, started = resident("VmRSS"), time.process_time()
    json.loads(raw)
    return {"seconds": time.process_time() - started, "peak": resident("VmHWM") - before}


def main(file: str, side: str) -> None:
    """Measure one *side*, `outrider` or `json`, on the answer in *file*, and print the result."""
    if side == "json":
        print(json.dumps(loads(Path(file).read_bytes())))
    else:
        with TemporaryDirectory() as folder:
            print(json.dumps(asyncio.run(enrich(Path(file).read_bytes(), folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
